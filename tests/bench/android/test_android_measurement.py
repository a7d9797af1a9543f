"""Measuring a model on the emulated device: what is recorded, and what is done to the device."""

import json
import threading

import numpy as np
import pytest

from bench.android.adb.device import Device
from bench.android.adb.errors import DeviceError, DeviceLostError
from bench.android.adb.files import Workspace, pull
from bench.android.deployment import DeviceSettings
from bench.android.measure import Bench, Progress
from bench.android.rounds import Plan, run_rounds
from bench.android.tool.program import WARMUPS, find_tool, inferences_for, read_elf
from bench.android.verification import ModelInput
from bench.emulated_phone import userland
from bench.emulated_phone.userland import ANDROID_11, ROOTED
from models.files.artifacts import artifact
from models.running.runtimes import available
from models.running.samples import sample_pixels
from tests.bench.android.conftest import ROUNDS
from tests.bench.android.samples import Told, round_of
from tests.waiting import wait_until

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def measured(request):
    """One measurement that several tests look at."""
    emulated = request.getfixturevalue("emulated_device")
    model = request.getfixturevalue("device_model")
    start = len(emulated.log())
    tool = emulated.tool()
    device = Device.open(emulated.address)
    with Bench(device, lambda phone: find_tool(phone.abis, tool), "emulated") as bench:
        found = bench.measure(model, DeviceSettings(rounds=ROUNDS))
    return found, emulated.log()[start:]


def test_three_quantities_of_the_same_rounds(measured):
    found, _ = measured
    assert len(found.sitting.rounds) == ROUNDS
    for each in found.sitting.rounds:
        assert min(each.inference_ns, each.first_inference_ns, each.load_ns) > 0
        assert 0 < each.process_s < 60


def test_what_a_comparison_needs_is_recorded(measured, device_model):
    info, _ = measured[0].info, None
    assert info["model"] == device_model.name
    assert info["emulated"] is True
    assert info["device"]["serial"] == "emulated"
    assert info["device"]["model"] == "SM-G950F"
    assert info["device"]["soc"] == "exynos8895"
    assert (info["device"]["android"], info["device"]["kernel"]) == ("9", "4.4.111-18187245")
    assert info["cpu_mask"] == "f0"
    assert info["tool_source"] == "benchmark_model"  # no path with somebody's name in it
    assert len(info["tool_sha256"]) == len(info["sha256"]) == 64
    warmups = {each.tool.warmups for each in measured[0].sitting.rounds}
    assert warmups == {info["warmups_per_round"]} == {WARMUPS}
    assert (info["threads"], info["delegate"]) == (1, "cpu")
    assert [each["delegate"] for each in info["delegates"]] == ["TfLiteXNNPackDelegate"]
    assert info["footprint_overall_mb"] > 0
    assert info["input"] == "canary image 0"
    assert info["verified"]["largest_difference"] < 0.01
    for when in ("before", "after"):
        conditions = info["conditions"][when]
        assert [core["max_khz"] for core in conditions["cores"]] == list(userland.CORES_KHZ)
        assert conditions["battery_percent"] == 87
        assert conditions["charging"] == "USB"
        assert (conditions["screen"], conditions["airplane_mode"]) == ("Awake", True)
        assert conditions["temperatures_c"] == {"BIG": 41.0, "LITTLE": 38.0}
    json.dumps(info)


def test_background_apps_are_ended_and_each_round_runs_on_the_fast_cores(measured):
    found, log = measured
    # Once at the beginning, and again only where the rounds take long.
    assert 1 <= log.count("am kill-all") <= ROUNDS
    assert found.info["rounds_with_background_apps_killed"] == log.count("am kill-all")
    assert log.count("taskset f0") == ROUNDS + 2  # tried first, and to see how fast it is
    assert found.info["rounds_with_caches_dropped"] == 0


def test_caches_are_dropped_where_the_device_is_rooted(emulate, measure):
    emulated = emulate(ROOTED)
    info = measure(emulated).info
    assert info["device"]["is_rooted"]
    assert info["rounds_with_caches_dropped"] == ROUNDS
    assert (emulated.root / "proc/sys/vm/drop_caches").read_text() == "3\n"


def test_mksh_and_toybox(android_phone, measure):
    device = Device.open(android_phone.address)
    assert "MIRBSD KSH" in device.run(["sh", "-c", "echo $KSH_VERSION"]).stdout
    assert device.run(["cat", "--version"]).stdout.startswith("toybox ")
    info = measure(android_phone).info
    assert info["cpu_mask"] == "f0"
    assert info["verified"]["largest_difference"] < 0.01
    assert info["rounds_with_background_apps_killed"] >= 1
    before = info["conditions"]["before"]
    assert [core["max_khz"] for core in before["cores"]] == list(userland.CORES_KHZ)
    assert before["online_cores"] == tuple(range(8))
    assert before["temperatures_c"] == {"BIG": 41.0, "SKIN": 31.5}


def test_mksh_cleans_up_by_itself_when_the_connection_ends(android_phone):
    _lose_the_connection(android_phone)


def test_fixed_performance_mode_is_on_where_it_is_asked_for_alone(emulate, measure):
    emulated = emulate(ANDROID_11)
    assert measure(emulated).info["performance_mode"] == "off"
    assert not [line for line in emulated.log() if line.startswith("cmd power")]
    info = measure(emulated, fixed_performance=True).info
    assert info["performance_mode"] == "on"
    assert info["conditions"]["before"]["thermal_status"] == 0
    assert info["conditions"]["before"]["temperatures_c"] == {"BIG": 41.0, "SKIN": 31.5}
    switched = [line for line in emulated.log() if line.startswith("cmd power")]
    assert [line.rpartition(" ")[2] for line in switched] == ["true", "false"]
    assert (emulated.root / "system/fixed-performance-mode").read_text() == "false\n"


def test_the_cap_of_fixed_performance_is_no_heat(emulate, measure):
    phone = emulate(ANDROID_11)
    cmd, told = phone.root / "system/bin/cmd", Told()
    cap = 'for core in "$root"/sys/devices/system/cpu/cpu*/cpufreq; do echo 1000000 > "$core/sc'
    cap += 'aling_max_freq"; done\n  echo "$3" >'
    cmd.write_text(cmd.read_text().replace('echo "$3" >', cap))
    info = measure(phone, progress=told, fixed_performance=True, cool_down_s=1).info
    assert (info["frequency_cap"], told.lines) == ("1.00 of 2.31 GHz", [])


def test_cores_are_chosen_after_the_cool_down(emulate, measure):
    phone = emulate()
    userland.set_frequency_cap(phone.root, 0.5)
    online = phone.root / "sys/devices/system/cpu/online"
    online.write_text("0-6\n")
    (phone.root / "system/settings/global/low_power").write_text("1\n")

    class Cool(Told):
        def tell(self, line):
            online.write_text("0-7\n")
            userland.set_frequency_cap(phone.root, 1.0)

    info = measure(phone, progress=Cool()).info
    assert (info["cores"], info["cores_note"], info["battery_saver"]) == ([4, 5, 6, 7], None, True)


def test_ctrl_c_in_the_middle_leaves_nothing_behind(emulated_device, measure):
    class Interrupt(Progress):
        def begin(self, title, rounds):
            assert rounds == ROUNDS

        def advance(self, done):
            raise KeyboardInterrupt

        def end(self):
            self.has_ended = True

        def tell(self, line):
            raise AssertionError(line)

    progress = Interrupt()
    with pytest.raises(KeyboardInterrupt):
        measure(emulated_device, progress=progress)
    assert progress.has_ended
    assert emulated_device.files() == []


def test_cores_that_are_off_are_not_chosen(emulate, measure):
    emulated = emulate()
    (emulated.root / "sys/devices/system/cpu/online").write_text("0-5\n")
    info = measure(emulated, threads=3).info
    assert info["cores"] == [0, 4, 5]
    assert info["cores_note"] == "cores 6, 7 are off or not allowed"


def test_cores_that_the_kernel_refuses_are_left_to_it(emulate, measure):
    emulated = emulate()
    (emulated.root / "system/usable-cores").write_text("f\n")  # the fast ones are paused
    info = measure(emulated).info
    assert (info["cpu_mask"], info["cores"]) == (None, [])
    assert info["cores_note"].startswith("the device refuses cores 4, 5, 6, 7 (taskset: Invalid")


def test_without_taskset_it_runs_unpinned_and_says_so(android_phone, measure):
    (android_phone.root / "system/bin/taskset").unlink()
    info = measure(android_phone).info
    assert (info["cpu_mask"], info["cores_note"]) == (None, "the device has no taskset")


@pytest.mark.parametrize(
    ("settings", "usable", "complaint"),
    [
        ({"cpu_mask": "80", "threads": 2}, "ff", "80 names 1 core, fewer than the 2 threads"),
        ({"cpu_mask": "80"}, "f", r"--device-cpus 80: the device refuses cores 7 \(taskset: Inv"),
    ],
)
def test_a_mask_of_the_users_that_cannot_be(emulate, measure, settings, usable, complaint):
    emulated = emulate()
    (emulated.root / "system/usable-cores").write_text(f"{usable}\n")
    with pytest.raises(DeviceError, match=complaint):
        measure(emulated, **settings)


def test_the_users_cores_and_threads(emulated_device, measure):
    info = measure(emulated_device, cpu_mask="3", threads=2).info
    assert (info["cpu_mask"], info["threads"]) == ("3", 2)
    assert "taskset 3" in emulated_device.log()


def test_the_compiled_tool(emulated_device, measure):
    info = measure(emulated_device, generation="compiled").info
    assert info["tool_generation"] == "compiled"
    assert info["tick_ns"] == 1_000
    assert info["input"] == "random values of the tool's own"
    assert info["verified"] is None


@pytest.mark.parametrize(
    ("generation", "name"), [("interpreter", "TfLiteGpuDelegateV2"), ("compiled", "LITERT_CL")]
)
def test_a_delegate_that_takes_the_graph_is_said(emulated_device, measure, generation, name):
    info = measure(emulated_device, generation=generation, delegate="gpu").info
    found = {each["delegate"]: each for each in info["delegates"]}
    assert found[name]["part"] == "whole"
    assert found[name]["taken"] == found[name]["nodes"] > 0


@pytest.mark.parametrize("generation", ["interpreter", "compiled"])
@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("delegate falls back", r"gpu took nothing of .*, which is no result of gpu \(it ran by "),
        ("delegate takes a part", r"gpu took a part of .* alone \(.*: \d+ of \d+ nodes\): "),
        ("delegate is not told", r"nothing tells whether gpu took anything of "),
    ],
)
def test_what_is_labelled_gpu_ran_on_the_gpu(emulate, measure, generation, fault, reason):
    emulated = emulate()
    emulated.set_tool_fault(fault)
    with pytest.raises(DeviceError, match=reason):
        measure(emulated, generation=generation, delegate="gpu")


def test_a_part_is_measured_where_that_is_asked_for(emulate, measure):
    emulated = emulate()
    emulated.set_tool_fault("delegate takes a part")
    info = measure(emulated, generation="compiled", delegate="gpu", may_be_part=True).info
    gpu, cpu = info["delegates"]
    assert (gpu["delegate"], gpu["part"]) == ("LITERT_CL", "part")
    assert 0 < gpu["taken"] < gpu["nodes"]
    assert cpu["delegate"] == "TfLiteXNNPackDelegate"


def test_a_cpu_of_which_nothing_is_told_is_measured(emulate, measure):
    emulated = emulate()
    emulated.set_tool_fault("delegate is not told")
    assert measure(emulated).info["delegates"] == []


def test_a_delegate_that_leaves_in_the_middle(emulate, measure):
    emulated = emulate()
    emulated.set_tool_fault("delegate falls back", from_run=2)
    with pytest.raises(DeviceError, match=r"round 2: it did not run as round 1 did: .*XNNPack"):
        measure(emulated, delegate="gpu")


def test_a_flag_of_the_users(emulated_device, measure):
    info = measure(emulated_device, tool_flags=("max_secs=9",)).info
    assert info["tool_flags"] == ["max_secs=9"]
    with pytest.raises(DeviceError, match="knows no --gpu_backend: give --device-tool another"):
        measure(emulated_device, tool_flags=("gpu_backend=opencl",))
    with pytest.raises(DeviceError, match="and there are none: --device-libraries"):
        measure(emulated_device, tool_flags=("max_secs={libraries}/x.so",))


def test_a_real_tool(android_phone, measure, pytestconfig):
    path = pytestconfig.getoption("device_tool")
    if path is None:
        pytest.skip("no real benchmark_model for this machine is named (--device-tool PATH)")
    abi, _ = read_elf(path.read_bytes())
    for name in ("ro.product.cpu.abi", "ro.product.cpu.abilist"):
        android_phone.set_property(name, abi)
    on_cpu, profiled = (
        measure(android_phone, tool=path, tool_flags=flags)
        for flags in ((), ("enable_op_profiling=true",))
    )
    for one in (*on_cpu.sitting.rounds, *profiled.sitting.rounds):
        assert one.tool.inferences == on_cpu.info["inferences_per_round"]
        assert one.footprint_overall_mb >= one.footprint_init_mb > 0
        p5, median, p95 = one.percentiles_ns or (1, 1, 1)  # a tool of 2022 prints none
        assert 0 < p5 <= median <= p95
    assert on_cpu.info["input"] == "canary image 0"
    assert {len(one.operators) for one in on_cpu.sitting.rounds} == {0}
    for one in profiled.sitting.rounds:
        sum_us = sum(each.microseconds for each in one.operators)
        assert sum_us == pytest.approx(one.inference_ns / 1e3, rel=0.1)
    whole = measure(
        android_phone, tool=path, model=artifact("alexnet", "float32"), delegate="xnnpack"
    )
    assert [each["part"] for each in whole.info["delegates"]] == ["whole"]
    with pytest.raises(DeviceError, match=r"gpu took nothing of|nothing tells whether gpu"):
        measure(android_phone, tool=path, delegate="gpu")


@pytest.mark.parametrize("delegate", ["npu", "gpu"])
def test_a_vendors_libraries_lie_beside_the_tool(
    emulated_device, measure, tmp_path, monkeypatch, delegate
):
    with pytest.raises(DeviceError, match=r"holds no \*\.so \(--device-libraries\)"):
        measure(emulated_device, delegate=delegate, libraries=tmp_path)
    (tmp_path / "libDispatch.so").write_bytes(b"a library")
    commands: list = []

    def run(device, workspace, plan, *how):
        commands.append((list(plan.command), pull(device, f"{workspace.path}/libDispatch.so")))
        return run_rounds(device, workspace, plan, *how)

    monkeypatch.setattr("bench.android.measure.run_rounds", run)
    measure(emulated_device, generation="compiled", delegate=delegate, libraries=tmp_path)
    for command, library in commands:
        directory = command[1].partition("=")[2]
        assert command[0] == "env"
        assert command[1:3] == [f"LD_LIBRARY_PATH={directory}", f"ADSP_LIBRARY_PATH={directory}"]
        assert (f"--dispatch_library_path={directory}" in command) is (delegate == "npu")
        assert f"--use_{delegate}=true" in command
        assert library == b"a library"


@pytest.mark.parametrize("inference_ns", [900, 1_000, 7_777, 20_000, 1e6, 1e9])
def test_a_tick_is_less_than_half_a_percent_of_a_round(inference_ns):
    count = inferences_for(round_of(inference_ns), 120)
    assert count >= 10
    assert 0.005 * count * inference_ns * (1 + 1e-9) >= 1_000


def test_a_model_that_is_shorter_than_a_tick_is_measured_by_more(emulate, measure):
    phone = emulate()
    phone.set_tool_fault("short model")  # its clock counts in 100 us
    info = measure(phone).info
    assert info["inferences_per_round"] > 10  # the fewest, however slow this machine is


def test_times_that_are_printed_too_coarsely_are_refused():
    assert inferences_for(round_of(2_000_000, tick_ns=10_000), 120) == 10
    assert inferences_for(round_of(20e9), 120) == 1  # 20 s each: in time, after three warm-ups
    with pytest.raises(DeviceError, match=r"prints times to 0\.01 ms, too coarsely"):
        inferences_for(round_of(1_000_000, tick_ns=10_000), 120)


def test_another_answer_is_refused(device_model):
    model_input = ModelInput(device_model)
    model = available()[0].load(device_model.path)
    model.predict(sample_pixels(model.input))
    right = model.raw_output()
    assert model_input.check(right.tobytes())["largest_difference"] == 0

    wrong = np.zeros_like(right)
    wrong.flat[right.argmin()] = 255 if model.output.is_quantised else 1
    with pytest.raises(DeviceError, match="on the device and class"):
        model_input.check(wrong.tobytes())
    with pytest.raises(DeviceError, match=r"wrote \d+ bytes of output"):
        model_input.check(right.tobytes()[:-1])


def test_a_shell_whose_connection_ends_cleans_up_by_itself(emulate):
    _lose_the_connection(emulate(ANDROID_11))


def _lose_the_connection(emulated):
    device = Device.open(emulated.address)
    workspace = Workspace(device)
    workspace.put(b'#!/bin/sh\n: > "$0.runs"\nexec sleep 100\n', mode=0o755)
    (script,) = (emulated.root / "data/local/tmp").glob("*/*")
    plan = Plan(command=[f"{workspace.path}/{script.name}"], rounds=1, inferences=1)

    def unplug() -> None:
        wait_until(script.with_name(f"{script.name}.runs").exists)
        emulated.unplug()

    unplugging = threading.Thread(target=unplug)
    unplugging.start()
    with pytest.raises(DeviceLostError, match="the connection ended while round 1 of 1 ran"):
        run_rounds(device, workspace, plan, timeout_s=30)
    unplugging.join()
    wait_until(lambda: emulated.files() == [] and emulated.processes() == [])
