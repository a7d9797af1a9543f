"""A phone to oneself, as a measurement needs it: the lock, what is changed and restored, cool-down.

The lock lies on the phone. A shell there holds it and works in its directory; so a lock whose
holder is dead, or was on the phone before a restart, is known to be none.
"""

from __future__ import annotations

import contextlib
import getpass
import math
import os
import secrets
import shlex
import socket
import time
from collections.abc import Callable, Collection
from typing import Self

from bench.android.adb.device import COMMAND_TIMEOUT_S, Device, ShellStream
from bench.android.adb.errors import DeviceError, ThrottledError, printable
from bench.android.adb.files import PARENT, PREFIX
from bench.android.phone.conditions import Conditions, record, whole_number
from bench.android.phone.identity import Identity

NAME = "tflite-gauge.lock"
GROUP_VARIABLE = "TFLITE_GAUGE_DEVICE_GROUP"
"""Suites that have the same value here share a phone: the gate's two, which take turns on it."""

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
        self._stream: ShellStream | None = None

    def acquire(self) -> None:
        """Take the lock, unless it is held here already; remove what an earlier holder left.

        Raises:
            DeviceError: another suite measures on the device, whose the message says; or nothing
                can be written on it.
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
        said = self._answer(stream)
        word, _, holder = said.partition(" ")
        if word == "locked":
            self._stream = stream
            return
        stream.close()
        if word != "held":
            raise DeviceError(
                f"{PARENT} cannot be written to: {printable(said)}", serial=self._device.serial
            )
        holding_group, _, person = holder.partition(" ")
        if holding_group != group:
            raise DeviceError(
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

    def _answer(self, stream: ShellStream) -> str:
        """Return what the shell says after the token, else the last thing it said."""
        said = ""
        stream.allow(COMMAND_TIMEOUT_S)
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


FIXED_PERFORMANCE_SDK = 30
"""Android 11, the first with `cmd power set-fixed-performance-mode-enabled`."""

STAY_ON = "stay_on_while_plugged_in"
EVERY_PLUG = "15"
"""Bits of `BatteryManager.BATTERY_PLUGGED_*`: mains, USB, wireless, dock."""

WAKE_UP, SLEEP = "224", "223"
"""Codes of keys (android.view.KeyEvent)."""


class Changes:
    """What was changed on a device; a context manager that takes it all back, also after Ctrl-C.

    Attributes:
        restoring: the commands that take it back, in their order. A shell on the device can run
            them by itself where the connection ends.
    """

    def __init__(self, device: Device) -> None:
        self._device = device
        self.restoring: list[list[str]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception) -> None:
        while self.restoring:
            # Where the device is gone its own shell does it, and the reason was told already.
            with contextlib.suppress(DeviceError):
                self._device.run(self.restoring[0], check=False)
            self.restoring.pop(0)

    def hold_performance(self, identity: Identity) -> str:
        """Hold the device's clocks at a level that it can keep, where Android can do so.

        Android tells nobody whether the mode is on; its default is off, and a restart turns it
        off. Off is therefore what is restored. Returns "on", "unsupported" or "refused".
        """
        if identity.sdk is None or identity.sdk < FIXED_PERFORMANCE_SDK:
            return "unsupported"
        command = ["cmd", "power", "set-fixed-performance-mode-enabled"]
        if self._device.run([*command, "true"], check=False).exit_status:
            return "refused"
        self.restoring.insert(0, [*command, "false"])
        return "on"

    def keep_screen_on(self, screen: str | None) -> str:
        """Keep the screen, such as "Asleep", on while the device is plugged in; "on" or "refused".

        A dark phone slows down or sleeps.
        """
        found = self._device.run(["settings", "get", "global", STAY_ON], check=False)
        before = found.stdout.strip()
        is_set = whole_number(before) is not None
        if found.exit_status or not (is_set or before == "null"):
            return "refused"
        put = ["settings", "put", "global", STAY_ON]
        if self._device.run([*put, EVERY_PLUG], check=False).exit_status:
            return "refused"
        self.restoring.insert(
            0, [*put, before] if is_set else ["settings", "delete", "global", STAY_ON]
        )
        if screen in ("Asleep", "Dozing"):
            self._device.run(["input", "keyevent", WAKE_UP], check=False)
            self.restoring.insert(0, ["input", "keyevent", SLEEP])
        return "on"


def drop_caches_command(identity: Identity) -> list[str] | None:
    """Return the argument list that drops the page caches; None where nobody can be root."""
    if identity.root_command is None:
        return None
    drop = "sync; echo 3 > /proc/sys/vm/drop_caches"
    if identity.root_command[1:] == ("-c",):
        return [*identity.root_command, drop]
    return [*identity.root_command, "sh", "-c", drop]


COOL_DOWN_TIMEOUT_S = 300.0
REST_S = 30.0
"""How long a device rests after it was throttled, before it is looked at again."""

STEP_S = 1.0
LOOK_EVERY = 5
"""How many seconds of the countdown pass between two looks at the device."""


def cool_down(
    device: Device,
    cores: Collection[int],
    tell: Callable[[str], None],
    timeout_s: float = COOL_DOWN_TIMEOUT_S,
    sleep: Callable[[float], None] = time.sleep,
) -> Conditions:
    """Wait until a device is not throttled, with a countdown; return the good conditions.

    Args:
        cores: the cores that are measured on.
        tell: is given a line every second.

    Raises:
        ThrottledError: it was still throttled at the end.
    """
    remaining_s = timeout_s
    while True:
        conditions = record(device)
        reason = conditions.throttled_because(cores)
        if reason is None:
            return conditions
        if remaining_s <= 0:
            raise ThrottledError(
                f"still throttled after {timeout_s:g} s of cooling down: {reason}",
                serial=device.serial,
            )
        doing = f"{printable(device.serial)} is throttled ({reason}): cooling down,"
        remaining_s = _count_down(doing, remaining_s, LOOK_EVERY, tell, sleep)


def rest(device: Device, duration_s: float, reason: str, tell: Callable[[str], None]) -> None:
    """Let a device rest for some seconds, with a countdown; `reason` says why in the line."""
    _count_down(f"{printable(device.serial)} rests ({reason}):", duration_s, math.inf, tell)


def _count_down(
    doing: str,
    remaining_s: float,
    steps: float,
    tell: Callable[[str], None],
    sleep: Callable[[float], None] = time.sleep,
) -> float:
    """Tell and wait, a second a step; return what remains, 0 or less at the end."""
    while remaining_s > 0 and steps > 0:
        tell(f"{doing} {remaining_s:.0f} s left")
        sleep(min(STEP_S, remaining_s))
        remaining_s, steps = remaining_s - STEP_S, steps - 1
    return remaining_s
