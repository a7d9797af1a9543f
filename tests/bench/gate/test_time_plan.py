"""How the time is spent, on machines of any speed: durations are given, nothing is measured."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from bench.gate.judge.outcome import Outcome
from bench.gate.judge.thresholds import read
from bench.gate.live_comparison import LiveComparison
from bench.gate.measure.block import BASE, Block, Settings, Took, Tree
from bench.gate.measure.time_plan import FEWEST_ROUNDS, TimePlan
from bench.statistics.sequential import Margins, SequentialTest

FIRST_LOOK = 10


class Clock:
    """The time, as far as the plan sees it."""

    now_s = 0.0

    def monotonic(self) -> float:
        return self.now_s


@pytest.fixture
def clock(monkeypatch) -> Clock:
    made = Clock()
    monkeypatch.setattr("bench.gate.measure.time_plan.time", made)
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
    plan = TimePlan(300, Settings(), is_adaptive=True)
    needed = {name: 20 if number % 3 == 0 else 10 for number, name in enumerate(NAMES)}
    assert simulate(plan, clock, needed, SLOW_ROUND_S)[0] == len(NAMES)
    assert FEWEST_ROUNDS <= plan.rounds < 30
    assert clock.now_s <= 300


def test_a_fast_machine_has_all_rounds(clock):
    plan = TimePlan(300, Settings(), is_adaptive=True)
    needed = dict.fromkeys(NAMES, 14)
    assert simulate(plan, clock, needed, SLOW_ROUND_S / 4, startup_s=0.7)[0] == len(NAMES)
    assert plan.rounds == 30


def test_rounds_that_were_asked_for_stay(clock):
    plan = TimePlan(300, Settings(rounds=50), is_adaptive=False)
    simulate(plan, clock, dict.fromkeys(NAMES, 10), SLOW_ROUND_S)
    assert plan.rounds == 50
    assert clock.now_s <= 300


def test_many_benchmarks_are_looked_at_as_often_as_few(clock):
    """Four times as many: a block has as many as it has by default, and the first are decided."""
    plan = TimePlan(300, Settings(), is_adaptive=True)
    names = [f"test_{number}" for number in range(324)]
    decided, longest_s = simulate(plan, clock, dict.fromkeys(names, 10), SLOW_ROUND_S)
    assert decided >= 80
    assert longest_s < 20
    assert clock.now_s <= 300


def test_a_slow_phone_has_few_benchmarks_a_block_and_is_decided(clock):
    """20 models of 1.2 s a round of both trees: each round is an observation of its own.

    So a block of 10 rounds brings the first look, and a suspect needs two more.
    """
    plan = TimePlan(900, Settings(rounds=10, is_device=True), is_adaptive=True)
    models = {f"test_{number}": 4 if number < 5 else 2 for number in range(20)}
    decided, longest_s = simulate(plan, clock, models, 1.2, setup_s=3.0, scouting=2)
    assert decided == len(models)
    assert longest_s < 60


def test_the_last_benchmarks_on_a_phone_have_more_rounds_a_block(clock):
    """Twenty take 40 s with 10 rounds; four of them in the same time five times as many."""
    took = {str(number): Took(0.0, 10 * 0.2) for number in range(20)}
    for is_adaptive in (True, False):
        plan = TimePlan(900, Settings(rounds=10, is_device=True), is_adaptive)
        plan.learn(Block([BASE], [], 10, 43.0, took=took))
        assert plan.rounds_for(list(took), 200) == (11 if is_adaptive else 10)
        assert plan.rounds_for(["1", "2", "3", "4"], 200) == (56 if is_adaptive else 10)
        assert plan.rounds_for(["1", "2", "3", "4"], 30) == (30 if is_adaptive else 10)
    host = TimePlan(900, Settings(rounds=10), is_adaptive=True)
    host.learn(Block([BASE], [], 10, 43.0, took=took))
    assert host.rounds_for(["1"], 200) == 10


def test_no_time_is_no_block(clock):
    plan = TimePlan(10, Settings(), is_adaptive=True)
    decided, longest_s = simulate(plan, clock, dict.fromkeys(NAMES, 10), SLOW_ROUND_S)
    assert (decided, longest_s) == (0, 0)


def test_what_is_needed_is_told(clock):
    plan = TimePlan(300, Settings(), is_adaptive=False)
    plan.learn(Block([BASE], [], 30, 10.0, took={"a": Took(1, 3.3), "b": Took(1, 3.3)}))
    assert plan.seconds_for({"a": 2, "b": 5}) == pytest.approx(2 * 4.3 + 5 * 4.3 + 5 * 1.4)
    device = TimePlan(300, Settings(rounds=10, is_device=True), is_adaptive=False)
    device.learn(Block([BASE], [], 10, 12.0, took={"a": Took(1, 10)}))
    assert device.seconds_for({"a": 20}) == pytest.approx(2 * 11 + 2 * 1)


def test_a_phone_needs_five_times_as_long_for_five_times_as_many_rounds(clock):
    """Each is a process, which warms up by itself: there are no more rounds than those."""
    plan = TimePlan(300, Settings(rounds=10, is_device=True), is_adaptive=False)
    plan.learn(Block([BASE], [], 2, 5.0, took={"a": Took(1, 4)}))
    assert plan.seconds_for({"a": 20}) == pytest.approx(2 * (1 + 5 * 4))


@pytest.mark.parametrize(("minutes", "chosen"), [(0.5, {"slow"}), (60, {"slow", "open"})])
def test_suspects_come_first_and_alone_where_time_is_short(clock, minutes, chosen):
    plan = TimePlan(60 * minutes, Settings(), is_adaptive=False)
    took = {name: Took(0.1, 1.0) for name in ("slow", "open")}
    plan.learn(Block([BASE], [], 30, 3.2, took=took))
    comparison = LiveComparison(
        {}, Tree(BASE, Path(), ""), Settings(), read(), plan, SimpleNamespace(), Outcome("", "")
    )
    test = SequentialTest({(BASE, name): Margins(0.01, 0.03) for name in took})
    noise = [0.03 * (-1) ** number * (1 + number / 10) for number in range(FIRST_LOOK)]
    test.add({(BASE, "slow"): [0.1] * FIRST_LOOK, (BASE, "open"): noise})
    assert test.suspects() == [(BASE, "slow")]
    order = comparison._in_order(test)
    assert order[0] == (BASE, "slow")
    assert {name for _, name in order} == chosen
