"""Changes to a device for the time of a measurement; what was found is restored."""

from __future__ import annotations

import contextlib
from typing import Self

from bench.android.adb.adb_device import Device
from bench.android.adb.device_errors import DeviceError
from bench.android.phone.cores import whole_number
from bench.android.phone.identity import Identity

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
        off. Off is therefore what is restored.

        Returns:
            What was done: "on", "unsupported" or "refused".
        """
        if identity.sdk is None or identity.sdk < FIXED_PERFORMANCE_SDK:
            return "unsupported"
        command = ["cmd", "power", "set-fixed-performance-mode-enabled"]
        if self._device.run([*command, "true"], check=False).exit_status:
            return "refused"
        self.restoring.insert(0, [*command, "false"])
        return "on"

    def keep_screen_on(self, screen: str | None) -> str:
        """Keep the screen on while the device is plugged in: a dark phone slows down or sleeps.

        Args:
            screen: what it is like now, such as "Asleep".

        Returns:
            What was done: "on", or "refused".
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
