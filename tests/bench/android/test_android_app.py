"""Measuring inside the benchmark app."""

import os
import signal
import threading

import pytest

from bench.android.adb.errors import DeviceError
from bench.emulated_phone import userland
from bench.emulated_phone.userland import MKSH_AND_TOYBOX
from tests.bench.android.conftest import ROUNDS
from tests.waiting import wait_until

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("profile", [userland.GALAXY_S8, MKSH_AND_TOYBOX], ids=["dash", "mksh"])
def test_inside_an_app(emulate, measure, profile):
    if profile.has_android_commands and userland.android_commands_missing():
        pytest.skip(f"{userland.android_commands_missing()} is not installed")
    emulated = emulate(profile)
    found = measure(emulated, apk=emulated.tool())
    info = found.info
    assert len(found.sitting.rounds) == ROUNDS
    assert (info["process"], info["verified"], info["cores"]) == ("app", None, [])
    assert info["input"] == "canary image 0"
    assert not (emulated.root / "data/app/org.tensorflow.lite.benchmark").exists()
    log = emulated.log()
    (started,) = {line for line in log if line.startswith("am start") and "--num_runs=3 " in line}
    assert "-S -W -n org.tensorflow.lite.benchmark/.BenchmarkModelActivity --es args " in started
    assert [line for line in log if line.startswith("pm uninstall")] == [
        "pm uninstall org.tensorflow.lite.benchmark"
    ]


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("crash", r"round 2: .*Fatal signal 6"),
        ("bad model", r"round 2: .*Failed to load model"),
        ("garbage", r"round 2: .*the app ended without a result"),  # the process stays
    ],
)
def test_an_app_that_fails_is_seen_at_once_with_its_reason(emulate, measure, fault, reason):
    emulated = emulate()
    emulated.set_tool_fault(fault, from_run=2)
    with pytest.raises(DeviceError, match=reason):
        measure(emulated, apk=emulated.tool(), timeout_s=10_000.0)
    assert not (emulated.root / "data/app/org.tensorflow.lite.benchmark").exists()


def test_what_a_gpu_leaves_to_the_cpu_is_no_failure(emulate, measure):
    """The app logs it as errors, as in tensorflow#56301 and #56482, and goes on."""
    emulated = emulate()
    emulated.set_tool_fault("delegate takes a part")
    found = measure(emulated, apk=emulated.tool(), delegate="gpu", may_be_part=True)
    gpu, cpu = found.info["delegates"]
    assert (gpu["delegate"], gpu["part"]) == ("TfLiteGpuDelegateV2", "part")
    assert 0 < gpu["taken"] < gpu["nodes"]
    assert cpu["delegate"] == "TfLiteXNNPackDelegate"
    assert (
        "E tflite: UNPACK: Operation is not supported."
        in (emulated.root / "system/logcat").read_text().splitlines()
    )


def test_ctrl_c_while_the_app_is_installed_removes_it(emulate, measure):
    """Android goes on with an installation whose `pm` has ended."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job ignores it
    emulated = emulate()
    pm = emulated.root / "system/bin/pm"
    slow = """  install)
    mkdir -p "$root/data/app"
    cp "$3" "$app.new"
    setsid sh -c 'sleep 1; mv "$1" "$2"' sh "$app.new" "$app" &
    echo installing >> "$root/system/log"
    exec sleep 100;;
  was)"""
    pm.write_text(pm.read_text().replace("  install)", slow))

    def interrupt() -> None:
        wait_until(lambda: "installing" in emulated.log())
        os.kill(os.getpid(), signal.SIGINT)

    pressing = threading.Thread(target=interrupt)
    pressing.start()
    with pytest.raises(KeyboardInterrupt):
        measure(emulated, apk=emulated.tool())
    pressing.join()
    wait_until(lambda: emulated.processes() == emulated.files() == [])
    assert not (emulated.root / "data/app/org.tensorflow.lite.benchmark").exists()


def test_the_users_own_app_is_left_alone(emulate, measure):
    emulated = emulate()
    own = emulated.root / "data/app/org.tensorflow.lite.benchmark"
    own.parent.mkdir(parents=True)
    own.write_text("the user's")
    pm = emulated.root / "system/bin/pm"
    pm.write_text(pm.read_text().replace("  path)", "  path) exit 1;; was)"))  # user 0's
    with pytest.raises(DeviceError, match="is installed on it already, for this user"):
        measure(emulated, apk=emulated.tool())
    assert own.read_text() == "the user's"
