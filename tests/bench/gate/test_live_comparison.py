"""What a live comparison makes of blocks, options and changed files: no time is measured."""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from types import SimpleNamespace

import pytest

from bench.gate.gate_command import add_arguments, settings
from bench.gate.judge.live_accuracy import measure_changed
from bench.gate.judge.outcome import Latency, Outcome
from bench.gate.judge.static_metrics import Known
from bench.gate.judge.thresholds import FILE, ThresholdTable, read
from bench.gate.live_comparison import LiveComparison
from bench.gate.measure.block import BASE, HEAD, Block, Sample, Settings, Tree
from bench.gate.measure.gate_error import GateError
from bench.gate.measure.time_plan import TimePlan
from bench.statistics.sequential import Decision, Margins
from bench.statistics.verdict import Verdict
from models.files import artifacts
from models.files.cards import Accuracy
from tests.bench.gate.conftest import MODEL

SHARED, OTHER = "test_classify[m]", "test_classify[other]"
SAMPLE = Sample((1e-3,) * 4, {"model": "m", "architecture": "alexnet"})


def comparison(thresholds: ThresholdTable) -> LiveComparison:
    """One of a base with head, which passes as long as nothing more is found."""
    decision = Decision(Verdict.SAME, None, Margins(0.01, 0.03), False)
    outcome = Outcome("", "", latencies=[Latency(SHARED, 1.0, 1.0, decision)])
    plan = TimePlan(300, Settings(), is_adaptive=False)
    base, head = (Tree(name, Path(name), "") for name in (BASE, HEAD))
    return LiveComparison(
        {"": base}, head, Settings(), thresholds, plan, SimpleNamespace(), outcome
    )


def block(**others: str) -> Block:
    """One in which all trees measured `SHARED`, and `OTHER` was measured, skipped or is not."""
    made = Block([BASE, HEAD], [])
    for tree in (BASE, HEAD):
        how = others.get(tree)
        made.samples[tree] = {SHARED: SAMPLE} | ({OTHER: SAMPLE} if how == "measured" else {})
        made.skipped[tree] = {OTHER: "not today"} if how == "skipped" else {}
    return made


@pytest.mark.parametrize(
    ("others", "problem"),
    [
        ({BASE: "measured", HEAD: "skipped"}, "head skipped it (not today)"),
        ({BASE: "skipped", HEAD: "measured"}, "base skipped it (not today)"),
        ({BASE: "measured"}, "is gone from head"),
        ({BASE: "skipped"}, "is gone from head (base skipped it)"),
        ({BASE: "skipped", HEAD: "skipped"}, None),
        ({HEAD: "measured"}, None),
    ],
)
def test_a_benchmark_that_head_does_not_measure_is_no_pass(others, problem):
    made = comparison(read())
    assert made._pairs(block(**others)) == [(BASE, SHARED)]
    found, told = made.outcome.problems, made.outcome.notes
    assert made.outcome.exit_status == (2 if problem else 0)
    assert [each.endswith(problem or "") for each in found] == [True] * bool(problem)
    assert [OTHER in each for each in (found or told)] == [True]


def test_a_benchmark_that_is_skipped_later_ends_the_comparison():
    later = block(base="measured", head="skipped")
    with pytest.raises(GateError, match="was skipped in block"):
        comparison(read())._observe(later, [(BASE, SHARED), (BASE, OTHER)])


def test_an_architecture_has_its_own_margins(tmp_path):
    own = tmp_path / "thresholds.toml"
    own.write_text(FILE.read_text() + "[alexnet]\nmin_effect = 0.04\nmargin = 0.08\n")
    margins = comparison(read(own))._margins(block(), (BASE, SHARED))
    assert margins == Margins(math.log1p(0.04), math.log1p(0.08))


@pytest.mark.parametrize(
    ("words", "shares_core"),
    [
        ([], True),
        (["--threads", "1", "-k", "x"], True),
        (["--threads=2"], False),
        (["--", "--threads", "2"], False),
        (["--threads=1", "--threads=2"], False),
    ],
)
def test_one_core_is_shared_where_a_model_needs_but_one(words, shares_core):
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    assert settings(parser.parse_args([]), words).shares_core is shares_core


def known(correct: int, fingerprint: str = "f") -> Known:
    """A file whose card speaks of so many right answers of 10,000, and of these photographs."""
    path = artifacts.DIRECTORY / f"{MODEL}.tflite"
    accuracy = Accuracy(correct, 10_000, fingerprint)
    return Known(path, "mobilenet_v2", f"sha256 of {correct} {fingerprint}", {}, {}, accuracy)


@pytest.mark.parametrize(
    ("base", "head", "measured", "verdict", "problem"),
    [
        (known(9_000), known(9_001), (9_000, 8_999), "regressed", None),
        (known(9_000), known(8_999), (9_000, 9_001), "improved", None),
        (known(9_000), known(9_010), (9_000, 9_000), "same", None),
        (known(9_000), known(9_011), (9_000, 9_000), "same", "head: its card says 90.11%"),
        (known(8_989), known(9_000), (9_000, 9_000), "same", "base: its card says 89.89%"),
        (known(9_000), known(9_000, "g"), (9_000, 9_000), "same", "head: its card is of other"),
    ],
)
def test_a_changed_file_is_judged_by_what_it_answers(
    shared_small_dataset, monkeypatch, base, head, measured, verdict, problem
):
    """Its card may be off by 0.1 % of the photographs, as another machine's answers are."""
    answers = [Accuracy(correct, 10_000, "f") for correct in reversed(measured)]
    monkeypatch.setattr("models.judging.accuracy.measure_accuracy", lambda *_: answers.pop())
    told: list[str] = []
    (figure,), problems, notes = measure_changed(
        {"m": base}, {"m": head}, read(), str(shared_small_dataset), told.append
    )
    assert figure.verdict == verdict
    assert [problem in each for each in problems] == [True] * bool(problem)
    assert (len(told), notes) == (2, [])


def test_what_has_not_changed_is_not_asked(tmp_path):
    trees = {"m": known(9_000)}, {"m": known(9_000)}
    assert measure_changed(*trees, read(), str(tmp_path), print) == ([], [], [])


def test_photographs_that_were_named_must_be_there(tmp_path):
    trees = {"m": known(9_000)}, {"m": known(9_001)}
    with pytest.raises(GateError, match="gone"):
        measure_changed(*trees, read(), str(tmp_path / "gone"), print)
