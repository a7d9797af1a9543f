"""A phone to oneself, as a measurement needs it: the lock, what is changed and restored, cool-down.

The lock lies on the phone, held by a shell there. How each change is taken back is written beside
it before the change is made; the lock's shell restores at its end, also when the cable is pulled or
the suite killed, and after a restart the next holder does.
"""

from __future__ import annotations

import contextlib
import math
import os
import secrets
import shlex
import time
from collections.abc import Callable, Collection, Mapping, Sequence

from bench.android.adb.device import Device, ShellStream
from bench.android.adb.errors import DeviceError, ThrottledError, printable
from bench.android.adb.files import PARENT, PREFIX
from bench.android.phone.conditions import (
    Conditions,
    parse_screen,
    parse_stays_on,
    record,
    whole_number,
)  # fmt: skip
from bench.android.phone.identity import Identity

LOCK, RESTORE = "tflite-gauge.lock", "tflite-gauge.restore"
GROUP_VARIABLE = "TFLITE_GAUGE_DEVICE_GROUP"
"""Suites that have the same value here share a phone: the gate's two, which take turns on it."""

ANSWER_TIMEOUT_S = 60.0

_HOLD = """
cd {parent} || exit 1
own={lock}.$$.{token}
left={parent}/{restore}
restore() {{ [ ! -f "$left" ] || {{ sh "$left"; rm -f "$left"; }}; }}
leave() {{
  trap '' HUP PIPE TERM INT
  cd {parent}
  [ ! -f "$own/held" ] || restore
  rm -rf "$own" "new.$own"
}}
trap 'leave; exit 1' HUP PIPE TERM INT
mkdir "new.$own" && cd "new.$own" && echo {who} > holder && mv "../new.$own" "../$own" || exit 1
decided=
while [ -z "$decided" ]; do
  decided=yes
  for claim in {parent}/{lock}.*; do
    pid=${{claim#{parent}/{lock}.}}
    pid=${{pid%%.*}}
    case $claim in */"$own") continue;; esac
    case $pid in ''|*[!0-9]*) pid=0;; esac
    if [ "$pid" = 0 ] || ! [ "/proc/$pid/cwd" -ef "$claim" ]; then rm -rf "$claim"
    elif [ -f "$claim/held" ] || [ "$pid" -lt $$ ]; then
      read -r holder < "$claim/holder"
      leave
      echo {token} held "$holder"
      exit 0
    else decided=
    fi
  done
  [ -n "$decided" ] || sleep 0.1 2>/dev/null || sleep 1
done
: > held
rm -rf {parent}/{prefix}*
restore
echo {token} locked
read -r word
leave
echo {token} released
"""
"""What the lock's shell runs. Each suite makes a claim: a directory whose name is never used again
and which its shell works in, so a claim is dead when its shell is, and to remove a dead one cannot
hit another's. Of several claims the holder's counts, else that of the lowest number: whoever sees
such a one withdraws; whoever sees only higher ones waits until these have withdrawn or hold."""

_WRITE_DOWN = f"""
cd {PARENT} || exit 1
grep -qxF -e "# $1" {RESTORE} 2>/dev/null && exit 0
{{ printf '# %s\\n%s\\n' "$1" "$2"; cat {RESTORE} 2>/dev/null; }} > {RESTORE}.$$
mv {RESTORE}.$$ {RESTORE}
"""

FIXED_PERFORMANCE_SDK = 30
"""Android 11, the first with `cmd power set-fixed-performance-mode-enabled`."""

STAY_ON = "stay_on_while_plugged_in"
EVERY_PLUG = "15"
"""Bits of `BatteryManager.BATTERY_PLUGGED_*`: mains, USB, wireless, dock."""

WAKE_UP, SLEEP = "224", "223"
"""Codes of keys (android.view.KeyEvent)."""


class PhoneLock:
    """The lock of one device; held from `acquire` to `release`, or until the connection ends."""

    def __init__(self, device: Device) -> None:
        self.device = device
        self._stream: ShellStream | None = None
        self._has_written = False

    def acquire(self) -> None:
        """Take the lock, unless it is held here already; restore and remove what was left."""
        if self._stream is not None and self._stream.is_open():
            return
        self._close()
        token = secrets.token_hex(8)
        group = os.environ.get(GROUP_VARIABLE, token)
        who = f"{group} process {os.getpid()}, since {time.strftime('%Y-%m-%d %H:%M')}"
        script = _HOLD.format(
            parent=PARENT, lock=LOCK, restore=RESTORE, prefix=PREFIX, token=token,
            who=shlex.quote(who),
        )  # fmt: skip
        self._token, self._stream = token, self.device.open_stream(script)
        said = self._answer()
        word, _, holder = said.partition(" ")
        if word == "locked":
            return
        self._close()
        if word != "held":
            raise DeviceError(
                f"{PARENT} cannot be written to: {printable(said)}", self.device.serial
            )
        holding_group, _, process = holder.partition(" ")
        if holding_group != group:
            raise DeviceError(
                f"in use by another suite, {printable(process)}: wait for its end",
                self.device.serial,
            )

    def write_down(self, what: str, restoring: Sequence[Sequence[str]]) -> None:
        """Write how a change is taken back, before it is made; the last is taken back first.

        What is written already (by its name) stays: what is found now is not what the user had.
        """
        self._has_written = True
        lines = "\n".join(f"{shlex.join(command)} >/dev/null 2>&1" for command in restoring)
        self.device.run(["sh", "-c", _WRITE_DOWN, "sh", what, lines])

    def release(self) -> None:
        """Restore what was changed, and give the lock back."""
        # Where the connection is gone, the phone's own shell does it.
        with contextlib.suppress(DeviceError, OSError):
            if self._has_written:
                self.acquire()  # one of a group, whose other member may have left before
            self._has_written = False
            if self._stream is not None:
                self._stream.write(b"release\n")
                self._answer()
        self._close()

    def _close(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.close()

    def _answer(self) -> str:
        """Return what the shell says after the token, else the last thing it said."""
        assert self._stream is not None
        said = ""
        self._stream.allow(ANSWER_TIMEOUT_S)
        try:
            for line in self._stream:
                before, mark, words = line.partition(f"{self._token} ")
                if mark:
                    return words
                said = before or said
        except TimeoutError:
            said = "no answer"
        return said


def hold_performance(lock: PhoneLock, identity: Identity) -> str:
    """Hold the clocks at a level that the phone can keep; return "on", "unsupported", "refused".

    That level is lower, by the mode's own documentation. Android tells nobody whether the mode is
    on; its default is off, and a restart turns it off. Off is therefore what is restored.
    """
    if identity.sdk is None or identity.sdk < FIXED_PERFORMANCE_SDK:
        return "unsupported"
    command = ["cmd", "power", "set-fixed-performance-mode-enabled"]
    lock.write_down("fixed performance", [[*command, "false"]])
    done = lock.device.run([*command, "true"], check=False)
    return "refused" if done.exit_status else "on"


def keep_screen_on(lock: PhoneLock, conditions: Conditions) -> bool:
    """Keep the screen on while the phone is plugged in; return whether it is on and stays so.

    A dark phone slows down or sleeps. On battery the setting does nothing, so nothing is changed.
    """
    device = lock.device
    if conditions.charging == "no":
        return False
    before = device.run(["settings", "get", "global", STAY_ON], check=False).stdout.strip()
    put = ["settings", "put", "global", STAY_ON]
    if whole_number(before) is not None:
        lock.write_down(STAY_ON, [[*put, before]])
    elif before == "null":
        lock.write_down(STAY_ON, [["settings", "delete", "global", STAY_ON]])
    else:
        return False
    device.run([*put, EVERY_PLUG], check=False)
    if conditions.screen != "Awake":
        if conditions.screen in ("Asleep", "Dozing"):
            lock.write_down("screen", [["input", "keyevent", SLEEP]])
        device.run(["input", "keyevent", WAKE_UP], check=False)
    power = device.run(["dumpsys", "power"], check=False).stdout
    return parse_screen(power) == "Awake" and parse_stays_on(power)


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

LOOK_EVERY = 5
"""How many seconds of the countdown pass between two looks at the device."""


def cool_down(
    device: Device, cores: Collection[int], tell: Callable[[str], None],
    timeout_s: float = COOL_DOWN_TIMEOUT_S, accepted_khz: Mapping[int, int] | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> Conditions:  # fmt: skip
    """Wait until a device is not throttled, with a countdown; return the conditions then.

    On a phone that was not measured on yet, a cap of a frequency that stays to the end, with no
    other sign of heat, is the maker's policy or a battery saver's: it is accepted.

    Args:
        cores: the cores that are measured on.
        tell: is given a line every second.
        accepted_khz: the caps that the phone was measured with before, by core; None for never.
    """
    remaining_s = timeout_s
    first = None
    while True:
        conditions = record(device)
        first = first or conditions
        reason = conditions.throttled_because(cores, accepted_khz)
        if reason is None:
            return conditions
        if remaining_s <= 0:
            policy_khz = first.caps_khz if accepted_khz is None else accepted_khz
            if conditions.throttled_because(cores, policy_khz) is None:
                tell(f"{printable(device.serial)} stays as it is: {reason}")
                return conditions
            raise ThrottledError(
                f"still throttled after {timeout_s:g} s of cooling down: {reason}", device.serial
            )
        doing = f"{printable(device.serial)} is throttled ({reason}): cooling down,"
        remaining_s = _count_down(doing, remaining_s, LOOK_EVERY, tell, sleep)


def rest(device: Device, duration_s: float, reason: str, tell: Callable[[str], None]) -> None:
    """Let a device rest for some seconds, with a countdown; `reason` says why in the line."""
    _count_down(f"{printable(device.serial)} rests ({reason}):", duration_s, math.inf, tell)


def _count_down(
    doing: str, remaining_s: float, steps: float, tell: Callable[[str], None],
    sleep: Callable[[float], None] = time.sleep,
) -> float:  # fmt: skip
    """Tell and wait, a second a step; return what remains, 0 or less at the end."""
    while remaining_s > 0 and steps > 0:
        tell(f"{doing} {remaining_s:.0f} s left")
        sleep(min(1.0, remaining_s))
        remaining_s, steps = remaining_s - 1, steps - 1
    return remaining_s
