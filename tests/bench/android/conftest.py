"""Measuring on an emulated phone of one's own."""

import pytest

from bench.android.adb.device import Device
from bench.android.deployment import DeviceSettings
from bench.android.measure import Bench
from bench.android.tool.program import find_tool
from bench.emulated_phone import userland
from bench.emulated_phone.userland import MKSH_AND_TOYBOX

ROUNDS = 2


@pytest.fixture
def measure(device_model):
    """A function that measures on an emulated device, and finds nothing left on it afterwards."""

    def run(
        emulated, generation="interpreter", progress=None, tool=None, model=device_model, **settings
    ):
        device = Device.open(emulated.address)
        tool = tool or emulated.tool(generation)
        with Bench(device, lambda phone: find_tool(phone.abis, tool), "emulated") as bench:
            found = bench.measure(model, DeviceSettings(**{"rounds": ROUNDS, **settings}), progress)
        assert emulated.files() == []
        assert emulated.processes() == []
        return found

    return run


@pytest.fixture
def android_phone(emulate):
    """A phone whose shell is mksh and whose commands are toybox's."""
    if missing := userland.android_commands_missing():
        pytest.skip(f"{missing} is not installed (Debian: apt-get install mksh toybox)")
    return emulate(MKSH_AND_TOYBOX)
