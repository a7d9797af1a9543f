"""How hot a device is, and whether its thermal service knows that.

Source: the Android Open Source Project, ThermalManagerService.java (`dumpsys thermalservice`) and
android.os.Temperature (types); the kernel's sysfs-class-thermal (zones).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

THROTTLED_STATUS = 2
"""From this status on ("moderate") Android throttles (PowerManager.THERMAL_STATUS_MODERATE)."""

BATTERY_CURRENT_LIMITS = (6, 7, 8)
"""Types of sensors whose values are volts, amperes and per cent."""

PLAUSIBLE_C = (-60.0, 160.0)
SENTINELS_C = (-99.9, -127.0, -273.0, -273.15, -274.0)
"""What drivers give in place of a temperature where a sensor is off or missing."""

_SENSOR = re.compile(
    r"Temperature\{mValue=(?P<value>-?\d+(?:\.\d+)?(?:E-?\d+)?), mType=(?P<type>-?\d+), "
    r"mName=(?P<name>[^,}]+),"
)


@dataclass(frozen=True)
class ThermalService:
    """What `dumpsys thermalservice` says.

    Attributes:
        status: 0 (none) to 6 (shutdown); None where nobody knows it.
        unknown_because: why nobody knows it; None where it is known.
        temperatures_c: by the sensor's name.
    """

    status: int | None
    unknown_because: str | None
    temperatures_c: dict[str, float]


def parse_thermal_service(text: str) -> ThermalService:
    """Read `dumpsys thermalservice`.

    A status counts only where a hardware layer that reports one stands behind it: the service
    says 0 as well while it is not connected, and thermal HAL 1.0 knows temperatures alone.
    """
    status = re.search(r"^\s*Thermal Status: (\d)\s*$", text, re.MULTILINE)
    unknown_because = None
    if status is None:
        unknown_because = "there is no thermal service"
    elif re.search(r"^\s*IsStatusOverride: true", text, re.MULTILINE):
        unknown_because = "its thermal status is overridden by hand"
    elif not re.search(r"^\s*HAL Ready: true", text, re.MULTILINE):
        unknown_because = "its thermal service has no hardware layer"
    elif re.search(r"ThermalHAL 1\.\d", text):
        unknown_because = "its thermal hardware layer (1.x) reports no status"
    elif re.search(r"ThermalHAL .*connected: no", text):
        unknown_because = "its thermal hardware layer is not connected"
    current = text.partition("Current temperatures from HAL:")[2].partition("Current cooling")[0]
    cached = text.partition("Cached temperatures:")[2].partition("HAL Ready:")[0]
    temperatures_c = _sensors(current) or _sensors(cached) or _sensors(text)
    known = int(status[1]) if status is not None and unknown_because is None else None
    return ThermalService(known, unknown_because, temperatures_c)


def parse_thermal_zones(text: str) -> dict[str, float]:
    """Read the lines `<…>/thermal_zone<N>/type:<name>` and `…/temp:<value>` into °C by sensor.

    A zone counts in thousandths, tenths or whole degrees, by its driver.
    """
    names = dict(re.findall(r"/thermal_zone(\d+)/type:(.*)", text))
    values = re.findall(r"/thermal_zone(\d+)/temp:(-?\d+)\s*$", text, re.MULTILINE)
    return _by_name(
        (names.get(zone, f"thermal_zone{zone}").strip(), _degrees(int(value)))
        for zone, value in values
    )


def _sensors(text: str) -> dict[str, float]:
    return _by_name(
        (match["name"], float(match["value"]))
        for match in _SENSOR.finditer(text)
        if int(match["type"]) not in BATTERY_CURRENT_LIMITS
    )


def _degrees(value: int) -> float:
    for divisor in (1, 10):
        if abs(value) <= 150 * divisor and (divisor == 1 or value % 1000):
            return value / divisor
    return value / 1000


def _by_name(pairs) -> dict[str, float]:
    """Keep what can be a temperature; a second sensor of a name gets a number."""
    found: dict[str, float] = {}
    for name, value_c in pairs:
        low, high = PLAUSIBLE_C
        if not low < value_c < high or any(abs(value_c - each) < 0.05 for each in SENTINELS_C):
            continue
        key, count = name, 1
        while key in found:
            count += 1
            key = f"{name} ({count})"
        found[key] = value_c
    return found
