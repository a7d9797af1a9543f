"""What phones of many makers say, from Android 10 to 16: how it is read, and what is unknown.

Layouts and values are those of phones' own output as public projects quote it; serials, names and
figures that would tell a person are made up.
"""

import re
import tomllib
from pathlib import Path

import pytest

from bench.android.phone.conditions import (
    Battery,
    Conditions,
    fastest_cores,
    parse_battery,
    parse_core_list,
    parse_cores,
    parse_screen,
    parse_thermal_service,
    parse_thermal_zones,
)


def thermal(
    status: int = 0, override: str = "false", ready: str = "true", connection: str = "", **parts
) -> str:
    """The service's text: its parts in Android's own order."""
    hal = f"HAL connection:\n\t{connection}\n" if connection else ""
    return (
        f"IsStatusOverride: {override}\nThermalEventListeners:\n\tcallbacks: 4\n\tkilled: false\n"
        f"\tbroadcasts count: -1\nThermal Status: {status}\n"
        f"Cached temperatures:\n{parts.get('cached', '')}HAL Ready: {ready}\n{hal}"
        f"Current temperatures from HAL:\n{parts.get('current', '')}"
        f"Current cooling devices from HAL:\n{parts.get('cooling', '')}"
        f"Temperature static thresholds from HAL:\n{parts.get('thresholds', '')}"
    )


def sensor(name: str, value: object, kind: int = 0, status: int = 0) -> str:
    return f"\tTemperature{{mValue={value}, mType={kind}, mName={name}, mStatus={status}}}\n"


def phones(kind: str) -> list:
    """The outputs of a kind in phones.toml."""
    found = tomllib.loads(Path(__file__).with_name("phones.toml").read_text(encoding="utf-8"))
    return [pytest.param(each, id=each["of"]) for each in found[kind]]


def expected_c(said: dict, readings: list[tuple[str, float]]) -> dict[str, float]:
    unknown = said.get("unknown", [])
    assert {*unknown} <= {name for name, _ in readings}
    return {name: pytest.approx(value) for name, value in readings if name not in unknown}


@pytest.mark.parametrize("said", phones("thermal"))
def test_the_thermal_service_of(said):
    lines = [line.split(" ", 2) for line in said["said"].split("\n") if line]
    current = "".join(sensor(name, value, int(kind)) for value, kind, name in lines)
    status = said.get("status", 0)
    found = parse_thermal_service(
        thermal(status, connection=said.get("hal", ""), current=current,
                cached=sensor("stale", 99.0, 0, 3))
    )  # fmt: skip
    assert (found.status, found.unknown_because) == (status, None)
    readings = [(name, float(value)) for value, _, name in lines]
    assert found.temperatures_c == expected_c(said, readings)


@pytest.mark.parametrize("said", phones("zones"))
def test_the_zones_of(said):
    lines = [line.rsplit(" ", 1) for line in said["said"].split("\n") if line]
    text = "".join(
        f"/sys/class/thermal/thermal_zone{number}/type:{name}\n"
        f"/sys/class/thermal/thermal_zone{number}/temp:{value}\n"
        for number, (name, value) in enumerate(lines)
    )
    tenths = said.get("tenths", "none of them")
    readings = [
        (name, int(value) / (10 if name.startswith(tenths) else 1000)) for name, value in lines
    ]
    assert parse_thermal_zones(text) == expected_c(said, readings)


@pytest.mark.parametrize("said", phones("battery"))
def test_the_battery_of(said):
    found = parse_battery(f"Current Battery Service state:\n{said['said'].strip(chr(10))}\n")
    percent, temperature_c, charging = (*said["is"], None)[:3]
    assert found == Battery(
        None if percent == "none" else percent,
        None if temperature_c == "none" else temperature_c,
        charging,
        "UPDATES STOPPED" in said["said"],
    )


@pytest.mark.parametrize("said", phones("cores"))
def test_the_cores_of(said):
    names = ("cpufreq/scaling_max_freq", "cpufreq/cpuinfo_max_freq", "cpu_capacity")
    text = "".join(
        f"/sys/devices/system/cpu/cpu{number}/{name}:{value}\n"
        for numbers, *values in map(str.split, said["said"].split("\n")[1:])
        for number in parse_core_list(numbers)
        for name, value in zip(names, values, strict=False)
    ).replace(":-", ":")
    cores = parse_cores(text)
    assert fastest_cores(cores) == tuple(said["fastest"])
    now = Conditions(cores, (), None, None, {}, None, None, False, None, None, None)
    assert now.frequency_cap(said["fastest"]) == said.get("cap")


@pytest.mark.parametrize("value", ["-99.9", "-127.0", "-273.0", "-274.0", "3.4E38"])
def test_what_no_sensor_can_measure_is_none(value):
    text = thermal(current=sensor("gone", value) + sensor("SKIN", 33.0, 3))
    assert parse_thermal_service(text).temperatures_c == {"SKIN": 33.0}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Can't find service: thermalservice\n", "there is no thermal service"),
        ("Permission Denial: can't dump thermalservice from pid=1, uid=2000\n", "no thermal"),
        ("Thermal Status: 0\nCached temperatures:\nHAL Ready: false\n", "has no hardware layer"),
        (thermal(ready="false"), "has no hardware layer"),
        (thermal(override="true"), "is overridden by hand"),
        (thermal(connection="ThermalHAL 1.0 connected: yes"), r"hardware layer \(1.x\)"),
        (thermal(connection="ThermalHAL 1.1 connected: yes"), r"hardware layer \(1.x\)"),
        (thermal(connection="ThermalHAL AIDL 1  connected: no"), "is not connected"),
        (thermal(connection="Sdhms connected: no"), "is not connected"),
    ],
)
def test_a_status_that_nobody_stands_behind_is_unknown(text, reason):
    found = parse_thermal_service(text)
    assert found.status is None
    assert re.search(reason, found.unknown_because or "")


def test_whole_degrees_and_tenths_are_read_where_most_zones_count_in_them():
    def zones(*values: int) -> dict[str, float]:
        return parse_thermal_zones(
            "".join(
                f"/sys/class/thermal/thermal_zone{n}/temp:{each}\n" for n, each in enumerate(values)
            )
        )

    assert [*zones(45, 47, 44, 37_000).values()] == [45.0, 47.0, 44.0, 37.0]
    assert [*zones(315, 309, 41_000).values()] == [31.5, 30.9, 41.0]
    assert [*zones(41_000, 42_000, 32, 315, -127_000, -274_000).values()] == [41.0, 42.0]
    assert [*zones(0, 45, 315).values()] == []  # nobody knows


@pytest.mark.parametrize(
    ("text", "screen"),
    [
        ("Power Manager State:\n  mWakefulness=Asleep\n", "Asleep"),
        ("  mWakefulness=Dozing\n  mWakefulnessChanging=false\n", "Dozing"),
        ("  mWakefulness=0\n", "0"),
        ("Permission Denial\n", None),
    ],
)
def test_screens(text, screen):
    assert parse_screen(text) == screen
