"""A phone that slows down: what is noticed, and that it is measured again."""

import pytest

from bench.android.adb.device import Device
from bench.android.adb.errors import ThrottledError
from bench.android.phone.conditions import record
from bench.android.phone.control import cool_down
from bench.android.rounds import drift_of, run_rounds
from bench.emulated_phone import userland
from bench.emulated_phone.userland import ANDROID_11, GALAXY_S8
from tests.bench.android.conftest import ROUNDS
from tests.bench.android.samples import Told, sitting_of

pytestmark = pytest.mark.slow

STEADY = [1e6 + 2e4 * (number % 7) for number in range(60)]

HOT = [each * (1 + number / 100) for number, each in enumerate(STEADY)]


def test_the_drift_of_the_rounds():
    assert drift_of(STEADY[:29]) is None
    assert not drift_of(STEADY).is_throttling
    assert not drift_of(HOT[::-1]).is_throttling  # it became faster
    found = drift_of(HOT)
    assert found.is_throttling
    assert found.slowdown == pytest.approx(1.495 / 1.095 - 1, abs=0.03)  # of the thirds' middles


@pytest.mark.parametrize(
    ("profile", "known_by"), [(GALAXY_S8, "battery"), (ANDROID_11, "thermal status")]
)
def test_the_drift_always_decides(emulate, measure, monkeypatch, profile, known_by):
    """The thermal status of the second phone is 0, and stays so: it knows of the skin alone."""
    emulated = emulate(profile)
    emulated.set_property("ro.kernel.qemu", "")  # the drift of an emulated one is its machine's
    sittings = [HOT, STEADY]

    def run(device, workspace, plan, *how):
        if plan.name == "trial":
            return run_rounds(device, workspace, plan, *how)
        return sitting_of(sittings.pop(0))

    monkeypatch.setattr("bench.android.measure.run_rounds", run)
    told = Told()
    info = measure(emulated, progress=told, cool_down_s=0.01).info
    assert "the last third of the rounds was 36% slower" in told.lines[0]
    assert "than the first; measuring" in told.lines[0]
    assert info["attempts"] == 2
    assert info["heat_known_by"] == [known_by, "frequency cap", "drift of the rounds"]


def test_a_rest_before_each_model(emulated_device, measure):
    told = Told()
    info = measure(emulated_device, progress=told, rest_s=0.01).info
    assert told.lines == [f"{emulated_device.serial} rests (--device-cooldown): 0 s left"]
    assert info["rest_s"] == 0.01


def test_throttled_before_it_cools_down_with_a_countdown(emulate):
    emulated = emulate()
    userland.set_frequency_cap(emulated.root, 0.5)
    device = Device.open(emulated.address)
    lines: list[str] = []

    def sleep(_seconds: float) -> None:
        if len(lines) == 7:
            userland.set_frequency_cap(emulated.root, 1.0)

    conditions = cool_down(device, (4,), lines.append, timeout_s=60, sleep=sleep)
    assert conditions.throttled_because((4,)) is None
    assert lines[0] == (
        f"{emulated.serial} is throttled (core 4 is capped at 1.16 of 2.31 GHz): cooling down, "
        "60 s left"
    )
    assert lines[-1].endswith("51 s left")


def test_it_does_not_cool_down_for_ever(emulate):
    emulated = emulate()
    userland.set_frequency_cap(emulated.root, 0.5)
    device = Device.open(emulated.address)
    lines: list[str] = []

    def cool(accepted_khz=None):
        return cool_down(device, (4,), lines.append, 9, accepted_khz, sleep=lambda _: None)

    # What is there from the beginning to the end is a policy, not heat: it is told and recorded.
    conditions = cool()
    assert lines[-1].endswith("stays as it is: core 4 is capped at 1.16 of 2.31 GHz")
    assert conditions.frequency_cap((4,)) == "1.16 of 2.31 GHz"
    assert cool(conditions.caps_khz).caps_khz == conditions.caps_khz
    # A phone that was faster before is hot.
    with pytest.raises(ThrottledError, match="still throttled after 9 s of cooling down: core 4"):
        cool({4: 2_314_000})


def test_throttled_in_the_middle_it_is_measured_again(emulate, measure):
    emulated = emulate()
    emulated.set_tool_fault("throttle", from_run=2)  # the probe and a round go well
    told = Told()
    with pytest.raises(ThrottledError, match=r"still throttled after 0\.1 s") as raised:
        measure(emulated, progress=told, cool_down_s=0.1, retries=1)
    assert "round 2: the cores are capped at 1.16 GHz, before at 2.31 GHz" in told.lines[0]
    assert "measuring" in told.lines[0]
    assert "(measured 2 times)" in str(raised.value)


def test_a_warm_thermal_service_in_the_middle(emulate, measure):
    emulated = emulate(ANDROID_11)

    class Heat(Told):
        def begin(self, title: str, rounds: int) -> None:
            userland.set_thermal_status(emulated.root, 3)

    with pytest.raises(ThrottledError, match="thermal status 3 after round 1"):
        measure(emulated, progress=Heat(), retries=0)
    assert record(Device.open(emulated.address)).thermal_status == 3


def test_throttled_afterwards(emulate, measure):
    emulated = emulate()

    class Heat(Told):
        def end(self) -> None:
            userland.set_frequency_cap(emulated.root, 0.5)

    with pytest.raises(ThrottledError, match="throttled afterwards: core 4 is capped") as raised:
        measure(emulated, progress=Heat(), retries=0)
    assert len(raised.value.rounds) == ROUNDS
