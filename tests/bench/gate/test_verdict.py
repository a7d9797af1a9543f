"""Exit status, thresholds and exact figures."""

from __future__ import annotations

import pytest

from bench.gate.judge import thresholds
from bench.gate.judge.outcome import Figure, Latency, Outcome
from bench.gate.judge.static_metrics import _operators, compare_accuracy, compare_partitions
from bench.gate.measure.gate_error import GateError
from bench.statistics.sequential import Decision, Margins
from bench.statistics.verdict import Verdict, lower_is_better
from models.files.cards import Accuracy


@pytest.mark.parametrize(
    ("verdicts", "problems", "status"),
    [
        (["same", "improved"], [], 0),
        (["same", "regressed"], [], 1),
        (["no verdict", "regressed"], ["gone"], 1),
        (["same", "no verdict"], [], 2),
        (["same"], ["gone"], 2),
        ([], [], 2),
    ],
)
def test_exit_status(verdicts, problems, status):
    decisions = [Decision(Verdict(each), None, Margins(0.01, 0.03), False) for each in verdicts]
    rows = [Latency("test_x", 1.0, 1.0, decision) for decision in decisions]
    assert Outcome("base", "head", latencies=rows, problems=problems).exit_status == status


def test_figures_alone_are_no_pass():
    outcome = Outcome("base", "head", [Figure("m", "parameters", "1", "1", Verdict.SAME)])
    assert outcome.exit_status == 2
    assert "nothing was compared" in outcome.reason


@pytest.mark.parametrize(
    ("change", "allowed", "verdict"),
    [(1, 0, "regressed"), (1, 1, "same"), (0, 0, "same"), (-1, 0, "improved")],
)
def test_lower_is_better(change, allowed, verdict):
    assert lower_is_better(change, allowed) == verdict


def test_one_photograph_less_is_a_regression():
    base, head = Accuracy(1000, 1010, "f"), Accuracy(999, 1010, "f")
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


def test_thresholds_of_an_architecture(tmp_path):
    path = tmp_path / "thresholds.toml"
    path.write_text(thresholds.FILE.read_text() + "\n[alexnet]\nparameters = 7\n")
    table = thresholds.read(path)
    assert table.of("alexnet").parameters == 7
    assert table.of("alexnet").min_effect == table.of("mobilenet_v2").min_effect
    assert table.of("mobilenet_v2").parameters == table.of(None).parameters == 0
    assert table.with_min_effect(0.02).of("alexnet").min_effect == 0.02


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("[alexnet]\nparamters = 7", "paramters"),
        ("[alxnet]\nparameters = 7", "alxnet.*known are alexnet,"),
        ("[alexnet]\nparameters = 'many'", "many"),
        ("[alexnet]\nparameters = -1", "0 or more"),
        ("[alexnet]\nmin_effect = 0.5", "margin"),
        ("[alexnet", "thresholds.toml"),
    ],
)
def test_wrong_thresholds_are_named(tmp_path, more, said):
    path = tmp_path / "thresholds.toml"
    path.write_text(thresholds.FILE.read_text() + "\n" + more)
    with pytest.raises(GateError, match=said):
        thresholds.read(path)


def test_min_effect_must_leave_room():
    with pytest.raises(GateError, match="min-effect"):
        thresholds.read().with_min_effect(0.04)
