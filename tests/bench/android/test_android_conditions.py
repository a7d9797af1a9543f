"""Reading the state of a device."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.android.adb.device import Device
from bench.android.phone.conditions import (
    Conditions,
    Core,
    Identity,
    cores_of,
    fastest_cores,
    identify,
    mask_of,
    parse_battery,
    parse_cores,
    parse_thermal_service,
    parse_thermal_zones,
)
from bench.android.phone.control import drop_caches_command
from bench.emulated_phone.userland import BATTERY, THERMAL_SERVICE

CORES = tuple(
    Core(number, 2_314_000 if number > 3 else 1_690_000, None, None, None) for number in range(8)
)


def _conditions(**changes) -> Conditions:
    values = {
        "cores": CORES, "thermal_status": None, "temperatures_c": {}, "battery_c": 28.4,
        "battery_percent": 87, "charging": "USB", "screen": "Awake", "airplane_mode": True,
    }  # fmt: skip
    return Conditions(**{**values, **changes})


def test_cores():
    text = (
        "/sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq:1690000\n"
        "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor:schedutil\n"
        "/sys/devices/system/cpu/cpu10/cpufreq/scaling_max_freq:900000\n"
        "/sys/devices/system/cpu/cpu10/cpufreq/scaling_cur_freq:<unknown>\n"
        "grep: /sys/devices/system/cpu/cpu3: Permission denied\n"
    )
    assert parse_cores(text) == (
        Core(0, 1_690_000, None, None, "schedutil"),
        Core(10, None, 900_000, None, None),
    )


def test_thermal_service():
    status, temperatures = parse_thermal_service(THERMAL_SERVICE.format(status=3))
    assert status == 3
    assert temperatures == {"BIG": 41.0, "SKIN": 31.5}
    assert parse_thermal_service("Can't find service: thermalservice\n") == (None, {})


def test_thermal_zones():
    text = (
        "/sys/class/thermal/thermal_zone0/type:BIG\n"
        "/sys/class/thermal/thermal_zone0/temp:41000\n"
        "/sys/class/thermal/thermal_zone7/temp:-5000\n"
        "/sys/class/thermal/thermal_zone8/temp:unknown\n"
    )
    assert parse_thermal_zones(text) == {"BIG": 41.0, "thermal_zone7": -5.0}


def test_battery():
    assert parse_battery(BATTERY) == {"percent": 87, "temperature_c": 28.4, "charging": "USB"}
    unplugged = BATTERY.replace("USB powered: true", "USB powered: false")
    assert parse_battery(unplugged)["charging"] == "no"
    assert parse_battery("Can't find service: battery\n") == {
        "percent": None,
        "temperature_c": None,
        "charging": None,
    }


@given(st.text())
def test_what_a_device_says_can_be_anything(text):
    parse_cores(text)
    parse_thermal_service(text)
    parse_thermal_zones(text)
    parse_battery(text)


def test_the_fastest_cores():
    assert fastest_cores(CORES) == (4, 5, 6, 7)
    assert mask_of(fastest_cores(CORES)) == "f0"
    assert fastest_cores(()) == ()
    assert fastest_cores((Core(0, None, None, None, None),)) == ()
    assert mask_of(()) is None


@given(st.sets(st.integers(0, 127), min_size=1))
def test_a_mask_names_its_cores(numbers):
    cores = tuple(sorted(numbers))
    assert cores_of(mask_of(cores)) == cores


def test_an_empty_mask():
    with pytest.raises(ValueError, match="names no core"):
        cores_of("0")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, None),
        ({"thermal_status": 1}, None),
        ({"thermal_status": 2}, "thermal status 2"),
        ({"battery_c": 45.0}, "the battery has 45 °C"),
        ({"battery_c": 45.0, "thermal_status": 0}, None),
        ({"battery_c": None}, None),
        (
            {"cores": (Core(4, 2_314_000, 1_157_000, None, None),)},
            "core 4 is capped at 1.16 GHz of 2.31 GHz",
        ),
        ({"cores": (Core(0, 2_314_000, 1_157_000, None, None),)}, None),  # not measured on
        ({"cores": (Core(4, 2_314_000, 2_310_000, None, None),)}, None),  # rounding
    ],
)
def test_throttled(changes, reason):
    assert _conditions(**changes).throttled_because((4, 5, 6, 7)) == reason


@pytest.mark.parametrize(
    ("root_command", "command"),
    [
        (None, None),
        ((), ["sh", "-c", "sync; echo 3 > /proc/sys/vm/drop_caches"]),
        (("su", "0"), ["su", "0", "sh", "-c", "sync; echo 3 > /proc/sys/vm/drop_caches"]),
        (("su", "-c"), ["su", "-c", "sync; echo 3 > /proc/sys/vm/drop_caches"]),
    ],
)
def test_dropping_the_page_caches(root_command, command):
    identity = Identity("a", None, None, None, None, None, None, None, None, False, root_command)
    assert drop_caches_command(identity) == command
    assert identity.to_dict()["is_rooted"] == (root_command is not None)


def test_an_emulator_says_that_it_is_none_of_the_phones(emulate):
    emulated = emulate()
    device = Device.open(emulated.address)
    assert identify(device).is_emulated
    emulated.set_property("ro.kernel.qemu", "")
    assert not identify(device).is_emulated
    emulated.set_property("ro.boot.qemu", "1")
    assert identify(device).is_emulated
