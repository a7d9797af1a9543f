"""The sequential decision, on simulated observations whose truth is known."""

import math
from collections import Counter

import numpy as np
import pytest
import scipy.stats

from bench.gate.judge.thresholds import Thresholds
from bench.statistics.intervals import log_ratio, upper_latency
from bench.statistics.sequential import (
    CONFIRMATION,
    FAMILY_ERROR,
    MISS,
    SCREENING,
    Margins,
    ProcessDecision,
    ProcessTest,
    SequentialTest,
    Verdict,
)

MARGINS = Margins.of(0.01, 0.03, 0.2, 200e-6)
FIRST_LOOK, FIRST_CONFIRMATION = min(SCREENING), min(CONFIRMATION)


def verdicts(test: SequentialTest) -> dict[str, Verdict]:
    return {name: decision.verdict for name, decision in test.decisions().items()}


@pytest.mark.parametrize("plan", [SCREENING, CONFIRMATION], ids=["screening", "confirmation"])
def test_looks_spend_no_more_than_the_level(plan):
    assert sum(plan.values()) <= 1 + 1e-12
    assert list(plan) == sorted(plan)


def test_screening_alone_does_not_fail_a_benchmark():
    """What looked slow for a while, and is not, is the same: only fresh blocks count."""
    test = SequentialTest({"a": MARGINS})
    test.add({"a": [0.1] * FIRST_LOOK})
    assert test.suspects() == ["a"]
    assert verdicts(test)["a"] is Verdict.NONE
    test.add({"a": [0.001 * (-1) ** number for number in range(FIRST_CONFIRMATION)]})
    decision = test.decisions()["a"]
    assert decision.verdict is Verdict.SAME
    assert decision.is_confirmed
    assert decision.estimate.count == FIRST_CONFIRMATION


SUITES, SUITE = 20_000, 4


def heavy_tails(random, count):
    """Student's t with 2.5 degrees of freedom: sometimes a block is off by 10 %."""
    return 0.006 * random.standard_t(2.5, count)


def drift(random, count):
    """The machine becomes 2 % slower within a block; whoever is first is drawn by lot."""
    shift = 0.02 * random.choice([-1, 1], count) * random.random(count)
    return shift + random.normal(0, 2e-3, count)


def one_sided(random, count):
    """Each process is now and then disturbed, and only ever slowed, by 5 % on average."""
    disturbed = random.exponential(0.05, (2, count)) * (random.random((2, count)) < 0.1)
    return disturbed[1] - disturbed[0] + random.normal(0, 3e-3, count)


def noise_of_the_margin(random, count):
    """3 % between observations of identical sides: the margin is hard to tell from nothing."""
    return random.normal(0, 0.03, count)


def run_suites(draw, change: float, suites: int = SUITES) -> dict[int, set[Verdict]]:
    """Return the verdicts of each of many simulated suites, by the procedure as a whole."""
    random = np.random.default_rng(20)
    names = {(suite, index): MARGINS for suite in range(suites) for index in range(SUITE)}
    test = SequentialTest(names, suite=SUITE)
    while pending := test.pending:
        errors = draw(random, len(pending)) + math.log1p(change)
        test.add({name: [error] for name, error in zip(pending, errors.tolist(), strict=True)})
    found: dict[int, set[Verdict]] = {suite: set() for suite in range(suites)}
    for (suite, _), decision in test.decisions().items():
        found[suite].add(decision.verdict)
    return found


def at_most(count: int, cases: int, bound: float) -> bool:
    """Whether so many events in so many cases may have a probability of `bound` at most."""
    return scipy.stats.binomtest(count, cases, bound, alternative="greater").pvalue > 1e-4


@pytest.mark.slow
@pytest.mark.parametrize("draw", [heavy_tails, drift, one_sided])
def test_error_bounds_hold_for_the_whole_procedure(draw):
    """Where nothing changed: false regressions, and any change that is claimed."""
    suites = run_suites(draw, 0.0)
    regressed = sum(Verdict.REGRESSED in found for found in suites.values())
    changed = sum(bool({Verdict.REGRESSED, Verdict.IMPROVED} & found) for found in suites.values())
    assert at_most(regressed, SUITES, FAMILY_ERROR)
    assert at_most(changed, SUITES, 2 * FAMILY_ERROR)


@pytest.mark.parametrize("draw", [heavy_tails, one_sided, noise_of_the_margin])
def test_a_slow_down_of_the_margin_is_hardly_ever_called_the_same(draw):
    suites = run_suites(draw, 0.03, 2_000)
    same = sum(Verdict.SAME in found for found in suites.values())
    assert at_most(same, 2_000, 1 - (1 - 2 * MISS) ** SUITE)


def test_the_bound_is_nearly_reached_where_errors_are_likeliest():
    """At the smallest effect itself; else the tests above could not fail."""
    test = SequentialTest(
        {(suite, index): MARGINS for suite in range(2_000) for index in range(SUITE)},
        suite=SUITE, family_error=0.2, suspicion=0.5,
    )  # fmt: skip
    random = np.random.default_rng(21)
    while pending := test.pending:
        errors = random.normal(math.log1p(0.01), 0.01, len(pending)).tolist()
        test.add({name: [error] for name, error in zip(pending, errors, strict=True)})
    alarms = {n[0] for n, d in test.decisions().items() if d.verdict is Verdict.REGRESSED}
    assert 0.02 < len(alarms) / 2_000 < 0.2


def feed(values: dict[str, list[float]]) -> SequentialTest:
    test = SequentialTest(dict.fromkeys(values, MARGINS))
    test.add(values)
    return test


def wobble(centre: float, count: int) -> list[float]:
    """Observations about a centre, a little apart from each other."""
    return [centre + 1e-4 * (-1) ** number * (1 + number / 100) for number in range(count)]


def test_a_suspect_that_was_not_cleared_never_passes():
    """It measured +2 %, which excludes the margin of 3 %; then the time was over."""
    test = feed({"a": wobble(math.log1p(0.02), FIRST_LOOK)})
    assert test.suspects() == ["a"]
    assert verdicts(test)["a"] is Verdict.NONE
    test.add({"a": wobble(math.log1p(0.02), FIRST_CONFIRMATION - 1)})
    assert verdicts(test)["a"] is Verdict.NONE
    test.add({"a": wobble(math.log1p(0.02), 1)})
    assert verdicts(test)["a"] is Verdict.REGRESSED


def test_what_measured_slower_than_the_smallest_effect_is_never_the_same():
    """The interval reaches from 0 to 2.9 %, and excludes the margin: that is not enough."""
    values = [math.log1p(0.015) + offset for offset in np.linspace(-0.012, 0.012, FIRST_LOOK)]
    test = feed({"a": values})
    assert test.suspects() == []
    assert test.decisions()["a"].estimate.upper < MARGINS.margin
    assert verdicts(test)["a"] is Verdict.NONE


def test_a_suspected_slow_down_that_turns_out_faster_is_no_improvement():
    """Each direction has its own error; a suspect is condemned only of what it was suspected."""
    test = feed({"a": wobble(0.02, FIRST_LOOK) + wobble(-0.02, FIRST_CONFIRMATION)})
    assert verdicts(test)["a"] is Verdict.SAME


def test_time_that_runs_out_over_an_improvement_is_no_regression():
    test = feed({"a": wobble(-0.05, FIRST_LOOK + 3)})
    assert test.suspects() == ["a"]
    assert verdicts(test)["a"] is Verdict.SAME


def test_what_is_still_needed_is_told():
    test = feed(
        {
            "new": wobble(0.0, 3),
            "suspect": wobble(0.05, FIRST_LOOK),
            "noisy": list(np.linspace(-0.06, 0.06, FIRST_LOOK)),
            "done": wobble(0.0, FIRST_LOOK),
        }
    )
    needed = test.still_needed()
    assert needed.keys() == {"new", "suspect", "noisy"}
    assert needed["new"] == FIRST_LOOK - 3
    assert needed["suspect"] == FIRST_CONFIRMATION
    assert needed["noisy"] > FIRST_LOOK


def processes(random, every: int, factor: float, rounds: int) -> list[np.ndarray]:
    """Return the rounds of base and of head, of which every so-manieth call is longer.

    Rounds of two kinds, noise between processes, and disturbances of a twentieth of the rounds.
    """
    kinds = np.where(np.arange(rounds) % 2, 1.0, 1.07)
    sides = []
    for each in (1.0, factor):
        rounds_s = kinds * np.exp(random.normal(0, 0.01) + random.exponential(0.02, rounds))
        rounds_s[random.random(rounds) < 0.05] *= 1 + 4 * random.random()
        rounds_s[::every] *= each
        sides.append(rounds_s)
    return sides


def judged(random, draw, blocks: int = 60) -> ProcessDecision:
    """Return what a benchmark comes to whose processes are drawn."""
    margins = Thresholds(0.01, 0.03, 0.1, 0.25, 0.2, 0, 0, 0, 0, 0, 0).margins(2e-4)
    test = ProcessTest({"a": margins[0]}, {"a": margins[1]})
    for _ in range(blocks):
        if not test.pending:
            break
        base, head = draw(random)
        test.add({"a": [log_ratio(base, head)]}, {"a": [log_ratio(base, head, upper_latency)]})
    return test.decisions()["a"]


@pytest.mark.slow
@pytest.mark.parametrize("rounds", [12, 30])
@pytest.mark.parametrize(("every", "factor"), [(2, 1.6), (4, 3.0)])
def test_what_every_second_or_fourth_call_takes_never_passes(every, factor, rounds):
    """In none of 1,000 comparisons; by the process latency alone hardly one is called regressed."""
    random, found = np.random.default_rng([every, rounds]), Counter()
    for _ in range(1_000):
        found[judged(random, lambda each: processes(each, every, factor, rounds)).verdict] += 1
    assert found.keys() <= {Verdict.REGRESSED, Verdict.NONE}
    assert found[Verdict.REGRESSED] > 900
    alone = SequentialTest(dict.fromkeys(range(100), MARGINS))
    for _ in range(20):
        sides = [processes(random, every, factor, rounds) for _ in range(100)]
        alone.add({name: [log_ratio(*each)] for name, each in enumerate(sides)})
    assert Counter(each.verdict for each in alone.decisions().values())[Verdict.REGRESSED] < 5


@pytest.mark.slow
def test_both_figures_together_keep_the_error():
    """Identical trees: 1,000 benchmarks, each a suite of its own; and nearly all are the same."""
    random, cases = np.random.default_rng(31), 1_000
    found = Counter(
        judged(random, lambda each: processes(each, 1, 1.0, 30)).verdict for _ in range(cases)
    )
    assert at_most(found[Verdict.REGRESSED], cases, FAMILY_ERROR)
    assert found[Verdict.SAME] > 0.9 * cases


@pytest.mark.parametrize(("every", "factor"), [(2, 1.6), (4, 3.0)])
def test_on_a_phone_a_round_is_a_process_and_none_is_left_out(every, factor):
    random = np.random.default_rng(32)
    test = ProcessTest(dict.fromkeys(range(200), MARGINS), {})
    for block in range(224):
        pending = test.pending
        longer = math.log(factor) * (block % every == 0)
        errors = random.normal(longer, 0.03, len(pending)).tolist()
        test.add({name: [error] for name, error in zip(pending, errors, strict=True)})
    assert {each.verdict for each in test.decisions().values()} <= {
        Verdict.REGRESSED, Verdict.NONE,
    }  # fmt: skip


def test_an_improvement_is_told():
    test = feed({"a": wobble(-0.05, FIRST_LOOK + FIRST_CONFIRMATION)})
    assert verdicts(test) == {"a": Verdict.IMPROVED}
