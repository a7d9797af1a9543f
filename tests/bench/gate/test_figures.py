"""Which results may be compared, and figures that no noise touches."""

import pytest

from bench.gate.judge import thresholds
from bench.gate.judge.figures import _operators, compare_accuracy, compare_partitions, incomparable
from bench.statistics.sequential import Verdict
from models.files.cards import Share

PHONE = {
    "model": "alexnet-float32",
    "device": {"model": "SM-G950F", "serial": "a"},
    "emulated": False,
    "threads": 1,
    "delegate": "cpu",
    "cpu_mask": "f0",
    "tool_sha256": "0" * 64,
    "input": "canary image 0",
    "delegates": [{"delegate": "XNNPACK", "part": "whole", "nodes": 30}],
}
HOST = {"model": "alexnet-float32", "threads": 1, "protocol": "warm", "source": "photograph"}
HOST |= {"dtype": "float32"}


def incomparable_because(first, second) -> str | None:
    """Why these two must not be compared."""
    problems = incomparable({"test_x": first}, {"test_x": second})
    return problems[0].removeprefix("test_x: ") if problems else None


def test_what_may_be_compared():
    other_phone_of_the_kind = {**PHONE, "device": {"model": "SM-G950F", "serial": "b"}}
    assert incomparable_because(PHONE, other_phone_of_the_kind) is None
    other_graph = {**PHONE, "delegates": [{**PHONE["delegates"][0], "nodes": 31}]}
    assert incomparable_because(PHONE, other_graph) is None
    assert incomparable_because(HOST, {**HOST, "model": "another", "runtime": "litert"}) is None


def test_an_emulated_device_is_never_compared_with_a_phone():
    emulated = {**PHONE, "emulated": True}
    assert incomparable_because(emulated, emulated) is None
    for pair in ((PHONE, emulated), (emulated, PHONE)):
        reason = incomparable_because(*pair)
        assert "an emulated device" in reason
        assert "a phone" in reason
    assert "a host" in incomparable_because(emulated, {"model": "alexnet-float32"})


@pytest.mark.parametrize(
    ("info", "name", "value"),
    [
        (PHONE, "model", "x"),
        (PHONE, "device", {"model": "Pixel 9"}),
        (PHONE, "threads", 4),
        (PHONE, "delegate", "gpu"),
        (PHONE, "cpu_mask", "ff"),
        (PHONE, "tool_sha256", "1" * 64),
        (PHONE, "input", "random values of the tool's own"),
        (PHONE, "delegates", [{"delegate": "XNNPACK", "part": "part", "nodes": 30}]),
        (PHONE, "frequency_cap", "1.40 of 2.80 GHz"),
        (PHONE, "device", {"model": "SM-G950F", "build": "another"}),
        *((PHONE, name, "other") for name in ("process", "performance_mode", "battery_saver")),
        *((PHONE, name, "other") for name in ("tool_flags", "caches_dropped", "imported")),
        (HOST, "threads", 4),
        (HOST, "protocol", "cold"),
        (HOST, "source", "canary image"),
        (HOST, "dtype", "uint8"),
    ],
)
def test_what_may_not_be_compared(info, name, value):
    assert incomparable_because(info, {**info, name: value}) is not None


def test_one_photograph_less_is_a_regression():
    base, head = Share(1000, 1010, "f"), Share(999, 1010, "f")
    assert compare_accuracy("m", base, head, 0.0).verdict is Verdict.REGRESSED
    assert compare_accuracy("m", base, head, 0.001).verdict is Verdict.SAME
    assert compare_accuracy("m", head, base, 0.0).verdict is Verdict.IMPROVED


@pytest.mark.parametrize(
    ("before", "after", "verdict"),
    [
        ([30], [30], "same"),
        ([30], [10, 18], "regressed"),
        ([30], [], "regressed"),
        ([], [30], "improved"),
        ([10, 18], [30], "improved"),
        ([30], None, "no verdict"),
        (None, [30], "no verdict"),
    ],
)
def test_partitions(before, after, verdict):
    (figure,) = compare_partitions(
        {"a": {"model": "m", "runtime": "r", "delegated_partitions": before}},
        {"a": {"model": "m", "runtime": "r", "delegated_partitions": after}},
        thresholds.read(),
    )
    assert figure.verdict == verdict


@pytest.mark.parametrize(
    ("before", "after", "allowed", "verdict"),
    [
        ({"ADD": 1}, {"ADD": 1}, 0, "same"),
        ({}, {"ADD": 1}, 0, "regressed"),
        ({"ADD": 1}, {}, 0, "improved"),
        ({"ADD": 1}, {"MUL": 1}, 0, "regressed"),
        ({"ADD": 1}, {"MUL": 1}, 1, "same"),
    ],
)
def test_operators(before, after, allowed, verdict):
    """Any that was added counts against it, whatever went in its place."""
    assert _operators("m", before, after, allowed).verdict == verdict
