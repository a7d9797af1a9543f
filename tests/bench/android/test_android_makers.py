"""What phones of many makers say, from Android 10 to 16: how it is read, and what is unknown.

Layouts and values are those of phones' own output as public projects quote it; serials, names and
figures that would tell a person are made up.
"""

from __future__ import annotations

import re

import pytest

from bench.android.phone.conditions import (
    Battery,
    parse_battery,
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


def test_xiaomi_with_android_16():
    text = thermal(
        cached=sensor("CPU", 84.208) + sensor("SKIN", 48.517, 3),
        current=sensor("CPU", 57.9) + sensor("SKIN", 34.351, 3) + sensor("SOC", 46.2, 13),
        thresholds="\tTemperatureThreshold{mType=3, mName=SKIN, "
        "mHotThrottlingThresholds=[NaN, NaN, NaN, 50.0, 70.0, 80.0, 90.0]}\n",
    )
    found = parse_thermal_service(text)
    assert found.status == 0
    assert found.temperatures_c == {"CPU": 57.9, "SKIN": 34.351, "SOC": 46.2}


def test_pixel_with_volts_amperes_and_per_cent_among_its_sensors():
    text = thermal(
        status=1,
        connection="ThermalHAL AIDL 3  connected: yes",
        current=sensor("BIG", 46.0)
        + sensor("battery", 31.9, 2)
        + sensor("VIRTUAL-USB-UI", 0.0, 4)
        + sensor("vbat", 3.9, 6)
        + sensor("ibat", 0.52, 7)
        + sensor("soc", 87.0, 8)
        + sensor("neutral_therm", 33.931, -1, 1)
        + sensor("neutral_therm", 34.5, -1, 1),
    )
    found = parse_thermal_service(text)
    assert found.status == 1
    assert found.temperatures_c == {
        "BIG": 46.0, "battery": 31.9, "VIRTUAL-USB-UI": 0.0,
        "neutral_therm": 33.931, "neutral_therm (2)": 34.5,
    }  # fmt: skip


def test_qualcomm_with_android_10():
    text = thermal(
        connection="ThermalHAL 2.0 connected: yes",
        current=sensor("cpu0-silver-usr", 54.600002) + sensor("gpu0-usr", 53.300003, 1),
    )
    found = parse_thermal_service(text)
    assert found.status == 0
    assert found.temperatures_c["gpu0-usr"] == 53.300003


def test_an_empty_section_of_the_hardware_falls_back_to_the_cached_one():
    found = parse_thermal_service(thermal(cached=sensor("SKIN", 33.0, 3)))
    assert found.temperatures_c == {"SKIN": 33.0}


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
    ],
)
def test_a_status_that_nobody_stands_behind_is_unknown(text, reason):
    found = parse_thermal_service(text)
    assert found.status is None
    assert re.search(reason, found.unknown_because or "")


@pytest.mark.parametrize(
    "connection", ["ThermalHAL AIDL 1  connected: yes", "ThermalHAL 2.0 connected: yes", ""]
)
def test_a_status_that_the_hardware_stands_behind_is_known(connection):
    found = parse_thermal_service(thermal(status=3, connection=connection))
    assert (found.status, found.unknown_because) == (3, None)


def test_zones_in_thousandths_tenths_and_whole_degrees():
    lines = {
        0: ("mtktscpu", 41000), 1: ("battery", 32), 2: ("pm8998_tz", 37500), 3: ("quiet", 315),
        4: ("tsens", 45000), 5: ("tsens", 47000), 6: ("off", -127000), 7: ("unset", -274000),
        8: ("none", -273150), 9: ("ambient", -5),
    }  # fmt: skip
    text = "".join(
        f"/sys/class/thermal/thermal_zone{number}/type:{name}\n"
        f"/sys/class/thermal/thermal_zone{number}/temp:{value}\n"
        for number, (name, value) in lines.items()
    )
    assert parse_thermal_zones(text) == {
        "mtktscpu": 41.0, "battery": 32.0, "pm8998_tz": 37.5, "quiet": 31.5,
        "tsens": 45.0, "tsens (2)": 47.0, "ambient": -5.0,
    }  # fmt: skip


HUAWEI = """Current Battery Service state:
  AC powered: false
  USB powered: true
  Wireless powered: false
  Max charging current: 500000
  Max charging voltage: 5000000
  Charge counter: 3270000
  status: 3
  health: 2
  present: true
  level: 100
  scale: 100
  voltage: 4352
  temperature: 274
  technology: Li-poly
"""
SAMSUNG = """Current Battery Service state:
  AC powered: true
  USB powered: false
  Wireless powered: false
  Dock powered: false
  Max charging current: 0
  status: 2
  health: 2
  present: true
  level: 75
  scale: 100
  voltage: 4156
  temperature: 357
  Capacity level: -1
  mSavedBatteryAsoc: 99
[EventLogBuffer]
  08-11 18:34:14.721  Sending ACTION_BATTERY_CHANGED: level:72
  level: 72
  temperature: 345
"""
SIMULATED = """Current Battery Service state:
  (UPDATES STOPPED -- use 'reset' to restart)
  AC powered: false
  USB powered: false
  Wireless powered: false
  status: 3
  level: 50
  scale: 100
  temperature: 200
"""


def test_batteries():
    assert parse_battery(HUAWEI) == Battery(100, 27.4, "USB (discharging)", False)
    assert parse_battery(SAMSUNG) == Battery(75, 35.7, "AC", False)
    assert parse_battery(SIMULATED) == Battery(50, 20.0, "no", True)
    assert parse_battery(SAMSUNG.replace("temperature: 357", "temperature: -2740")) == Battery(
        75, None, "AC", False
    )
    assert parse_battery("Permission Denial: can't dump battery\n") == Battery(
        None, None, None, False
    )


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
