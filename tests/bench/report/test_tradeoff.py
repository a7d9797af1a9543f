"""The Pareto front."""

from __future__ import annotations

from bench.report.tradeoff import pareto_front
from bench.results.rows import ModelRow
from bench.results.session import Result


def row(milliseconds: float, file_bytes: int, accuracy: float) -> ModelRow:
    info = {"file_bytes": file_bytes, "accuracy": accuracy}
    result = Result("test_classify", (milliseconds / 1e3,), info)
    return ModelRow("m", "litert", info, {"test_classify": result})


def test_what_is_best_at_one_thing_is_on_the_front():
    fast, small, right = row(1, 9, 0.9), row(9, 1, 0.9), row(9, 9, 0.99)
    beaten = row(2, 9, 0.9)
    assert pareto_front([beaten, fast, small, right]) == [fast, small, right]


def test_equals_do_not_beat_each_other():
    twins = [row(1, 1, 0.9), row(1, 1, 0.9)]
    assert len(pareto_front(twins)) == 2


def test_beaten_by_accuracy_alone():
    better = row(1, 1, 0.95)
    assert pareto_front([row(1, 1, 0.9), better]) == [better]
