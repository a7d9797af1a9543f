"""The state that a phone is in: cores, heat, battery, screen; and the cores to measure on.

What a phone does not tell is None, never a guess. Sources: the Android Open Source Project,
BatteryService.java (`dumpsys battery`), ThermalManagerService.java (`dumpsys thermalservice`) and
android.os.Temperature (types); the kernel's sysfs-class-thermal (zones) and cpufreq.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from bench.android.adb.device import Device
from bench.android.adb.errors import NOT_FOUND, DeviceError, printable

CPU_DIRECTORY = "/sys/devices/system/cpu"
_ZONES = "/sys/class/thermal/thermal_zone*"

FREQUENCY_TOLERANCE = 0.99
"""What differs by less is rounding."""

THROTTLED_STATUS = 2
"""From this status on ("moderate") Android throttles (PowerManager.THERMAL_STATUS_MODERATE)."""

HOT_C = 45.0
"""From this temperature of the battery on, phones slow themselves down."""

NO_TEMPERATURES = (-1, 6, 7, 8)
"""Types of sensors whose values are nobody knows what, volts, amperes and per cent."""

_NO_TEMPERATURE = re.compile(
    r"(^|[-_])([iv]bat|vph|bcl|socd?|voltage|current)(-lvl|-virt|\d|$)|^lmh-dcvs|^INT3400 "
)
"""Zones of currents, voltages, the battery's charge, and of limits that never change, by name."""

COLDEST_C, HOTTEST_C = -40.0, 160.0
LEAST_THOUSANDTHS, MOST_DEGREES = 1_500, 150

_SENSOR = re.compile(
    r"Temperature\{mValue=(?P<value>-?\d+(?:\.\d+)?(?:E-?\d+)?), mType=(?P<type>-?\d+), "
    r"mName=(?P<name>[^,}]+),"
)
LEAST_MV = 1_000
_CHARGING = {3: "discharging", 4: "not charging"}


@dataclass(frozen=True)
class Core:
    """One core, counted from 0: its highest frequency, that allowed now, that it runs at.

    `capacity` is the work that it does, 1024 for the most that one of the device's cores does.
    """

    number: int
    max_khz: int | None
    cap_khz: int | None
    current_khz: int | None
    governor: str | None
    capacity: int | None = None


def is_another_frequency(one_khz: int, other_khz: int) -> bool:
    """Return whether two frequencies differ by more than rounding."""
    return min(one_khz, other_khz) < FREQUENCY_TOLERANCE * max(one_khz, other_khz)


@dataclass(frozen=True)
class ThermalService:
    """A status of 0 (none) to 6 (shutdown), or why nobody knows it; temperatures by sensor."""

    status: int | None
    unknown_because: str | None
    temperatures_c: dict[str, float]


@dataclass(frozen=True)
class Battery:
    """How full it is, how warm, what feeds the phone ("no" for nothing).

    `is_simulated`: `dumpsys battery` was told what to say, and the truth is not known.
    """

    percent: int | None
    temperature_c: float | None
    charging: str | None
    is_simulated: bool


@dataclass(frozen=True)
class Conditions:
    """What changes while a device runs.

    `online_cores` is () where the device does not say; `thermal_status` and the battery's are those
    of `ThermalService` and `Battery`; `temperatures_c` are the service's or the kernel's,
    by sensor; `screen` is such as "Awake"; a battery saver may cap the cores.
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
    battery_saver: bool | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return what results carry of it."""
        return asdict(self)

    @property
    def caps_khz(self) -> dict[int, int]:
        """The highest frequency that each core is allowed now, by its number, where known."""
        return {core.number: core.cap_khz for core in self.cores if core.cap_khz}

    def frequency_cap(self, cores: Collection[int] = ()) -> str | None:
        """Return what caps these cores (any of all), such as "1.40 of 2.80 GHz", or None."""
        return next((_of_ghz(core) for core in self._capped(cores, {})), None)

    def throttled_because(
        self, cores: Collection[int] = (), accepted_khz: Mapping[int, int] | None = None
    ) -> str | None:
        """Return why the device counts as throttled, else None.

        The thermal status covers the skin alone: it adds to what the cores show, excuses nothing.

        Args:
            cores: the cores that are measured on; all when empty.
            accepted_khz: caps that are no sign of heat, by core; elsewhere the maximum is expected.
        """
        if (self.thermal_status or 0) >= THROTTLED_STATUS:
            return f"thermal status {self.thermal_status}"
        if self._battery_decides and (self.battery_c or 0) >= HOT_C:
            return f"the battery has {self.battery_c:g} °C"
        for core in self._capped(cores, accepted_khz or {}):
            return f"core {core.number} is capped at {_of_ghz(core)}"
        return None

    def heat_known_by(self) -> list[str]:
        """Return by what `throttled_because` decides on this device, for the record."""
        has_caps = any(core.max_khz and core.cap_khz for core in self.cores)
        return [
            *(["thermal status"] if self.thermal_status is not None else []),
            *(["battery"] if self._battery_decides else []),
            *(["frequency cap"] if has_caps else []),
        ]

    @property
    def _battery_decides(self) -> bool:
        is_known = self.battery_c is not None and not self.battery_is_simulated
        return is_known and self.thermal_status is None

    def _capped(self, cores: Collection[int], accepted_khz: Mapping[int, int]) -> Iterator[Core]:
        """Give those of these cores (all for none) whose cap is not the accepted one."""
        for core in self.cores:
            expected_khz = accepted_khz.get(core.number, core.max_khz)
            if not core.cap_khz or not expected_khz or (cores and core.number not in cores):
                continue
            if is_another_frequency(core.cap_khz, expected_khz):
                yield core


def _of_ghz(core: Core) -> str:
    return f"{(core.cap_khz or 0) / 1e6:.2f} of {(core.max_khz or 0) / 1e6:.2f} GHz"


def record(device: Device) -> Conditions:
    """Ask a device how it is."""
    # Globs, so that no list of cores or sensors has to be asked for first.
    cpu = f"{CPU_DIRECTORY}/cpu[0-9]*"
    cores = f"grep -sH . {cpu}/cpufreq/*_freq {cpu}/cpufreq/scaling_governor {cpu}/cpu_capacity"
    answers = device.run_all(
        {
            "cores": ["sh", "-c", cores],
            "online": ["cat", f"{CPU_DIRECTORY}/online"],
            "sensors": ["sh", "-c", f"grep -sH . {_ZONES}/type {_ZONES}/temp"],
            "thermal": ["dumpsys", "thermalservice"],
            "battery": ["dumpsys", "battery"],
            "power": ["dumpsys", "power"],
            "airplane": ["settings", "get", "global", "airplane_mode_on"],
            "saver": ["settings", "get", "global", "low_power"],
        }
    )  # fmt: skip
    texts = {name: answer.stdout for name, answer in answers.items()}
    thermal = parse_thermal_service(texts["thermal"])
    battery = parse_battery(texts["battery"])
    return Conditions(
        cores=parse_cores(texts["cores"]), online_cores=parse_core_list(texts["online"]),
        thermal_status=thermal.status, thermal_status_unknown_because=thermal.unknown_because,
        temperatures_c=thermal.temperatures_c or parse_thermal_zones(texts["sensors"]),
        battery_c=battery.temperature_c, battery_percent=battery.percent,
        battery_is_simulated=battery.is_simulated, charging=battery.charging,
        screen=parse_screen(texts["power"]), airplane_mode=_switch(texts["airplane"]),
        battery_saver=_switch(texts["saver"]),
    )  # fmt: skip


def _switch(text: str) -> bool | None:
    return {"null": False, "0": False, "1": True}.get(text.strip())  # null: never touched


def parse_cores(text: str) -> tuple[Core, ...]:
    """Read the lines `<…>/cpu<N>/cpufreq/<file>:<value>` and `<…>/cpu<N>/cpu_capacity:<value>`."""
    found: dict[int, dict[str, str]] = {}
    for number, name, value in re.findall(r"/cpu(\d+)/(?:cpufreq/)?(\w+):(.*)", text):
        found.setdefault(int(number), {})[name] = value.strip()
    return tuple(
        Core(
            number,
            whole_number(values.get("cpuinfo_max_freq")),
            whole_number(values.get("scaling_max_freq")),
            whole_number(values.get("scaling_cur_freq")),
            values.get("scaling_governor"),
            whole_number(values.get("cpu_capacity")),
        )
        for number, values in sorted(found.items())
    )  # fmt: skip


def parse_core_list(text: str) -> tuple[int, ...]:
    """Read a list such as "0-3,7" (the kernel's `online`, `Cpus_allowed_list`); () for no list."""
    text = text.strip()
    if not re.fullmatch(r"\d{1,4}(-\d{1,4})?(,\d{1,4}(-\d{1,4})?)*", text, re.ASCII):
        return ()
    ranges = [part.partition("-") for part in text.split(",")]
    return tuple(
        sorted({n for low, _, high in ranges for n in range(int(low), int(high or low) + 1)})
    )


def whole_number(text: str | None) -> int | None:
    """Read what a device says as a number of 0 or more; None where it is none."""
    return int(text) if text and text.isascii() and text.isdecimal() else None


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
    elif re.search(r"^\s*\w.* connected: no$", text, re.MULTILINE):
        unknown_because = "its thermal hardware layer is not connected"
    # What stands there as cached is of the last event, however long ago that was.
    current = text.partition("Current temperatures from HAL:")[2].partition("Current cooling")[0]
    known = int(status[1]) if status is not None and unknown_because is None else None
    return ThermalService(known, unknown_because, _sensors(current))


def parse_thermal_zones(text: str) -> dict[str, float]:
    """Read the lines `<…>/thermal_zone<N>/type:<name>` and `…/temp:<value>` into °C by sensor.

    A zone counts in thousandths, tenths or whole degrees, by its driver. What is too small for
    thousandths is one of the other two where most of the zones are the same; else it is unknown.
    """
    names = dict(re.findall(r"/thermal_zone(\d+)/type:(.*)", text))
    zones = [
        (names.get(zone, f"thermal_zone{zone}").strip(), int(value))
        for zone, value in re.findall(
            r"/thermal_zone(\d+)/temp:(-?\d{1,9})\s*$", text, re.MULTILINE | re.ASCII
        )
    ]
    zones = [(name, value) for name, value in zones if value and not _NO_TEMPERATURE.search(name)]
    divisors = [_divisor(value) for _, value in zones]
    return _by_name(
        (name, value / divisor)
        for (name, value), divisor in zip(zones, divisors, strict=True)
        if divisor == 1000 or 2 * divisors.count(divisor) > len(divisors)
    )


def _sensors(text: str) -> dict[str, float]:
    return _by_name(
        (match["name"], float(match["value"]))
        for match in _SENSOR.finditer(text)
        if int(match["type"]) not in NO_TEMPERATURES
    )


def _divisor(value: int) -> int:
    if abs(value) >= LEAST_THOUSANDTHS:
        return 1000
    return 1 if abs(value) <= MOST_DEGREES else 10


def _by_name(pairs: Iterable[tuple[str, float]]) -> dict[str, float]:
    """Keep what can be a temperature; a second sensor of a name gets a number.

    Exactly 0 is what a sensor says that is not fitted; -40 and less, that its wire is broken.
    """
    found: dict[str, float] = {}
    for name, value_c in pairs:
        if not value_c or not COLDEST_C < value_c < HOTTEST_C:
            continue
        key, count = name, 1
        while key in found:
            count += 1
            key = f"{name} ({count})"
        found[key] = value_c
    return found


def parse_battery(text: str) -> Battery:
    """Read `dumpsys battery`; only its first part, since some makers append a log of old values.

    A box without a battery says that none is present, or shows one without a cell's voltage.
    """
    text = re.split(r"^\s*\[", text, maxsplit=1, flags=re.MULTILINE)[0]
    level, scale, tenths, status, voltage = (
        _number(rf"^\s*{name}: (-?\d+)\s*$", text)
        for name in ("level", "scale", "temperature", "status", "voltage")
    )
    sources = re.findall(r"^\s*(\w+) powered: (true|false)", text, re.MULTILINE)
    powered = [name for name, value in sources if value == "true"]
    charging = (", ".join(powered) or "no") if sources else None
    if powered and status in _CHARGING:
        charging = f"{charging} ({_CHARGING[status]})"
    is_cell = voltage is None or voltage >= LEAST_MV or 3 <= voltage <= 5  # some count in volts
    is_there = is_cell and "present: false" not in text
    is_percent = level is not None and scale is not None and 0 <= level <= scale and scale > 0
    is_measured = is_there and tenths is not None and -400 < tenths < 1500
    return Battery(
        percent=round(100 * level / scale) if is_percent and is_there else None,  # type: ignore[operator]
        temperature_c=tenths / 10 if is_measured else None,  # type: ignore[operator]
        charging=charging,
        is_simulated="UPDATES STOPPED" in text,
    )


def _number(pattern: str, text: str) -> int | None:
    match = re.search(pattern, text, re.MULTILINE | re.ASCII)
    return int(match[1]) if match else None


def parse_screen(text: str) -> str | None:
    """Read `dumpsys power`: "Awake", "Asleep", "Dozing", or "Dreaming" (a screensaver)."""
    match = re.search(r"\bmWakefulness=(\w+)", text)
    return match[1] if match else None


def parse_stays_on(text: str) -> bool:
    """Read `dumpsys power`: whether the screen stays on, plugged in and set to do so."""
    return re.search(r"\bmStayOn=true\b", text) is not None


@dataclass(frozen=True)
class CorePlacement:
    """The cores that a measurement runs on; () where the device's scheduler chooses.

    `note` says why these are not the fastest ones, or none; None where all is as wished.
    """

    cores: tuple[int, ...]
    note: str | None = None

    @property
    def mask(self) -> str | None:
        """The hexadecimal CPU mask; None where the device's scheduler chooses."""
        return mask_of(self.cores)


def place(
    device: Device, conditions: Conditions, threads: int, wished: str | None
) -> CorePlacement:
    """Choose cores, the fastest unless a hexadecimal mask is wished for, and try them."""
    status = device.run(["cat", "/proc/self/status"], check=False).stdout
    list_ = re.search(r"^Cpus_allowed_list:\s*(\S+)", status, re.MULTILINE)
    allowed = parse_core_list(list_[1]) if list_ else ()

    def is_usable(number: int) -> bool:
        return all(not known or number in known for known in (conditions.online_cores, allowed))

    if wished is not None:
        return _as_wished(device, wished, threads, is_usable)
    cores = fastest_cores([core for core in conditions.cores if is_usable(core.number)], threads)
    if not cores:
        return CorePlacement((), "the device does not tell its cores' frequencies")
    if len(cores) < threads:
        return CorePlacement((), f"{len(cores)} cores can be chosen, fewer than {threads} threads")
    if failure := _refusal(device, cores):
        return CorePlacement((), failure)
    missing = sorted({*fastest_cores(conditions.cores, threads)} - {*cores})
    note = f"cores {', '.join(map(str, missing))} are off or not allowed" if missing else None
    return CorePlacement(cores, note)


def _as_wished(
    device: Device, wished: str, threads: int, is_usable: Callable[[int], bool]
) -> CorePlacement:
    all_cores = cores_of(wished)
    cores = tuple(core for core in all_cores if is_usable(core))
    if len(cores) < threads:
        off = "" if len(cores) == len(all_cores) else " that can be used now"
        raise DeviceError(
            f"--device-cpus {wished} names {len(cores)} {'core' if len(cores) == 1 else 'cores'}"
            f"{off}, fewer than the {threads} threads: two threads on one core wait for each other",
            device.serial,
        )
    if failure := _refusal(device, cores):
        raise DeviceError(f"--device-cpus {wished}: {failure}", device.serial)
    return CorePlacement(cores)


def _refusal(device: Device, cores: tuple[int, ...]) -> str | None:
    """Return why nothing can be run on these cores alone, else None."""
    tried = device.run(["taskset", mask_of(cores) or "", "true"], check=False)
    if tried.exit_status == NOT_FOUND:
        return "the device has no taskset"
    if tried.exit_status:
        said = printable(tried.output.strip())
        return f"the device refuses cores {', '.join(map(str, cores))} ({said})"
    return None


def fastest_cores(cores: Sequence[Core], threads: int = 1) -> tuple[int, ...]:
    """Return the numbers of the cores of the highest maximum frequency, and of these capacity.

    Where those are fewer than the threads, the next fastest join, until there are as many: two
    threads on one core wait for each other. () where no frequency is known.
    """

    def speed(core: Core) -> tuple[int, int]:
        return core.max_khz or 0, core.capacity or 0

    known = sorted((core for core in cores if core.max_khz), key=speed, reverse=True)
    fastest = [core for core in known if speed(core) == speed(known[0])]
    return tuple(sorted(core.number for core in known[: max(len(fastest), threads)]))


def mask_of(cores: Sequence[int]) -> str | None:
    """Return the hexadecimal CPU mask of cores; None for no cores."""
    return f"{sum(1 << core for core in cores):x}" if cores else None


def cores_of(mask: str) -> tuple[int, ...]:
    """Return the cores of a hexadecimal CPU mask; ValueError where it is none, or is empty."""
    bits = int(mask, 16)
    if bits <= 0:
        raise ValueError(f"{mask!r} names no core")
    return tuple(core for core in range(bits.bit_length()) if bits >> core & 1)
