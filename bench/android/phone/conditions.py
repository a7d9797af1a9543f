"""The state that a device is in: what a figure depends on besides the model.

What a device does not tell is None, never a guess. The parsers are pure functions.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from bench.android.adb.device import Completed, Device
from bench.android.adb.errors import CommandTimeoutError
from bench.android.session import THROTTLED_STATUS

_PROPERTIES = {
    "manufacturer": "ro.product.manufacturer",
    "model": "ro.product.model",
    "soc_model": "ro.soc.model",
    "chip_name": "ro.chipname",
    "board_platform": "ro.board.platform",
    "android": "ro.build.version.release",
    "sdk": "ro.build.version.sdk",
    "abi": "ro.product.cpu.abi",
    "build": "ro.build.fingerprint",
}
_EMULATION_PROPERTIES = ("ro.boot.qemu", "ro.kernel.qemu")
"""Properties that are 1 on Android's own emulator, and on the one of this project."""

_CPU = "/sys/devices/system/cpu"
_THERMAL = "/sys/class/thermal"
_CORE_FILES = ("cpuinfo_max_freq", "scaling_max_freq", "scaling_cur_freq", "scaling_governor")

HOT_BATTERY_C = 45.0
"""From this battery temperature on a phone without thermal service counts as throttled."""

FREQUENCY_TOLERANCE = 0.99
"""A cap above this share of the core's maximum is rounding, not throttling."""


@dataclass(frozen=True)
class Core:
    """One core.

    Attributes:
        number: counted from 0, as in a CPU mask.
        max_khz: the hardware's highest frequency.
        cap_khz: the highest frequency that is allowed now.
        current_khz: the frequency that it runs at now.
        governor: what sets the frequency.
    """

    number: int
    max_khz: int | None
    cap_khz: int | None
    current_khz: int | None
    governor: str | None


@dataclass(frozen=True)
class Identity:
    """What does not change while a device runs.

    Attributes:
        serial: as the adb server has it.
        manufacturer, model: of the device.
        soc: the system on a chip, by the most telling name that the device has for it.
        android: version, such as "9".
        sdk: API level.
        abi: the ABI that it prefers.
        build: fingerprint of the system image.
        kernel: release of the Linux kernel.
        is_emulated: whether it is no phone, by its own word.
        root_command: what goes before a command to run it as root; None where nothing does.
    """

    serial: str
    manufacturer: str | None
    model: str | None
    soc: str | None
    android: str | None
    sdk: int | None
    abi: str | None
    build: str | None
    kernel: str | None
    is_emulated: bool
    root_command: tuple[str, ...] | None

    @property
    def is_rooted(self) -> bool:
        """Whether something can be run as root."""
        return self.root_command is not None

    def to_dict(self) -> dict[str, Any]:
        """Return what results carry of it."""
        data = asdict(self)
        del data["root_command"]
        return {**data, "is_rooted": self.is_rooted}


@dataclass(frozen=True)
class Conditions:
    """What changes while a device runs.

    Attributes:
        cores: frequencies and governors.
        thermal_status: of the thermal service, 0 (none) to 6 (shutdown); None before Android 10.
        temperatures_c: of the thermal service's or the kernel's sensors, by their names.
        battery_c: temperature of the battery.
        battery_percent: how full it is.
        charging: what it charges from, "no", or None.
        screen: such as "Awake" or "Asleep".
        airplane_mode: whether the radios are off.
    """

    cores: tuple[Core, ...]
    thermal_status: int | None
    temperatures_c: Mapping[str, float]
    battery_c: float | None
    battery_percent: int | None
    charging: str | None
    screen: str | None
    airplane_mode: bool | None

    def to_dict(self) -> dict[str, Any]:
        """Return what results carry of it."""
        return asdict(self)

    def throttled_because(self, cores: tuple[int, ...] = ()) -> str | None:
        """Return why the device counts as throttled, else None.

        Args:
            cores: the cores that are measured on; all when empty.
        """
        if self.thermal_status is not None:
            # The service knows; a cap may be the vendor's policy.
            throttled = self.thermal_status >= THROTTLED_STATUS
            return f"thermal status {self.thermal_status}" if throttled else None
        if self.battery_c is not None and self.battery_c >= HOT_BATTERY_C:
            return f"the battery has {self.battery_c:g} °C"
        for core in self.cores:
            if cores and core.number not in cores:
                continue
            if core.max_khz and core.cap_khz and core.cap_khz < FREQUENCY_TOLERANCE * core.max_khz:
                return (
                    f"core {core.number} is capped at {core.cap_khz / 1e6:.2f} GHz of "
                    f"{core.max_khz / 1e6:.2f} GHz"
                )
        return None


def identify(device: Device) -> Identity:
    """Ask a device who it is."""
    values = device.properties([*_PROPERTIES.values(), *_EMULATION_PROPERTIES])
    found = {name: values[key].strip() or None for name, key in _PROPERTIES.items()}
    kernel = device.run(["uname", "-r"], check=False)
    sdk = found["sdk"]
    return Identity(
        serial=device.serial,
        manufacturer=found["manufacturer"],
        model=found["model"],
        soc=found["soc_model"] or found["chip_name"] or found["board_platform"],
        android=found["android"],
        sdk=int(sdk) if sdk and sdk.isascii() and sdk.isdecimal() else None,
        abi=found["abi"],
        build=found["build"],
        kernel=kernel.stdout.strip() or None if kernel.exit_status == 0 else None,
        is_emulated=any(values[name].strip() == "1" for name in _EMULATION_PROPERTIES),
        root_command=_root_command(device),
    )


def record(device: Device) -> Conditions:
    """Ask a device how it is."""
    # Globs, so that no list of cores or sensors has to be asked for first.
    cpufreq, zones = f"{_CPU}/cpu[0-9]*/cpufreq", f"{_THERMAL}/thermal_zone*"
    answers = device.run_all(
        {
            "cores": ["sh", "-c", f"grep -sH . {cpufreq}/*_freq {cpufreq}/scaling_governor"],
            "sensors": ["sh", "-c", f"grep -sH . {zones}/type {zones}/temp"],
            "thermal": ["dumpsys", "thermalservice"],
            "battery": ["dumpsys", "battery"],
            "power": ["dumpsys", "power"],
            "airplane": ["settings", "get", "global", "airplane_mode_on"],
        }
    )
    texts = {name: _stdout(answer) for name, answer in answers.items()}
    status, temperatures = parse_thermal_service(texts["thermal"])
    battery = parse_battery(texts["battery"])
    return Conditions(
        cores=parse_cores(texts["cores"]),
        thermal_status=status,
        temperatures_c=temperatures or parse_thermal_zones(texts["sensors"]),
        battery_c=battery["temperature_c"],
        battery_percent=battery["percent"],
        charging=battery["charging"],
        screen=_first(r"\bmWakefulness=(\w+)", texts["power"]),
        airplane_mode={"0": False, "1": True}.get(texts["airplane"].strip()),
    )


def parse_cores(text: str) -> tuple[Core, ...]:
    """Read the lines `<…>/cpu<N>/cpufreq/<file>:<value>`."""
    found: dict[int, dict[str, str]] = {}
    for number, name, value in re.findall(r"/cpu(\d+)/cpufreq/(\w+):(.*)", text):
        if name in _CORE_FILES:
            found.setdefault(int(number), {})[name] = value.strip()
    return tuple(
        Core(
            number,
            _integer(values.get("cpuinfo_max_freq")),
            _integer(values.get("scaling_max_freq")),
            _integer(values.get("scaling_cur_freq")),
            values.get("scaling_governor"),
        )
        for number, values in sorted(found.items())
    )


def parse_thermal_service(text: str) -> tuple[int | None, dict[str, float]]:
    """Read `dumpsys thermalservice`: the status, and the temperatures in °C by sensor.

    The current temperatures of the hardware are taken where they are there, else the cached ones.
    """
    status = _integer(_first(r"^Thermal Status: (\d+)\s*$", text))
    current = text.partition("Current temperatures from HAL:")[2] or text
    temperatures = {
        name: float(value)
        for value, name in re.findall(
            r"Temperature\{mValue=(-?\d+(?:\.\d+)?), mType=-?\d+, mName=([^,}]+),", current
        )
    }
    return status, temperatures


def parse_thermal_zones(text: str) -> dict[str, float]:
    """Read the lines `<…>/thermal_zone<N>/type:<name>` and `…/temp:<m°C>` into °C by sensor."""
    names = dict(re.findall(r"/thermal_zone(\d+)/type:(.*)", text))
    return {
        names.get(zone, f"thermal_zone{zone}").strip(): int(value) / 1000
        for zone, value in re.findall(r"/thermal_zone(\d+)/temp:(-?\d+)\s*$", text, re.MULTILINE)
    }


def parse_battery(text: str) -> dict[str, Any]:
    """Read `dumpsys battery`: level in percent, temperature in °C, what it charges from."""
    level, scale = (_integer(_first(rf"^\s*{name}: (\d+)", text)) for name in ("level", "scale"))
    tenths = _integer(_first(r"^\s*temperature: (-?\d+)", text))
    sources = re.findall(r"^\s*(\w+) powered: (true|false)", text, re.MULTILINE)
    powered = [name for name, value in sources if value == "true"]
    return {
        "percent": round(100 * level / scale) if level is not None and scale else None,
        "temperature_c": tenths / 10 if tenths is not None else None,
        "charging": (", ".join(powered) or "no") if sources else None,
    }


def fastest_cores(cores: tuple[Core, ...]) -> tuple[int, ...]:
    """Return the numbers of the cores of the highest maximum frequency; () where none is known."""
    highest = max((core.max_khz or 0 for core in cores), default=0)
    return tuple(core.number for core in cores if highest and core.max_khz == highest)


def mask_of(cores: tuple[int, ...]) -> str | None:
    """Return the hexadecimal CPU mask of cores; None for no cores."""
    return f"{sum(1 << core for core in cores):x}" if cores else None


def cores_of(mask: str) -> tuple[int, ...]:
    """Return the cores of a hexadecimal CPU mask.

    Raises:
        ValueError: it is none, or is empty.
    """
    bits = int(mask, 16)
    if bits <= 0:
        raise ValueError(f"{mask!r} names no core")
    return tuple(core for core in range(bits.bit_length()) if bits >> core & 1)


def _root_command(device: Device) -> tuple[str, ...] | None:
    """Return what goes before a command to run it as root: nothing, or one of the two kinds of su.

    Each is tried once, briefly: a su may ask the user, who is not there.
    """
    candidates: tuple[tuple[str, ...], ...] = ((), ("su", "0"), ("su", "-c"))
    for candidate in candidates:
        question = ["id -u"] if candidate[1:] == ("-c",) else ["id", "-u"]
        try:
            answer = device.run([*candidate, *question], timeout_s=5.0, check=False)
        except CommandTimeoutError:
            continue
        if answer.exit_status == 0 and answer.stdout.strip() == "0":
            return candidate
    return None


def _stdout(answer: Completed) -> str:
    return answer.stdout.replace("\r\n", "\n")


def _first(pattern: str, text: str) -> str | None:
    match = re.search(pattern, text, re.MULTILINE)
    return match[1] if match else None


def _integer(text: str | None) -> int | None:
    return int(text) if text is not None and re.fullmatch(r"-?\d+", text, re.ASCII) else None
