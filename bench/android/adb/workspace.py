"""A directory of one's own on the device, which is gone afterwards."""

from __future__ import annotations

import contextlib
import hashlib
import secrets
from typing import Self

from bench.android.adb.adb_device import Device
from bench.android.adb.device_errors import DeviceError
from bench.android.adb.transfer import push

PARENT = "/data/local/tmp"
PREFIX = "cnn-latency-"
SESSION_FILE, TOOL_FILE = "session.pid", "tool.pid"
"""Where the shell of the rounds writes its own number and that of the process it waits for."""

_KILL = f"""
cd "$1" 2>/dev/null || exit 0
for name in {SESSION_FILE} {TOOL_FILE}; do
  [ -f "$name" ] || continue
  read -r pid < "$name" || continue
  case $pid in ''|0*|1|*[!0-9]*) continue;; esac
  [ "/proc/$pid/cwd" -ef . ] || continue
  kill -9 "-$pid" "$pid" 2>/dev/null
done
"""
"""Ends the processes by their numbers, and their groups, which adbd makes each shell lead.

A number may be only half written, or be another process's by now. So it has to be a whole line, a
number above 1, and that of a process that works in this very directory.
"""


class Workspace:
    """Files of one run on a device; a context manager that removes them and ends what still runs.

    The directory is made when something is first put into it, and again where it was lost with the
    connection: a shell that loses its connection removes it by itself (`bench.android.session`).
    """

    def __init__(self, device: Device) -> None:
        self.device = device
        self.path = f"{PARENT}/{PREFIX}{secrets.token_hex(6)}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception) -> None:
        # Where the device is gone there is nothing to be done, and the reason was told already.
        with contextlib.suppress(DeviceError):
            self.remove()

    def put(
        self, content: bytes, suffix: str = "", mode: int = 0o644, name: str | None = None
    ) -> str:
        """Push a file under the name of its content's hash, and return its path on the device.

        Args:
            content: what shall be in it; a file that the device has already is not sent again.
            suffix: what its name ends in.
            name: what it is called instead.

        Raises:
            TransferError, CommandError, CommandTimeoutError, DeviceLostError, AdbServerError: it
                did not arrive.
        """
        path = f"{self.path}/{name or hashlib.sha256(content).hexdigest() + suffix}"
        self.device.run(["mkdir", "-p", self.path])
        push(self.device, content, path, mode)
        return path

    def kill(self) -> None:
        """End the shell of the rounds and all that it started, where they still run.

        Raises:
            DeviceLostError, AdbServerError: the device is gone.
        """
        self.device.run(["sh", "-c", _KILL, "sh", self.path], check=False)

    def remove(self) -> None:
        """Remove the directory and all that is in it.

        Raises:
            CommandError, DeviceLostError, AdbServerError: it is still there.
        """
        self.kill()
        self.device.run(["rm", "-rf", self.path])
