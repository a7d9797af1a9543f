"""Device time in pytest-benchmark, and which results may be compared."""

from __future__ import annotations

import pytest

from bench.gate.judge.comparable_devices import incomparable_because
from bench.results.device_clock import DeviceClock


class Benchmark:
    """`benchmark.pedantic` as pytest-benchmark has it: the timer is read exactly twice a round."""

    def __init__(self, timer) -> None:
        self.timer = timer
        self.data: list[float] = []

    def pedantic(self, target, setup, rounds, iterations):
        assert iterations == 1
        for _ in range(rounds):
            setup()
            start = self.timer()
            target()
            self.data.append(self.timer() - start)


def test_durations_go_through_to_the_last_bit():
    clock = DeviceClock()
    benchmark = Benchmark(clock)
    durations_s = [0.1, 1e-9, 0.1 + 2**-55, 3.0]
    calls = []
    clock.replay(benchmark, 4, lambda: calls.append(1) or durations_s)
    assert benchmark.data == durations_s
    assert calls == [1]


def test_the_real_fixture_keeps_them_too(request):
    from pytest_benchmark.fixture import BenchmarkFixture

    clock = DeviceClock()
    added: list = []

    class Timer:
        target = clock

    fixture = BenchmarkFixture(
        request.node, disable_gc=True, timer=Timer, min_rounds=1, min_time=0, max_time=1,
        precision=None, confidence=None, warmup=False, warmup_iterations=0,
        calibration_precision=10, add_stats=added.append, logger=None, warner=None, disabled=False,
        cprofile=None, cprofile_loops=None, cprofile_dump=None,
    )  # fmt: skip
    clock.replay(fixture, 3, lambda: [0.3, 0.1, 0.2])
    assert added[0].stats.data == [0.3, 0.1, 0.2]
    assert added[0].as_dict()["options"]["timer"] == "DeviceClock"


def test_a_failure_to_measure_is_the_benchmarks_own():
    def fail():
        raise RuntimeError("no device")

    with pytest.raises(RuntimeError, match="no device"):
        DeviceClock().replay(Benchmark(None), 1, fail)


PHONE = {
    "model": "alexnet-float32",
    "device": {"model": "SM-G950F", "serial": "a"},
    "emulated": False,
    "threads": 1,
    "delegate": "cpu",
    "cpu_mask": "f0",
    "tool_sha256": "0" * 64,
    "input": "canary image 0",
}


def test_what_may_be_compared():
    other_phone_of_the_kind = {**PHONE, "device": {"model": "SM-G950F", "serial": "b"}}
    assert incomparable_because(PHONE, other_phone_of_the_kind) is None
    host = {"model": "alexnet-float32", "runtime": "litert"}
    assert incomparable_because(host, host) is None
    other_model = {**PHONE, "model": "mobilenet_v1-int8"}
    assert incomparable_because(PHONE, other_model, same_model=False) is None


def test_an_emulated_device_is_never_compared_with_a_phone():
    emulated = {**PHONE, "emulated": True}
    assert incomparable_because(emulated, emulated) is None
    for pair in ((PHONE, emulated), (emulated, PHONE)):
        reason = incomparable_because(*pair)
        assert "an emulated device" in reason
        assert "a phone" in reason
    assert "a host" in incomparable_because(emulated, {"model": "alexnet-float32"})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("model", "x"),
        ("device", {"model": "Pixel 9"}),
        ("threads", 4),
        ("delegate", "gpu"),
        ("cpu_mask", "ff"),
        ("tool_sha256", "1" * 64),
        ("input", "random values of the tool's own"),
    ],
)
def test_what_may_not_be_compared(name, value):
    assert incomparable_because(PHONE, {**PHONE, name: value}) is not None
