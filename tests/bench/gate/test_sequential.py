"""The sequential decision, on simulated blocks whose truth is known."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest

from bench.statistics.sequential import CONFIRMATION, SCREENING, Margins, SequentialTest
from bench.statistics.verdict import Verdict

MARGINS = Margins.of(0.01, 0.03, 0.2, 200e-6)
FIRST_LOOK, FIRST_CONFIRMATION = SCREENING[0][0], CONFIRMATION[0][0]


def simulate(
    random: np.random.Generator, changes: list[float], noise: float, tails: float = np.inf
) -> tuple[SequentialTest, int]:
    """Feed blocks until all is decided; return the test and the number of blocks."""
    test = SequentialTest({str(index): MARGINS for index in range(len(changes))})
    blocks = 0
    while test.pending:
        blocks += 1
        draw = random.normal if math.isinf(tails) else lambda: random.standard_t(tails)
        test.add({name: [math.log1p(changes[int(name)]) + noise * draw()] for name in test.pending})
    return test, blocks


def verdicts(test: SequentialTest) -> dict[str, Verdict]:
    return {name: decision.verdict for name, decision in test.decisions().items()}


@pytest.mark.parametrize("plan", [SCREENING, CONFIRMATION], ids=["screening", "confirmation"])
def test_looks_spend_no_more_than_the_level(plan):
    assert sum(part for _, part in plan) <= 1 + 1e-12
    counts = [count for count, _ in plan]
    assert counts == sorted(set(counts))


@pytest.mark.parametrize("tails", [np.inf, 3], ids=["normal", "t3"])
def test_identical_sides_raise_no_alarm(tails):
    """No false alarm in 60 suites of 64; the expected number is below 0.3."""
    random = np.random.default_rng(1)
    for _ in range(60):
        test, _ = simulate(random, [0.0] * 64, 0.01, tails)
        assert Verdict.REGRESSED not in verdicts(test).values()


def test_the_smallest_effect_itself_raises_no_alarm():
    """At the edge of what is allowed errors are likeliest; their rate is still the family's."""
    random = np.random.default_rng(2)
    alarms = sum(
        Verdict.REGRESSED in verdicts(simulate(random, [0.01] * 64, 0.01)[0]).values()
        for _ in range(40)
    )
    assert alarms <= 2  # expected: below 0.2; 3 or more: below 1 in 500


def test_a_slow_down_of_three_per_cent_is_found():
    random = np.random.default_rng(3)
    found = Counter(
        verdicts(simulate(random, [0.03] + [0.0] * 15, 0.01)[0])["0"] for _ in range(150)
    )
    assert found[Verdict.REGRESSED] >= 147


def test_a_slow_down_of_ten_per_cent_is_always_found():
    random = np.random.default_rng(4)
    for _ in range(60):
        test, blocks = simulate(random, [0.10] + [0.0] * 15, 0.015, 3)
        assert verdicts(test)["0"] is Verdict.REGRESSED
        assert blocks >= FIRST_LOOK + FIRST_CONFIRMATION


def test_an_improvement_is_told():
    test, _ = simulate(np.random.default_rng(5), [-0.05, 0.0], 0.005)
    assert verdicts(test) == {"0": Verdict.IMPROVED, "1": Verdict.SAME}


def test_a_small_improvement_is_at_worst_the_same():
    random = np.random.default_rng(6)
    for _ in range(20):
        assert verdicts(simulate(random, [-0.012], 0.01)[0])["0"] in (
            Verdict.SAME,
            Verdict.IMPROVED,
        )


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


def test_an_interruption_leaves_no_verdict():
    test = SequentialTest({"a": MARGINS})
    test.add({"a": [0.0] * (FIRST_LOOK - 1)})
    decision = test.decisions()["a"]
    assert decision.verdict is Verdict.NONE
    assert decision.estimate.count == FIRST_LOOK - 1


def test_noise_without_end_leaves_no_verdict():
    test, blocks = simulate(np.random.default_rng(7), [0.0], 1.0)
    assert verdicts(test)["0"] is Verdict.NONE
    assert blocks <= SCREENING[-1][0] + CONFIRMATION[-1][0]


def test_very_short_benchmarks_are_judged_by_time():
    """20 % of 0.2 us is 40 ns, which nobody fails a change for."""
    margins = Margins.of(0.01, 0.03, 0.2, 0.2e-6)
    assert margins.effect == pytest.approx(math.log(2))
    test = SequentialTest({"a": margins})
    test.add({"a": [math.log1p(0.2)] * FIRST_LOOK})
    assert verdicts(test)["a"] is Verdict.SAME
