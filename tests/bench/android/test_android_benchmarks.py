"""The device benchmarks as a user runs them: `pytest` in a process of its own."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.android.adb.server import Client, ServerAddress
from bench.results.session import without_file
from tests.models.running.test_any_file import TEXT

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
QUANTITIES = ("inference", "first_inference", "load")
BENCHMARKS = "bench/test_device_inference.py"
TWO_MODELS = "modelone or modeltwo"

ACT_AFTER_A_ROUND = """
import fixtures.round_progress
fixtures.round_progress.Terminal.advance = lambda self, done: act(done)
emulated = None
def prepare():
    pass
class Plugin:
    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef, request):
        global emulated
        value = yield
        if fixturedef.argname == "emulated_device":
            emulated = value
            prepare()
        return value
"""


class Run:
    """A finished run of pytest."""

    def __init__(self, done: subprocess.CompletedProcess, json_path: Path) -> None:
        self.status = done.returncode
        self.text = done.stdout + done.stderr
        self.json = json.loads(json_path.read_text()) if json_path.exists() else None

    @property
    def names(self) -> list[str]:
        """The names of the benchmarks in the JSON."""
        return [each["name"] for each in self.json["benchmarks"]] if self.json else []

    def reason_lines(self) -> list[str]:
        """The lines that say why a benchmark failed or was skipped."""
        return [line for line in self.text.splitlines() if line.startswith(("FAILED ", "SKIPPED "))]


@pytest.fixture
def models(device_model, tmp_path) -> list[Path]:
    """Two copies of a small model."""
    paths = [tmp_path / "modelone.tflite", tmp_path / "modeltwo.tflite"]
    for path in paths:
        shutil.copyfile(device_model.path, path)
    return paths


@pytest.fixture
def adb_port() -> Iterator[int]:
    """A port that no other process is given; an adb server that is told it may listen there."""
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
        if sys.platform != "linux":  # elsewhere nothing listens where another socket is bound
            held.close()
        yield port


@pytest.fixture
def environment(tmp_path, adb_port) -> dict[str, str]:
    """An environment that knows of no device, with an adb port of its own."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("ANDROID", "ADB", "PYTEST_"))}
    (tmp_path / "tmp").mkdir()
    return kept | {
        "HOME": str(tmp_path), "TMPDIR": str(tmp_path / "tmp"), "COLUMNS": "300", "ADB_MDNS": "0",
        "ADB_USB": "0", "ADB_EMU": "0", "ANDROID_ADB_SERVER_PORT": str(adb_port),
    }  # fmt: skip


@pytest.fixture
def bench(models, environment, tmp_path):
    """A function that runs the device benchmarks on both models."""

    def run(*arguments: str, code: str = "", select: str = TWO_MODELS, **more: str) -> Run:
        json_path = tmp_path / "results.json"
        options = [
            BENCHMARKS, "--benchmark-only", "-rfs", "--rounds=2", "-k", select,
            "-p", "no:cacheprovider", f"--benchmark-json={json_path}",
            *(f"--model={path}" for path in models), *arguments,
        ]  # fmt: skip
        plugins = "[Plugin()]" if code else "[]"
        script = (
            f"import pytest, sys\n{ACT_AFTER_A_ROUND if code else ''}\n{code}\n"
            f"sys.exit(pytest.main({options!r}, plugins={plugins}))\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", script], cwd=ROOT, env=environment | more, capture_output=True,
            text=True, timeout=300, check=False,
        )  # fmt: skip
        assert not list((tmp_path / "tmp").glob("emulated-android-*"))
        return Run(done, json_path)

    return run


def _name(quantity: str, model: str, device: str) -> str:
    return f"test_device_{quantity}[{model}-{device}]"


def _failed(run: Run) -> dict[str, dict]:
    return {without_file(each["fullname"]): each for each in run.json["failed"]}


def test_host_and_device_stand_in_the_same_json(bench):
    run = bench("bench/test_host_inference.py", "--device=emulated", select="modelone")
    assert run.status == 0, run.text
    entries = {entry["name"]: entry for entry in run.json["benchmarks"]}
    assert any(name.startswith("test_invoke[modelone-") for name in entries)
    for quantity in QUANTITIES:
        entry = entries[_name(quantity, "modelone", "emulated")]
        assert len(entry["stats"]["data"]) == entry["stats"]["rounds"] == 2
        assert entry["options"]["timer"] == "ReplayClock"
        # What of a round is no quantity of its own stands once, beside its inference.
        per_round = entry["extra_info"].get("per_round", {})
        assert [*per_round] == (
            ["process_s", "footprint_overall_mb", "percentiles_ns"]
            if quantity == "inference"
            else []
        )
        assert all(len(values) == 2 for values in per_round.values())
        assert entry["extra_info"]["emulated"] is True
    device = run.json["machine_info"]["devices"]["emulated"]
    assert (device["emulated"], device["model"]) == (True, "SM-G950F")
    assert "On the device: mean / median in ms" in run.text


def test_sustained_speed_is_measured_where_it_is_asked_for(bench):
    run = bench("--device=emulated", "--device-sustained=0.05", select="modelone")
    assert run.status == 0, run.text
    assert run.names == [
        _name(quantity, "modelone", "emulated") for quantity in (*QUANTITIES, "sustained")
    ]
    sustained = run.json["benchmarks"][-1]
    ends_s = sustained["extra_info"]["sustained"]["round_ends_s"]
    assert len(ends_s) == sustained["stats"]["rounds"]


def test_the_json_names_no_person_and_no_machine(bench, emulated_device, tmp_path):
    home = {"HOME": str(tmp_path)}
    tool = tmp_path / "tool"
    run = bench("--device=emulated", f"--device-tool={tool}", select="modelone", **home)
    assert _failed(run)
    assert "~/tool: no such file" in json.dumps(run.json)
    shutil.copyfile(emulated_device.tool(), tool)
    good = bench("--device=emulated", f"--device-tool={tool}", select="modelone", **home)
    assert good.status == 0, good.text
    for text in map(json.dumps, (run.json, good.json)):
        assert str(tmp_path) not in text
        assert f'"{socket.gethostname()}"' not in text


def test_threads_and_delegates_get_entries_of_their_own(bench):
    run = bench(
        "--device=emulated", "--device-threads=1,2", "--device-delegate=cpu,gpu",
        select="modelone and test_device_load",
    )  # fmt: skip
    assert run.status == 0, run.text
    assert run.names == [
        _name("load", "modelone", f"emulated{how}")
        for how in ("", "-gpu", "-2threads", "-2threads-gpu")
    ]
    assert [each["extra_info"]["threads"] for each in run.json["benchmarks"]] == [1, 1, 2, 2]
    assert "emulated, 2 threads, gpu " in run.text


def test_shell_and_app_side_by_side(bench, emulated_device):
    run = bench(
        "--device=emulated", "--device-process=both", f"--device-apk={emulated_device.tool()}",
        select="modelone and test_device_load",
    )  # fmt: skip
    assert run.status == 0, run.text
    assert run.names == [_name("load", "modelone", f"emulated{how}") for how in ("", "-app")]
    assert "emulated, in an app" in run.text


def test_a_file_that_the_host_skips_is_skipped_with_the_same_reason(bench, models):
    models[0].write_bytes(TEXT)
    run = bench("bench/test_host_inference.py", "--device=emulated", select="modelone and not own")
    assert run.status == 0, run.text
    reasons = {line.partition(": ")[2] for line in run.reason_lines()}
    assert len(reasons) == 1
    assert "takes text" in reasons.pop()


def test_without_a_device_they_skip_with_one_line(bench, environment):
    run = bench()
    assert run.status == 0, run.text
    (line,) = run.reason_lines()
    assert line.startswith("SKIPPED [6] ")
    assert "no Android device is attached: plug one in" in line
    assert not ServerAddress.from_environment(environment).is_answering()


def test_a_required_device_fails_them(bench):
    run = bench("--require-device")
    assert (run.status, len(run.reason_lines())) == (1, 6)
    assert "no Android device is attached: plug one in" in run.text


@pytest.mark.parametrize(
    ("option", "complaint"),
    [
        ("--device-cpus=fg", "'fg' is not a hexadecimal mask of cores"),
        ("--device-threads=1,0", "'0' is not a whole number above 0"),
        ("--device-delegate=tpu", "'tpu' is none of cpu, gpu, nnapi, npu, xnnpack, external"),
        ("--device-process=app", "--device-process app needs --device-apk FILE"),
        ("--device-tool-flag=gpu_backend", "'gpu_backend' is no flag such as gpu_backend=opencl"),
        ("--device-tool-flag=num_runs=5", "num_runs is given by another option of this suite"),
        ("--device-timeout=never", "'never' is not a number above 0"),
    ],
)
def test_a_wrong_option(bench, option, complaint):
    run = bench(option)
    assert run.status == 4
    assert complaint in run.text


@pytest.fixture
def attached(emulated_device) -> dict[str, str]:
    """Variables by which the emulated device is found like any other."""
    return {"ADB_SERVER_SOCKET": f"tcp:127.0.0.1:{emulated_device.address.port}"}


def test_the_only_device_attached_is_measured_on(bench, emulated_device, attached):
    tool = f"--device-tool={emulated_device.tool()}"
    run = bench(tool, select="modelone and test_device_load", **attached)
    assert run.status == 0, run.text
    assert run.names == [_name("load", "modelone", emulated_device.serial)]
    (entry,) = run.json["benchmarks"]
    assert entry["extra_info"]["emulated"] is True  # it says so itself
    assert entry["extra_info"]["device"]["serial"] == emulated_device.serial
    assert emulated_device.files() == []
    assert emulated_device.address.is_answering()  # it was there before


@pytest.fixture
def second_device(emulated_device, emulate):
    """The serial of another device that the same adb server has."""
    serial = emulate().serial
    client = Client(emulated_device.address)
    client.connect(serial)
    yield serial
    client.disconnect(serial)


def test_several_devices(bench, emulated_device, attached, second_device):
    tool = f"--device-tool={emulated_device.tool()}"
    select = "modelone and test_device_load"
    run = bench(tool, select=select, **attached)
    assert run.status == 1
    assert "2 devices are attached (" in run.text
    assert "choose one with --device SERIAL or ANDROID_SERIAL" in run.text

    run = bench(tool, select=select, ANDROID_SERIAL=second_device, **attached)
    assert run.names == [_name("load", "modelone", second_device)]

    run = bench(tool, "--device=all", select=select, **attached)
    assert set(run.names) == {
        _name("load", "modelone", serial) for serial in (second_device, emulated_device.serial)
    }
    assert emulated_device.files() == []


def test_three_phones_at_once_one_of_which_dies(bench, emulate):
    phones = [emulate() for _ in range(3)]
    for phone in phones[1:]:
        Client(phones[0].address).connect(phone.serial)
    dying = phones[2]
    dying.set_tool_fault("hang", from_run=2)  # in its second round

    ended = threading.Event()

    def let_it_die() -> None:
        while dying.tool_runs() < 3 and not ended.wait(0.05):
            pass
        dying.unplug()

    killer = threading.Thread(target=let_it_die, daemon=True)
    killer.start()
    run = bench(
        "--device=all", f"--device-tool={phones[0].tool()}",
        ADB_SERVER_SOCKET=f"tcp:{phones[0].address}",
    )  # fmt: skip
    ended.set()
    killer.join()
    assert run.status == 1, run.text
    assert set(run.names) == {
        _name(quantity, model, phone.serial)
        for quantity in QUANTITIES
        for model in ("modelone", "modeltwo")
        for phone in phones[:2]
    }
    failed, skipped = run.reason_lines()
    assert failed.startswith("FAILED ")
    assert skipped.startswith("SKIPPED [5] ")
    assert f"device {dying.serial}: the connection ended while round 2 of 2 ran" in failed
    assert f"device {dying.serial} is gone" in skipped
    told = _failed(run)
    assert len(told) == 6
    assert told[_name("inference", "modelone", dying.serial)]["rounds_measured"] == 1
    for phone in phones:
        assert phone.files() == []


def test_the_other_benchmarks_go_on_after_the_adb_server_was_killed(bench):
    run = bench("--device=emulated", code="""
killed = []
def prepare():
    emulated.set_tool_fault("hang", from_run=2)  # so that round 2 is not over before
def act(done):
    if not killed:
        killed.append(True)
        emulated.kill_server()
        emulated.set_tool_fault(None)
""")  # fmt: skip
    assert run.status == 1
    assert run.names == [_name(quantity, "modeltwo", "emulated") for quantity in QUANTITIES]
    assert _failed(run).keys() == {
        _name(quantity, "modelone", "emulated") for quantity in QUANTITIES
    }
    assert "went away while round 2 of 2 ran" in run.text


def test_what_was_measured_before_ctrl_c_is_in_the_json(bench):
    run = bench("--device=emulated", code="""
calls = []
def act(done):
    calls.append(done)
    if len(calls) == 3:  # the first round of the second model
        raise KeyboardInterrupt
""")  # fmt: skip
    assert run.status == 2
    assert run.names == [_name("inference", "modelone", "emulated")]


def _leftovers(directory: Path) -> list[str]:
    mark = f"EMULATED_ANDROID_ROOT={directory}".encode()
    found = [path.name for path in directory.glob("emulated-android-*")]
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            if mark in path.read_bytes():
                found.append(str(path))
        except OSError:
            continue
    return found


def test_ctrl_c_leaves_nothing_behind(models, environment, tmp_path):
    command = [
        sys.executable, "-m", "pytest", BENCHMARKS, "--benchmark-only", "--device=emulated",
        "--rounds=1000", "-k", "modelone", f"--model={models[0]}", "-p", "no:cacheprovider",
    ]  # fmt: skip
    child = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        # A shell's background job, as CI may be, ignores Ctrl-C, and so would its child.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    rounds_begin = time.monotonic() + 120
    while not list((tmp_path / "tmp").glob("*/root/data/local/tmp/*/tool.pid")):
        assert time.monotonic() < rounds_begin
        assert child.poll() is None
        time.sleep(0.05)
    child.send_signal(signal.SIGINT)
    text = child.communicate(timeout=120)[0].decode()
    assert child.returncode == 2, text
    assert "KeyboardInterrupt" in text
    assert _leftovers(tmp_path / "tmp") == []
