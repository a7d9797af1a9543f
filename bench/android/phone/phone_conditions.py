"""The state that a device is in: what a figure depends on besides the model.

What a device does not tell is None, never a guess.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from bench.android.adb.device import Device
from bench.android.phone.battery import HOT_C, parse_battery
from bench.android.phone.cores import CPU_DIRECTORY, Core, parse_core_list, parse_cores
from bench.android.phone.heat import (
    THROTTLED_STATUS,
    parse_thermal_service,
    parse_thermal_zones,
)

_ZONES = "/sys/class/thermal/thermal_zone*"


@dataclass(frozen=True)
class Conditions:
    """What changes while a device runs.

    Attributes:
        cores: frequencies and governors.
        online_cores: the cores that are switched on; () where the device does not say.
        thermal_status: of the thermal service, 0 (none) to 6 (shutdown); None where nobody knows.
        thermal_status_unknown_because: why nobody knows it; None where it is known.
        temperatures_c: of the thermal service's or the kernel's sensors, by their names.
        battery_c: temperature of the battery.
        battery_percent: how full it is.
        battery_is_simulated: whether the battery's figures are made up (`dumpsys battery set`).
        charging: what it charges from, "no", or None.
        screen: such as "Awake" or "Asleep".
        airplane_mode: whether the radios are off.
    """

    cores: tuple[Core, ...]
    online_cores: tuple[int, ...]
    thermal_status: int | None
    thermal_status_unknown_because: str | None
    temperatures_c: Mapping[str, float]
    battery_c: float | None
    battery_percent: int | None
    battery_is_simulated: bool
    charging: str | None
    screen: str | None
    airplane_mode: bool | None

    def to_dict(self) -> dict[str, Any]:
        """Return what results carry of it."""
        return asdict(self)

    def throttled_because(self, cores: Collection[int] = ()) -> str | None:
        """Return why the device counts as throttled, else None.

        Args:
            cores: the cores that are measured on; all when empty.
        """
        if self.thermal_status is not None:
            # The service knows; a cap may be the vendor's policy.
            throttled = self.thermal_status >= THROTTLED_STATUS
            return f"thermal status {self.thermal_status}" if throttled else None
        if self._battery_is_known and self.battery_c is not None and self.battery_c >= HOT_C:
            return f"the battery has {self.battery_c:g} °C"
        for core in self.cores:
            if core.is_capped and (not cores or core.number in cores):
                return (
                    f"core {core.number} is capped at {(core.cap_khz or 0) / 1e6:.2f} GHz of "
                    f"{(core.max_khz or 0) / 1e6:.2f} GHz"
                )
        return None

    def heat_known_by(self) -> list[str]:
        """Return by what `throttled_because` decides on this device, for the record."""
        if self.thermal_status is not None:
            return ["thermal status"]
        has_caps = any(core.max_khz and core.cap_khz for core in self.cores)
        has_battery = self._battery_is_known and self.battery_c is not None
        return [*(["battery"] if has_battery else []), *(["frequency cap"] if has_caps else [])]

    @property
    def _battery_is_known(self) -> bool:
        return not self.battery_is_simulated


def record(device: Device) -> Conditions:
    """Ask a device how it is."""
    # Globs, so that no list of cores or sensors has to be asked for first.
    cpufreq = f"{CPU_DIRECTORY}/cpu[0-9]*/cpufreq"
    answers = device.run_all(
        {
            "cores": ["sh", "-c", f"grep -sH . {cpufreq}/*_freq {cpufreq}/scaling_governor"],
            "online": ["cat", f"{CPU_DIRECTORY}/online"],
            "sensors": ["sh", "-c", f"grep -sH . {_ZONES}/type {_ZONES}/temp"],
            "thermal": ["dumpsys", "thermalservice"],
            "battery": ["dumpsys", "battery"],
            "power": ["dumpsys", "power"],
            "airplane": ["settings", "get", "global", "airplane_mode_on"],
        }
    )
    texts = {name: answer.stdout for name, answer in answers.items()}
    thermal = parse_thermal_service(texts["thermal"])
    battery = parse_battery(texts["battery"])
    return Conditions(
        cores=parse_cores(texts["cores"]),
        online_cores=parse_core_list(texts["online"]),
        thermal_status=thermal.status,
        thermal_status_unknown_because=thermal.unknown_because,
        temperatures_c=thermal.temperatures_c or parse_thermal_zones(texts["sensors"]),
        battery_c=battery.temperature_c,
        battery_percent=battery.percent,
        battery_is_simulated=battery.is_simulated,
        charging=battery.charging,
        screen=parse_screen(texts["power"]),
        airplane_mode={"0": False, "1": True}.get(texts["airplane"].strip()),
    )


def parse_screen(text: str) -> str | None:
    """Read `dumpsys power`: such as "Awake", "Asleep" or "Dozing"."""
    match = re.search(r"\bmWakefulness=(\w+)", text)
    return match[1] if match else None
