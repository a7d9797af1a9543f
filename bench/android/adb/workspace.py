"""A directory of one's own on the device, which is gone afterwards."""

from __future__ import annotations

import contextlib
import hashlib
import secrets
from typing import Self

from bench.android.adb.device import Device
from bench.android.adb.errors import DeviceError

PARENT = "/data/local/tmp"
PREFIX = "cnn-latency-"


class Workspace:
    """Files of one run on a device; a context manager that removes them and ends what still runs.

    The directory is made when something is first put into it, and again where it was lost with the
    connection: a shell that loses its connection removes it by itself (`bench.android.session`).

    Args:
        device: where it is.
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

    def put(self, content: bytes, suffix: str = "", mode: int = 0o644) -> str:
        """Push a file under the name of its content's hash, and return its path on the device.

        Args:
            content: what shall be in it; a file that the device has already is not sent again.
            suffix: what its name ends in.
            mode: its permissions.

        Raises:
            TransferError, DeviceLostError, AdbServerError: it did not arrive.
        """
        path = f"{self.path}/{hashlib.sha256(content).hexdigest()}{suffix}"
        self.device.run(["mkdir", "-p", self.path])
        self.device.push(content, path, mode)
        return path

    def kill(self) -> None:
        """End the shell of the rounds and all that it started, where they still run.

        adbd makes the shell the leader of a process group. Killed alone, it would leave behind for
        a moment what it was just running, such as `am`.

        Raises:
            DeviceLostError, AdbServerError: the device is gone.
        """
        numbers = self.device.run(
            ["cat", f"{self.path}/session.pid", f"{self.path}/tool.pid"], check=False
        ).stdout.split()
        processes = [number for number in numbers if number.isascii() and number.isdecimal()]
        if processes:
            groups = [f"-{number}" for number in processes]
            self.device.run(["kill", "-9", *groups, *processes], check=False)

    def remove(self) -> None:
        """Remove the directory and all that is in it.

        Raises:
            CommandError, DeviceLostError, AdbServerError: it is still there.
        """
        self.kill()
        self.device.run(["rm", "-rf", self.path])
