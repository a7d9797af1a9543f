"""A device's battery, as `dumpsys battery` tells of it (BatteryService.java of Android)."""

from __future__ import annotations

import re
from dataclasses import dataclass

HOT_C = 45.0
"""From this temperature of the battery on, phones slow themselves down."""

_STATUS = {1: "unknown", 2: "charging", 3: "discharging", 4: "not charging", 5: "full"}


@dataclass(frozen=True)
class Battery:
    """The battery's state; what the device does not tell is None.

    Attributes:
        percent: how full it is.
        temperature_c: its temperature.
        charging: what feeds the phone, "no", or None; and whether it charges, where that differs.
        is_simulated: whether `dumpsys battery` was told what to say, and the truth is not known.
    """

    percent: int | None
    temperature_c: float | None
    charging: str | None
    is_simulated: bool


def parse_battery(text: str) -> Battery:
    """Read `dumpsys battery`; only its first part, since some makers append a log of old values."""
    text = re.split(r"^\s*\[", text, maxsplit=1, flags=re.MULTILINE)[0]
    level, scale, tenths, status = (
        _number(rf"^\s*{name}: (-?\d+)\s*$", text)
        for name in ("level", "scale", "temperature", "status")
    )
    sources = re.findall(r"^\s*(\w+) powered: (true|false)", text, re.MULTILINE)
    powered = [name for name, value in sources if value == "true"]
    charging = (", ".join(powered) or "no") if sources else None
    if powered and status in (3, 4):
        charging = f"{charging} ({_STATUS[status]})"
    is_percent = level is not None and scale is not None and 0 <= level <= scale and scale > 0
    return Battery(
        percent=round(100 * level / scale) if is_percent else None,  # type: ignore[operator]
        temperature_c=tenths / 10 if tenths is not None and -600 < tenths < 1500 else None,
        charging=charging,
        is_simulated="UPDATES STOPPED" in text,
    )


def _number(pattern: str, text: str) -> int | None:
    match = re.search(pattern, text, re.MULTILINE | re.ASCII)
    return int(match[1]) if match else None
