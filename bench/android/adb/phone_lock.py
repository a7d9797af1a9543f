"""One suite at a time on a phone: a lock that lies on the phone itself.

A shell on the phone holds it and works in its directory; so a lock whose holder is dead, or was
on the phone before a restart, is known to be none.
"""

from __future__ import annotations

import contextlib
import getpass
import os
import secrets
import shlex
import socket
import time

from bench.android.adb.adb_device import Device
from bench.android.adb.device_errors import CommandError, DeviceBusyError, DeviceError, printable
from bench.android.adb.line_stream import LineStream
from bench.android.adb.workspace import PARENT, PREFIX

NAME = "cnn-latency.lock"
GROUP_VARIABLE = "CNN_LATENCY_DEVICE_GROUP"
"""Suites that have the same value here share a phone: the gate's two, which take turns on it."""

ANSWER_TIMEOUT_S = 30.0

_HOLD = """
cd {parent} || exit 1
is_held() {{
  read -r pid holder 2>/dev/null < {name}/holder
  case $pid in ''|*[!0-9]*) return 1;; esac
  [ "/proc/$pid/cwd" -ef {name} ]
}}
if ! mkdir {name} 2>/dev/null; then
  is_held || sleep 1
  if is_held; then echo {token} held "$holder"; exit 0; fi
  rm -rf {name}
  mkdir {name} || exit 1
fi
cd {name} || exit 1
release() {{ trap '' HUP PIPE TERM INT; cd {parent}; rm -rf {name}; }}
trap 'release; exit 1' HUP PIPE TERM INT
echo "$$" {who} > holder
rm -rf {parent}/{prefix}*
echo {token} locked
read -r word
release
echo {token} released
"""


class PhoneLock:
    """The lock of one device; held from `acquire` to `release`, or until the connection ends."""

    def __init__(self, device: Device) -> None:
        self._device = device
        self._token = secrets.token_hex(8)
        self._stream: LineStream | None = None

    def acquire(self) -> None:
        """Take the lock, unless it is held here already; remove what an earlier holder left.

        Raises:
            DeviceBusyError: another suite measures on the device; the message says whose.
            CommandError: nothing can be written on the device.
            DeviceLostError, AdbServerError: the connection ended.
        """
        if self._stream is not None and self._stream.is_open():
            return
        self.release()
        group = os.environ.get(GROUP_VARIABLE, self._token)
        who = f"{group} {_user()}@{socket.gethostname()}, process {os.getpid()}, since "
        script = _HOLD.format(
            parent=PARENT,
            name=NAME,
            prefix=PREFIX,
            token=self._token,
            who=shlex.quote(who + time.strftime("%Y-%m-%d %H:%M")),
        )
        stream = self._device.open_stream(script)
        stream.set_timeout(ANSWER_TIMEOUT_S)
        said = self._answer(stream)
        word, _, holder = said.partition(" ")
        if word == "locked":
            self._stream = stream
            return
        stream.close()
        if word != "held":
            raise CommandError(
                f"{PARENT} cannot be written to: {printable(said)}", serial=self._device.serial
            )
        holding_group, _, person = holder.partition(" ")
        if holding_group != group:
            raise DeviceBusyError(
                f"in use by {printable(person)}: wait for its end", serial=self._device.serial
            )

    def release(self) -> None:
        """Give the lock back, where it is held."""
        stream, self._stream = self._stream, None
        if stream is None:
            return
        # Where the connection is gone, the phone's own shell gives it back.
        with contextlib.suppress(DeviceError, OSError):
            stream.write(b"release\n")
            self._answer(stream)
        stream.close()

    def _answer(self, stream: LineStream) -> str:
        """Return what the shell says after the token, else the last thing it said."""
        said = ""
        try:
            for line in stream:
                before, mark, words = line.partition(f"{self._token} ")
                if mark:
                    return words
                said = before or said
        except TimeoutError:
            said = "no answer"
        return said


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a user without a name, as in a container
        return str(os.getuid()) if hasattr(os, "getuid") else "somebody"
