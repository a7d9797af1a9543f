"""What a live comparison makes of blocks, options and changed files: no time is measured."""

import math
import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from rich.console import Console

from bench.gate import live
from bench.gate.command import sampling_of
from bench.gate.judge.figures import ModelFile, measure_changed
from bench.gate.judge.thresholds import ThresholdTable, read
from bench.gate.judge.verdict import Latency, Outcome
from bench.gate.live import FEWEST_ROUNDS, LiveComparison, TimePlan
from bench.gate.measure.controller import Block, Collected, ProcessRounds, Took
from bench.gate.measure.worker import BASE, HEAD, GateError, Sampling, Tree
from bench.gate.show import Progress
from bench.statistics.sequential import Decision, Margins, ProcessDecision, ProcessTest, Verdict
from models.data.photographs import Photographs
from models.files import artifacts
from models.files.cards import Share
from tests.bench.gate.conftest import MODEL

SHARED, OTHER = "test_classify[m]", "test_classify[other]"
SAMPLE = ProcessRounds((1e-3,) * 4, {"model": "m", "architecture": "alexnet"})


def comparison(thresholds: ThresholdTable) -> LiveComparison:
    """One of a base with head, which passes as long as nothing more is found."""
    decision = ProcessDecision(Decision(Verdict.SAME, None, Margins(0.01, 0.03), False))
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


def known(correct: int, fingerprint: str = "f") -> ModelFile:
    """A file whose card speaks of so many right answers of 10,000, and of these photographs."""
    path = artifacts.DIRECTORY / f"{MODEL}.tflite"
    accuracy = Share(correct, 10_000, fingerprint)
    info = {"architecture": "mobilenet_v2", "sha256": f"of {correct} {fingerprint}"}
    return ModelFile(path, info, {}, accuracy)


@pytest.mark.parametrize(
    ("base", "head", "measured", "verdict", "problem"),
    [
        (known(9_000), known(9_001), (9_000, 8_999), "regressed", None),
        (known(9_000), known(8_999), (9_000, 9_001), "improved", None),
        (known(9_000), known(9_010), (9_000, 9_000), "same", None),
        (known(9_000), known(9_011), (9_000, 9_000), "same", "head: its card says 90.11%"),
        (known(8_989), known(9_000), (9_000, 9_000), "same", "base: its card says 89.89%"),
    ],
)
def test_a_changed_file_is_judged_by_what_it_answers(
    shared_small_dataset, monkeypatch, base, head, measured, verdict, problem
):
    """Its card may be off by 0.1 % of the photographs, as another machine's answers are."""
    monkeypatch.setattr(Photographs, "fingerprint", "f")
    answers = [Share(correct, 10_000, "f") for correct in reversed(measured)]
    monkeypatch.setattr("models.judging.evaluation.measure_accuracy", lambda *_: answers.pop())
    told: list[str] = []
    (figure,), problems, notes = measure_changed(
        {"m": base}, {"m": head}, read(), str(shared_small_dataset), told.append
    )
    assert figure.verdict == verdict
    assert [problem in each for each in problems] == [True] * bool(problem)
    assert (len(told), notes) == (2, [])


def test_a_card_of_other_photographs_is_not_held_against_these(shared_small_dataset):
    trees = {"m": known(9_000)}, {"m": known(8_000)}
    figures, problems, (note,) = measure_changed(*trees, read(), str(shared_small_dataset), print)
    assert (figures, problems) == ([], [])
    assert "of other photographs" in note


def test_what_has_not_changed_is_not_asked(tmp_path):
    trees = {"m": known(9_000)}, {"m": known(9_000)}
    assert measure_changed(*trees, read(), str(tmp_path), print) == ([], [], [])


def test_photographs_that_were_named_must_be_there(tmp_path):
    trees = {"m": known(9_000)}, {"m": known(9_001)}
    with pytest.raises(GateError, match="gone"):
        measure_changed(*trees, read(), str(tmp_path / "gone"), print)


class Machine:
    """What a comparison measures: drawn rounds of two trees, and the time that they take."""

    def __init__(self, head_s: Callable[[np.ndarray], np.ndarray], noise=lambda *_: 0.0) -> None:
        self.now_s, self.seeds, self.changes = 0.0, [], 0
        self._head_s, self._noise, self._random = head_s, noise, np.random.default_rng(5)

    def monotonic(self) -> float:
        return self.now_s

    def state(self, _: Path) -> str:
        return str(self.changes)

    def collect(self, trees, _) -> dict[str, Collected]:
        return {tree.name: Collected(dict.fromkeys(NAMES[:8]), 61, 60) for tree in trees}

    def run_block(self, trees, sampling, number, wanted, seed) -> Block:
        self.seeds.append(seed)
        block = Block([tree.name for tree in trees], [], sampling.rounds)
        names = NAMES[:8] if wanted is None else wanted[HEAD]
        for tree in trees:
            block.skipped[tree.name] = {}
            block.samples[tree.name] = {
                name: self._rounds(tree, name, number, sampling) for name in names
            }
        block.took = {name: Took(0.1, 0.01 * (sampling.rounds + 3)) for name in names}
        block.seconds = 2.0 + sum(each.setup_s + each.rounds_s for each in block.took.values())
        self.now_s += block.seconds
        return block

    def _rounds(self, tree: Tree, name: str, number: int, sampling: Sampling) -> ProcessRounds:
        kinds = 2e-4 * np.where(np.arange(sampling.rounds) % 2, 1.0, 1.07)
        process = self._random.normal(0, 0.006)
        if tree.name == HEAD:
            process += self._noise(NAMES.index(name), number)
        rounds_s = kinds * np.exp(process + self._random.exponential(0.01, sampling.rounds))
        return ProcessRounds(tuple(self._head_s(rounds_s) if tree.name == HEAD else rounds_s), {})


@pytest.fixture
def compare(monkeypatch):
    """A function that makes a comparison on such a machine, and returns what it came to."""

    def run(machine: Machine, minutes: float = 60) -> Outcome:
        for name in ("collect", "run_block", "state"):
            monkeypatch.setattr(live, name, getattr(machine, name))
        monkeypatch.setattr(live, "time", machine)
        base, head = (Tree(name, Path(name), "") for name in (BASE, HEAD))
        plan, progress = TimePlan(60 * minutes, Sampling(), True), Progress(Console(quiet=True))
        return LiveComparison({"": base}, head, Sampling(), read(), plan, progress).run()

    return run


def every(step: int, factor: float) -> Callable[[np.ndarray], np.ndarray]:
    """What makes every so-manieth round longer."""

    def longer(rounds_s: np.ndarray) -> np.ndarray:
        return rounds_s * np.where(np.arange(len(rounds_s)) % step, 1.0, factor)

    return longer


@pytest.mark.parametrize(
    ("step", "factor", "status"),
    [(1, 1.0, 0), (1, 1.03, 1), (2, 1.6, 1), (2, 10.0, 1), (4, 3.0, 1)],
)
def test_what_happens_to_some_rounds_is_seen(compare, step, factor, status):
    """The latency, which is of the faster half, sees nothing of what happens to the other one."""
    outcome = compare(Machine(every(step, factor)))
    assert outcome.exit_status == status, outcome.reason
    assert ("slower half of the rounds" in outcome.reason) == (step > 1)


def test_the_last_line_counts_what_was_not_looked_at(compare):
    reason = compare(Machine(every(1, 1.0))).reason
    assert "61 benchmarks that --all adds, 60 benchmarks on a device" in reason


def test_the_time_that_is_advised_is_enough(compare):
    for factor in (1.0, 1.02, 1.03):
        first = compare(Machine(every(1, factor)), 0.4)
        assert first.exit_status == 2
        minutes = int(re.search(r"--max-minutes (\d+)", first.reason)[1])
        assert compare(Machine(every(1, factor)), minutes).exit_status == (factor > 1)


def test_each_comparison_has_an_order_of_its_own(compare):
    machines = [Machine(every(1, 1.0)) for _ in range(2)]
    outcomes = [compare(machine) for machine in machines]
    assert [set(machine.seeds) for machine in machines] == [{each.seed} for each in outcomes]
    assert outcomes[0].seed != outcomes[1].seed
    assert outcomes[0].to_dict()["seed"] == outcomes[0].seed


def test_blocks_like_their_neighbours_have_no_verdict(compare):
    """What head had in one block it has in the next as well: more blocks are no more evidence."""
    outcome = compare(
        Machine(every(1, 1.0), lambda *each: 0.02 * math.sin(2 * each[0] + each[1] / 3))
    )
    assert outcome.exit_status == 2
    assert "like their neighbours" in outcome.reason
    assert outcome.to_dict()["neighbouring_blocks"]["probability"] <= 0.001


def test_files_that_change_meanwhile_are_no_pass(compare):
    machine = Machine(every(1, 1.0))
    machine.state = lambda _: str(len(machine.seeds))
    outcome = compare(machine)
    assert outcome.exit_status == 2
    assert "changed while it was measured" in outcome.reason


def test_a_comparison_that_is_interrupted_says_so(compare):
    def interrupted(rounds_s: np.ndarray) -> np.ndarray:
        raise KeyboardInterrupt

    assert compare(Machine(interrupted)).problems == ["interrupted"]


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


NAMES = [f"test_{number}" for number in range(81)]
SLOW_ROUND_S = 14 / 81 / 35
"""A round of all processes where a block of 81 benchmarks of 30 rounds takes 17 s."""


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


def test_a_block_on_a_phone_holds_what_there_is_time_for(clock):
    """Sittings of 31 s: a twentieth of 50 minutes has room for four, what is left for fewer."""
    took = {str(number): Took(1.0, 10 * 3.0) for number in range(10)}
    plan = TimePlan(3000, Sampling(rounds=10, is_device=True), is_adaptive=True)
    plan.learn(Block([BASE], [], 10, 311.0, took=took))
    for clock.now_s, fits in ((0, 4), (2910, 2), (2950, 1), (2970, 0)):
        assert plan.choose(list(took), str) == list(took)[:fits]


def test_what_is_needed_is_told(clock):
    plan = TimePlan(300, Sampling(), is_adaptive=False)
    plan.learn(Block([BASE], [], 30, 10.0, took={"a": Took(1, 3.3), "b": Took(1, 3.3)}))
    assert plan.seconds_for({"a": 2, "b": 5}) == pytest.approx(2 * 4.3 + 5 * 4.3 + 5 * 1.4)
    device = TimePlan(300, Sampling(rounds=10, is_device=True), is_adaptive=False)
    device.learn(Block([BASE], [], 10, 12.0, took={"a": Took(1, 10)}))
    assert device.seconds_for({"a": 20}) == pytest.approx(2 * 11 + 2 * 1)


@pytest.mark.parametrize(("minutes", "chosen"), [(0.5, {"slow"}), (60, {"slow", "open"})])
def test_suspects_come_first_and_alone_where_time_is_short(clock, minutes, chosen):
    plan = TimePlan(60 * minutes, Sampling(), is_adaptive=False)
    took = {name: Took(0.1, 1.0) for name in ("slow", "open")}
    plan.learn(Block([BASE], [], 30, 3.2, took=took))
    head = Tree(HEAD, Path(), "")
    made = LiveComparison({}, head, Sampling(), read(), plan, SimpleNamespace())
    test = ProcessTest({(BASE, name): Margins(0.01, 0.03) for name in took}, {})
    noise = [0.03 * (-1) ** number * (1 + number / 10) for number in range(FIRST_LOOK)]
    test.add({(BASE, "slow"): [0.1] * FIRST_LOOK, (BASE, "open"): noise})
    assert test.suspects() == [(BASE, "slow")]
    order = made._in_order(test)
    assert order[0] == (BASE, "slow")
    assert {name for _, name in order} == chosen


@pytest.mark.parametrize(
    ("round_s", "rounds"), [(1e-3, {30}), (0.006, {*range(FEWEST_ROUNDS, 30)})]
)
def test_a_slow_machine_has_fewer_rounds(clock, round_s, rounds):
    """So that all have their first look in less than half of the time."""
    plan = TimePlan(300, Sampling(), is_adaptive=True)
    took = {name: Took(0.03, 15 * round_s) for name in NAMES}
    plan.learn(Block([BASE], [], 12, 3 + sum(15 * round_s + 0.03 for _ in NAMES), took=took))
    plan.settle_rounds(FIRST_LOOK)
    assert plan.rounds in rounds
    assert plan.seconds_for(dict.fromkeys(NAMES, FIRST_LOOK)) < 150
