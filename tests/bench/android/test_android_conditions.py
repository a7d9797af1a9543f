"""Reading the state of a device."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.android.adb.device import Device
from bench.android.phone.conditions import (
    Battery,
    Conditions,
    Core,
    cores_of,
    fastest_cores,
    mask_of,
    parse_battery,
    parse_core_list,
    parse_cores,
    parse_screen,
    parse_thermal_service,
    parse_thermal_zones,
)  # fmt: skip
from bench.android.phone.control import drop_caches_command
from bench.android.phone.identity import Identity, identify
from bench.emulated_phone.userland import BATTERY

CORES = tuple(
    Core(number, 2_314_000 if number > 3 else 1_690_000, None, None, None) for number in range(8)
)


def _conditions(**changes) -> Conditions:
    values = {
        "cores": CORES, "online_cores": (), "thermal_status": None,
        "thermal_status_unknown_because": None, "temperatures_c": {}, "battery_c": 28.4,
        "battery_percent": 87, "battery_is_simulated": False, "charging": "USB",
        "screen": "Awake", "airplane_mode": True,
    }  # fmt: skip
    return Conditions(**{**values, **changes})


def test_cores():
    text = (
        "/sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq:1690000\n"
        "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor:schedutil\n"
        "/sys/devices/system/cpu/cpu10/cpufreq/scaling_max_freq:900000\n"
        "/sys/devices/system/cpu/cpu10/cpufreq/scaling_cur_freq:<unknown>\n"
        "/sys/devices/system/cpu/cpu10/cpu_capacity:1024\n"
        "grep: /sys/devices/system/cpu/cpu3: Permission denied\n"
    )
    assert parse_cores(text) == (
        Core(0, 1_690_000, None, None, "schedutil"),
        Core(10, None, 900_000, None, None, 1024),
    )


def test_battery():
    assert parse_battery(BATTERY) == Battery(87, 28.4, "USB", False)
    unplugged = BATTERY.replace("USB powered: true", "USB powered: false")
    assert parse_battery(unplugged).charging == "no"
    drained = BATTERY.replace("status: 2", "status: 3")
    assert parse_battery(drained).charging == "USB (discharging)"
    assert parse_battery("Can't find service: battery\n") == Battery(None, None, None, False)


@given(st.text())
def test_what_a_device_says_can_be_anything(text):
    parse_cores(text)
    parse_thermal_service(text)
    parse_thermal_zones(text)
    parse_battery(text)
    parse_core_list(text)
    parse_screen(text)


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
            "core 4 is capped at 1.16 of 2.31 GHz",
        ),
        (  # the status covers the skin alone
            {"cores": (Core(4, 2_314_000, 1_157_000, None, None),), "thermal_status": 0},
            "core 4 is capped at 1.16 of 2.31 GHz",
        ),
        ({"cores": (Core(0, 2_314_000, 1_157_000, None, None),)}, None),  # not measured on
        ({"cores": (Core(4, 2_314_000, 2_310_000, None, None),)}, None),  # rounding
    ],
)
def test_throttled(changes, reason):
    assert _conditions(**changes).throttled_because((4, 5, 6, 7)) == reason


@pytest.mark.parametrize(("cap_khz", "is_throttled"), [(1_157_000, False), (900_000, True),
                                                       (2_314_000, True)])  # fmt: skip
def test_a_cap_that_was_there_before_is_no_heat_unless_it_changes(cap_khz, is_throttled):
    before = _conditions(cores=(Core(4, 2_314_000, 1_157_000, None, None),), thermal_status=0)
    after = _conditions(cores=(Core(4, 2_314_000, cap_khz, None, None),), thermal_status=0)
    assert before.frequency_cap((4,)) == "1.16 of 2.31 GHz"
    assert (after.throttled_because((4,), before.caps_khz) is not None) is is_throttled


def test_of_cores_of_one_frequency_the_more_capable_are_the_fastest():
    cores = tuple(
        Core(number, 2_000_000, None, None, None, capacity)
        for number, capacity in enumerate((250, 250, 1024, 870))
    )
    assert fastest_cores(cores) == (2,)
    assert fastest_cores(cores, 2) == (2, 3)


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
    identity = Identity(
        "a", None, None, None, None, None, (), None, None, None, False, root_command
    )
    assert drop_caches_command(identity) == command
    assert identity.to_dict()["is_rooted"] == (root_command is not None)


def test_an_emulator_says_that_it_is_none_of_the_phones(emulate):
    emulated = emulate()
    device = Device.open(emulated.address)
    assert identify(device).is_emulated
    emulated.set_property("ro.kernel.qemu", "")
    assert not identify(device).is_emulated
    emulated.set_property("ro.hardware", "cutf_cvm")  # Cuttlefish, which has no qemu
    assert identify(device).is_emulated
    emulated.set_property("ro.hardware", "")
    emulated.set_property("ro.boot.qemu", "1")
    assert identify(device).is_emulated


def _phone(*max_khz: int) -> tuple[Core, ...]:
    return tuple(Core(number, khz, khz, None, None) for number, khz in enumerate(max_khz))


@pytest.mark.parametrize(
    ("threads", "cores"),
    [(1, (7,)), (2, (4, 7)), (4, (4, 5, 6, 7)), (5, (0, 4, 5, 6, 7)), (8, tuple(range(8)))],
)
def test_no_two_threads_share_a_core(threads, cores):
    """One prime core, three big and four small ones, as most phones have had since 2019."""
    phone = _phone(*[1_800_000] * 4, *[2_400_000] * 3, 2_840_000)
    assert fastest_cores(phone, threads) == cores


@pytest.mark.parametrize(
    ("text", "cores"),
    [("0-7\n", tuple(range(8))), ("0,2-3,7", (0, 2, 3, 7)), ("", ()), ("none", ()), ("3-", ())],
)
def test_lists_of_cores(text, cores):
    assert parse_core_list(text) == cores


@pytest.mark.parametrize(
    ("changes", "known_by"),
    [
        ({"thermal_status": 0}, ["thermal status"]),
        ({"thermal_status": 0, "cores": _phone(2_000_000)}, ["thermal status", "frequency cap"]),
        ({}, ["battery"]),
        ({"cores": _phone(2_000_000)}, ["battery", "frequency cap"]),
        ({"battery_is_simulated": True, "battery_c": 50.0}, []),
    ],
)
def test_by_what_heat_is_known(changes, known_by):
    conditions = _conditions(**changes)
    assert conditions.heat_known_by() == known_by
    assert conditions.throttled_because() is None
