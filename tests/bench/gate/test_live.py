"""What a live comparison makes of blocks, options and changed files: no time is measured."""

from __future__ import annotations

import math
from pathlib import Path
from types import SimpleNamespace

import pytest

from bench.gate.command import sampling_of
from bench.gate.judge.figures import Known, measure_changed
from bench.gate.judge.thresholds import FILE, ThresholdTable, read
from bench.gate.judge.verdict import Latency
from bench.gate.live import FEWEST_ROUNDS, LiveComparison, TimePlan
from bench.gate.measure.controller import Block, ProcessRounds, Took
from bench.gate.measure.worker import BASE, HEAD, GateError, Sampling, Tree
from bench.statistics.sequential import Decision, Margins, SequentialTest, Verdict
from models.files import artifacts
from models.files.cards import Share
from tests.bench.gate.conftest import MODEL

SHARED, OTHER = "test_classify[m]", "test_classify[other]"
SAMPLE = ProcessRounds((1e-3,) * 4, {"model": "m", "architecture": "alexnet"})


def comparison(thresholds: ThresholdTable) -> LiveComparison:
    """One of a base with head, which passes as long as nothing more is found."""
    decision = Decision(Verdict.SAME, None, Margins(0.01, 0.03), False)
    plan = TimePlan(300, Sampling(), is_adaptive=False)
    base, head = (Tree(name, Path(name), "") for name in (BASE, HEAD))
    made = LiveComparison({"": base}, head, Sampling(), thresholds, plan, SimpleNamespace())
    made._outcome.latencies.append(Latency(SHARED, 1.0, 1.0, decision))
    return made


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
    found, told = made._outcome.problems, made._outcome.notes
    assert made._outcome.exit_status == (2 if problem else 0)
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
    assert sampling_of(False, None, False, words).shares_core is shares_core


def known(correct: int, fingerprint: str = "f") -> Known:
    """A file whose card speaks of so many right answers of 10,000, and of these photographs."""
    path = artifacts.DIRECTORY / f"{MODEL}.tflite"
    accuracy = Share(correct, 10_000, fingerprint)
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
    answers = [Share(correct, 10_000, "f") for correct in reversed(measured)]
    monkeypatch.setattr("models.judging.evaluation.measure_accuracy", lambda *_: answers.pop())
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


FIRST_LOOK = 10


class Clock:
    """The time, as far as the plan sees it."""

    now_s = 0.0

    def monotonic(self) -> float:
        return self.now_s


@pytest.fixture
def clock(monkeypatch) -> Clock:
    made = Clock()
    monkeypatch.setattr("bench.gate.live.time", made)
    return made


def simulate(
    plan: TimePlan, clock: Clock, needed: dict[str, int], round_s: float, *,
    startup_s: float = 3.0, setup_s: float = 0.03, scouting: int = FEWEST_ROUNDS,
) -> tuple[int, float]:  # fmt: skip
    """Spend the time; return how many benchmarks have all that they need, and the longest block."""

    def block(names, rounds: int) -> Block:
        took = {name: Took(setup_s, (rounds + 3) * round_s) for name in names}
        seconds = startup_s + sum(each.setup_s + each.rounds_s for each in took.values())
        clock.now_s += seconds
        return Block([BASE], [], rounds, seconds, took=took)

    plan.learn(block(needed, scouting))
    left = {name: count - 1 for name, count in needed.items()}
    plan.settle_rounds(FIRST_LOOK)
    longest_s = 0.0
    while chosen := plan.choose(sorted((n for n in left if left[n]), key=left.get), str):
        made = block(chosen, plan.rounds)
        plan.learn(made)
        longest_s = max(longest_s, made.seconds)
        for name in chosen:
            left[name] -= 1
    return sum(not count for count in left.values()), longest_s


NAMES = [f"test_{number}" for number in range(81)]
SLOW_ROUND_S = 14 / 81 / 35
"""A round of all processes where a block of 81 benchmarks of 30 rounds takes 17 s."""


def test_a_slow_machine_reaches_every_benchmark_within_the_default(clock):
    """A third of them are undecided at the first look, and need twice as much."""
    plan = TimePlan(300, Sampling(), is_adaptive=True)
    needed = {name: 20 if number % 3 == 0 else 10 for number, name in enumerate(NAMES)}
    assert simulate(plan, clock, needed, SLOW_ROUND_S)[0] == len(NAMES)
    assert FEWEST_ROUNDS <= plan.rounds < 30
    assert clock.now_s <= 300


def test_a_fast_machine_has_all_rounds(clock):
    plan = TimePlan(300, Sampling(), is_adaptive=True)
    needed = dict.fromkeys(NAMES, 14)
    assert simulate(plan, clock, needed, SLOW_ROUND_S / 4, startup_s=0.7)[0] == len(NAMES)
    assert plan.rounds == 30


def test_rounds_that_were_asked_for_stay(clock):
    plan = TimePlan(300, Sampling(rounds=50), is_adaptive=False)
    simulate(plan, clock, dict.fromkeys(NAMES, 10), SLOW_ROUND_S)
    assert plan.rounds == 50
    assert clock.now_s <= 300


def test_many_benchmarks_are_looked_at_as_often_as_few(clock):
    """Four times as many: a block has as many as it has by default, and the first are decided."""
    plan = TimePlan(300, Sampling(), is_adaptive=True)
    names = [f"test_{number}" for number in range(324)]
    decided, longest_s = simulate(plan, clock, dict.fromkeys(names, 10), SLOW_ROUND_S)
    assert decided >= 80
    assert longest_s < 20
    assert clock.now_s <= 300


def test_a_slow_phone_has_few_benchmarks_a_block_and_is_decided(clock):
    """20 models of 1.2 s a round of both trees: each round is an observation of its own.

    So a block of 10 rounds brings the first look, and a suspect needs two more.
    """
    plan = TimePlan(900, Sampling(rounds=10, is_device=True), is_adaptive=True)
    models = {f"test_{number}": 4 if number < 5 else 2 for number in range(20)}
    decided, longest_s = simulate(plan, clock, models, 1.2, setup_s=3.0, scouting=2)
    assert decided == len(models)
    assert longest_s < 60


def test_the_last_benchmarks_on_a_phone_have_more_rounds_a_block(clock):
    """Twenty take 40 s with 10 rounds; four of them in the same time five times as many."""
    took = {str(number): Took(0.0, 10 * 0.2) for number in range(20)}
    for is_adaptive in (True, False):
        plan = TimePlan(900, Sampling(rounds=10, is_device=True), is_adaptive)
        plan.learn(Block([BASE], [], 10, 43.0, took=took))
        assert plan.rounds_for(list(took), 200) == (11 if is_adaptive else 10)
        assert plan.rounds_for(["1", "2", "3", "4"], 200) == (56 if is_adaptive else 10)
        assert plan.rounds_for(["1", "2", "3", "4"], 30) == (30 if is_adaptive else 10)
    host = TimePlan(900, Sampling(rounds=10), is_adaptive=True)
    host.learn(Block([BASE], [], 10, 43.0, took=took))
    assert host.rounds_for(["1"], 200) == 10


def test_no_time_is_no_block(clock):
    plan = TimePlan(10, Sampling(), is_adaptive=True)
    decided, longest_s = simulate(plan, clock, dict.fromkeys(NAMES, 10), SLOW_ROUND_S)
    assert (decided, longest_s) == (0, 0)


def test_what_is_needed_is_told(clock):
    plan = TimePlan(300, Sampling(), is_adaptive=False)
    plan.learn(Block([BASE], [], 30, 10.0, took={"a": Took(1, 3.3), "b": Took(1, 3.3)}))
    assert plan.seconds_for({"a": 2, "b": 5}) == pytest.approx(2 * 4.3 + 5 * 4.3 + 5 * 1.4)
    device = TimePlan(300, Sampling(rounds=10, is_device=True), is_adaptive=False)
    device.learn(Block([BASE], [], 10, 12.0, took={"a": Took(1, 10)}))
    assert device.seconds_for({"a": 20}) == pytest.approx(2 * 11 + 2 * 1)


def test_a_phone_needs_five_times_as_long_for_five_times_as_many_rounds(clock):
    """Each is a process, which warms up by itself: there are no more rounds than those."""
    plan = TimePlan(300, Sampling(rounds=10, is_device=True), is_adaptive=False)
    plan.learn(Block([BASE], [], 2, 5.0, took={"a": Took(1, 4)}))
    assert plan.seconds_for({"a": 20}) == pytest.approx(2 * (1 + 5 * 4))


@pytest.mark.parametrize(("minutes", "chosen"), [(0.5, {"slow"}), (60, {"slow", "open"})])
def test_suspects_come_first_and_alone_where_time_is_short(clock, minutes, chosen):
    plan = TimePlan(60 * minutes, Sampling(), is_adaptive=False)
    took = {name: Took(0.1, 1.0) for name in ("slow", "open")}
    plan.learn(Block([BASE], [], 30, 3.2, took=took))
    head = Tree(HEAD, Path(), "")
    made = LiveComparison({}, head, Sampling(), read(), plan, SimpleNamespace())
    test = SequentialTest({(BASE, name): Margins(0.01, 0.03) for name in took})
    noise = [0.03 * (-1) ** number * (1 + number / 10) for number in range(FIRST_LOOK)]
    test.add({(BASE, "slow"): [0.1] * FIRST_LOOK, (BASE, "open"): noise})
    assert test.suspects() == [(BASE, "slow")]
    order = made._in_order(test)
    assert order[0] == (BASE, "slow")
    assert {name for _, name in order} == chosen
