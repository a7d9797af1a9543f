"""Whatever goes wrong gives one line, and leaves nothing behind on either side.

Each fault happens on the emulated device, behind the real adb server, to real benchmarks.
"""

import json
import struct

import pytest

from bench.android.adb.device import Device
from bench.android.adb.errors import (
    AdbServerError,
    DeviceChoiceError,
    DeviceError,
    DeviceLostError,
    NoDeviceError,
    ThrottledError,
)  # fmt: skip
from bench.android.adb.server import attached_devices, choose
from bench.android.deployment import DeviceSettings
from bench.android.measure import Bench, Progress
from bench.android.tool.program import find_tool
from bench.android.verification import ModelInput
from bench.emulated_phone import userland
from models.files.artifacts import ArtifactError, user_model
from models.running.loaded_model import CannotRunError
from tests.models.running.test_any_file import one_operator
from tests.waiting import wait_until

pytestmark = pytest.mark.slow

ROUNDS = 4


class After(Progress):
    """A progress that does something after a number of rounds."""

    def __init__(self, rounds: int, act) -> None:
        self._rounds = rounds
        self._act = act

    def advance(self, done: int) -> None:
        if done == self._rounds:
            self._act()


@pytest.fixture
def fails(device_model):
    """A function that measures a model, which has to fail, and returns the error."""

    def run(emulated, progress=None, model=device_model, tool=None, **settings) -> DeviceError:
        device = Device.open(emulated.address)
        path = tool or emulated.tool()
        with (
            Bench(device, lambda phone: find_tool(phone.abis, path), "emulated") as bench,
            pytest.raises(DeviceError) as raised,
        ):
            bench.measure(model, DeviceSettings(**{"rounds": ROUNDS, **settings}), progress)
        assert len(str(raised.value).splitlines()) == 1
        assert raised.value.serial == device.serial
        return raised.value

    return run


def _clean(emulated) -> bool:
    return emulated.files() == [] and emulated.processes() == []


def test_no_device(emulate):
    emulated = emulate()
    emulated.unplug()
    wait_until(lambda: not _can_be_opened(emulated))  # the server notices a moment later
    with pytest.raises((NoDeviceError, DeviceChoiceError)):
        Device.open(emulated.address)


def _can_be_opened(emulated) -> bool:
    try:
        Device.open(emulated.address)
    except DeviceError:
        return False
    return True


def test_unauthorised(emulate):
    emulated = emulate()
    emulated.unplug()
    emulated.daemon.faults.unauthorized = True
    emulated.kill_server()
    emulated.daemon.start()
    emulated.revive()
    with pytest.raises(DeviceChoiceError, match="unauthorized: accept this computer's key"):
        Device.open(emulated.address)


def test_offline(emulate):
    emulated = emulate()
    emulated.daemon.faults.offline = True
    emulated.unplug()
    wait_until(lambda: [each.state for each in attached_devices(emulated.address)] == ["offline"])
    with pytest.raises(DeviceChoiceError, match="offline: plug the cable out and in again"):
        choose(attached_devices(emulated.address), emulated.serial)


@pytest.mark.parametrize(
    ("fault", "kind", "said"),
    [("unplug", DeviceLostError, "connection ended"), ("kill_server", AdbServerError, "went away")],
)
def test_gone_in_the_middle(emulate, fails, fault, kind, said):
    emulated = emulate()
    emulated.set_tool_fault("hang", from_run=3)  # so that round 3 is not over before
    error = fails(emulated, After(2, getattr(emulated, fault)))
    assert isinstance(error, kind)
    assert f"{said} while round 3 of 4 ran" in str(error)
    assert len(error.rounds) == 2
    wait_until(lambda: _clean(emulated))


def test_a_device_that_comes_back_is_measured_on(emulate, fails, device_model):
    emulated = emulate()
    device = Device.open(emulated.address)
    with Bench(device, lambda phone: find_tool(phone.abis, emulated.tool())) as bench:
        emulated.set_tool_fault("hang", from_run=2)
        with pytest.raises(AdbServerError):
            bench.measure(device_model, DeviceSettings(rounds=2), After(1, emulated.kill_server))
        emulated.set_tool_fault(None)
        emulated.revive()
        assert len(bench.measure(device_model, DeviceSettings(rounds=2)).sitting.rounds) == 2
    assert _clean(emulated)


def test_tool_missing_here(emulated_device, fails, tmp_path):
    error = fails(emulated_device, tool=tmp_path / "none")
    assert "none: no such file (--device-tool)" in str(error)
    assert _clean(emulated_device)


def test_tool_missing_there(emulated_device, fails):
    tool = emulated_device.root.parent / "missing"
    tool.write_text("#!/no/such/interpreter\n")
    error = fails(emulated_device, tool=tool)
    assert "benchmark_model is not on the device, or what should load it: " in str(error)
    assert _clean(emulated_device)


def test_tool_not_executable(emulate, fails):
    emulated = emulate()
    emulated.daemon.faults.drop_execute_permission = True
    error = fails(emulated)
    assert "the device cannot execute benchmark_model: " in str(error)
    assert "Permission denied" in str(error)
    assert _clean(emulated)


def _elf(machine: int) -> bytes:
    return b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HHI", 3, machine, 1) + bytes(40)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("crash", "round 2: benchmark_model crashed (signal 6)"),
        ("garbage", r"round 2: no result line; the last line is: \x00�\x1b[31m gar"),
        ("half line", "round 2: the output ends in the middle of a line: INFO: Inf"),
        ("backward clock", "round 2: the device's clock ran backwards or stood still"),
        ("hang", "benchmark_model did not end within 5 s in "),
    ],
)
def test_tool_that_fails_in_the_middle(emulate, fails, fault, said):
    emulated = emulate()
    emulated.set_tool_fault(fault, from_run=2)  # the first run is the look at the model's speed
    error = fails(emulated, timeout_s=5.0 if fault == "hang" else 60.0)
    assert said in str(error)
    if fault != "hang":  # on a busy machine an earlier one may take too long as well
        assert len(error.rounds) == 1
    assert _clean(emulated)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("hang", "benchmark_model did not end within 2 s in trial 1"),
        ("wrong answer", "on the device and class"),
        ("not linked", 'cannot link benchmark_model: CANNOT LINK EXECUTABLE "bench'),
        ("too old", "it is too old ('Average inference timings in us')"),
    ],
)
def test_tool_that_fails_at_once(emulate, fails, fault, said):
    emulated = emulate()
    emulated.set_tool_fault(fault)
    error = fails(emulated, timeout_s=2.0 if fault == "hang" else 60.0)
    assert said in str(error)
    wait_until(lambda: _clean(emulated))


def test_model_that_the_tool_refuses(emulated_device, fails, device_model, monkeypatch, tmp_path):
    damaged = tmp_path / "damaged.tflite"
    damaged.write_bytes(device_model.path.read_bytes()[:2000])
    # The host would refuse it before; a device may know fewer operators than the host.
    monkeypatch.setattr("bench.android.measure.ModelInput", lambda _: ModelInput(device_model))
    error = fails(emulated_device, model=user_model(damaged))
    assert "benchmark_model: Failed to load model /data/local/tmp/" in str(error)
    assert _clean(emulated_device)


def test_model_that_the_host_refuses(emulated_device, fails, tmp_path):
    damaged = tmp_path / "damaged.tflite"
    damaged.write_bytes(b"\x1c\0\0\0TFL3" + bytes(100))
    device = Device.open(emulated_device.address)
    with (
        Bench(device, lambda phone: find_tool(phone.abis, emulated_device.tool())) as bench,
        pytest.raises(ArtifactError, match=r"damaged\.tflite: ") as raised,
    ):
        bench.measure(user_model(damaged), DeviceSettings(rounds=1))
    assert len(str(raised.value).splitlines()) == 1
    assert _clean(emulated_device)


def test_storage_full(emulate, fails, device_model):
    emulated = emulate()
    emulated.daemon.faults.storage_bytes = device_model.path.stat().st_size - 100
    error = fails(emulated)
    assert isinstance(error, DeviceError)
    assert ".tflite cannot be pushed (write failed: No space left on device)" in str(error)
    assert _clean(emulated)


def test_throttled(emulate, fails):
    emulated = emulate(userland.ANDROID_11)
    userland.set_thermal_status(emulated.root, 3)
    error = fails(emulated, cool_down_s=0.01, retries=0)
    assert isinstance(error, ThrottledError)
    assert "still throttled after 0.01 s of cooling down: thermal status 3" in str(error)
    assert _clean(emulated)


HOSTILE = "'; $(touch /data/local/tmp/owned) `touch /data/local/tmp/owned`\n\"\x1b[31m \\"


def test_hostile_properties_and_file_names(emulate, device_model, tmp_path):
    emulated = emulate()
    for name in ("ro.product.model", "ro.build.fingerprint", "ro.product.manufacturer"):
        emulated.set_property(name, HOSTILE)
    path = tmp_path / "'; $(touch owned) `touch owned`\n\"\\.tflite"
    path.write_bytes(device_model.path.read_bytes())
    device = Device.open(emulated.address)
    with Bench(device, lambda phone: find_tool(phone.abis, emulated.tool())) as bench:
        info = bench.measure(user_model(path), DeviceSettings(rounds=1)).info
    assert info["device"]["model"] == HOSTILE.strip()
    assert json.loads(json.dumps(info))["model"] == path.stem
    assert _clean(emulated)


def test_a_hostile_abi(emulate, fails, tmp_path):
    emulated = emulate()
    for name in ("abi", "abilist"):
        emulated.set_property(f"ro.product.cpu.{name}", HOSTILE)
    tool = tmp_path / "benchmark_model"
    tool.write_bytes(_elf(183))
    error = fails(emulated, tool=tool)
    assert "built for arm64-v8a, the device is " in str(error)
    assert _clean(emulated)


def test_an_odd_uptime_is_a_fault_of_the_device_in_one_line(emulate, measure):
    emulated = emulate()
    uptime = emulated.root / "proc/uptime"
    uptime.unlink()
    for odd in ("", "up 3 days\n", "-5.0 1.0\n", "1e9 0\n", "12.3.4 0\n"):
        uptime.write_text(odd)
        with pytest.raises(DeviceError, match=r"did not say how long it is up \(/proc/uptime\)"):
            measure(emulated)


def test_a_tool_with_flex_runs_what_the_host_cannot(emulate, measure, device_model, tmp_path):
    """This one has Flex by its mark alone: it runs another file in place of the one it is given."""
    emulated = emulate()
    (tmp_path / "erf.tflite").write_bytes(one_operator("FlexErf"))
    model = user_model(tmp_path / "erf.tflite")
    with pytest.raises(CannotRunError, match="Select TF ops, such as FlexErf"):
        measure(emulated, model=model)
    tool = tmp_path / "benchmark_model_plus_flex"
    tool.write_text(f"""#!/bin/sh
# TfLiteFlexDelegate
for each do
  shift
  case $each in --graph=*) each=--graph={device_model.path.resolve()};; esac
  set -- "$@" "$each"
done
exec sh {emulated.tool()} "$@"
""")
    info = measure(emulated, model=model, tool=tool).info
    assert (info["input"], info["verified"]) == ("random values of the tool's own", None)
