"""The statistics, against SciPy and against data whose answer is known."""

import math
import random
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
import scipy.stats

from bench.statistics.intervals import (
    alike,
    interleave,
    log_ratio,
    mann_whitney_distribution,
    one_sample,
    runs_needed,
    signed_rank_distribution,
    two_samples,
    upper_latency,
)

SEED = 11


def test_a_latency_is_of_the_faster_half():
    """Of the geometric mean: 2 of 1, 2 and 4, whatever the slower ones take."""
    base, head = [1.0, 90.0, 2.0, 4.0, 80.0], [4.0, 9.0, 4.0, 90.0, 4.0]
    assert log_ratio(base, head) == pytest.approx(np.log(2))


def test_half_of_the_rounds_may_be_disturbed():
    """Rounds of two kinds, half of each: the noise is that of the undisturbed kind."""
    random = np.random.default_rng(SEED)

    def process():
        kinds = np.where(np.arange(30) % 2, 1.0, 1.1)
        return kinds * np.exp(np.abs(random.normal(0, 0.01, 30)))

    observed = [log_ratio(process(), process()) for _ in range(300)]
    medians = [np.log(np.median(process()) / np.median(process())) for _ in range(300)]
    quartiles = [np.log(np.quantile(process(), 0.25)) for _ in range(300)]
    assert np.std(observed) < 0.0025
    assert np.std(observed) < 0.7 * np.std(medians)
    assert np.std(observed) < 0.9 * math.sqrt(2) * np.std(quartiles)


@pytest.mark.parametrize(("base", "head"), [([], [1.0]), ([1.0], []), ([0.0], [1.0])])
def test_log_ratio_refuses_what_has_none(base, head):
    with pytest.raises(ValueError, match="rounds"):
        log_ratio(base, head)


@pytest.mark.parametrize("count", [1, 5, 12, 30])
def test_signed_rank_distribution_is_scipys(count):
    """P(W <= w) is the p-value of SciPy's exact test on data with that statistic."""
    ours = np.cumsum(signed_rank_distribution(count))
    random = np.random.default_rng(SEED)
    for _ in range(5):
        values = random.normal(size=count)
        theirs = scipy.stats.wilcoxon(values, alternative="less", method="exact")
        assert ours[int(theirs.statistic)] == pytest.approx(theirs.pvalue)


@pytest.mark.parametrize(("first", "second"), [(1, 1), (3, 5), (8, 8)])
def test_mann_whitney_distribution_is_scipys(first, second):
    ours = np.cumsum(mann_whitney_distribution(first, second))
    random = np.random.default_rng(SEED)
    for _ in range(5):
        x, y = random.normal(size=first), random.normal(size=second)
        theirs = scipy.stats.mannwhitneyu(x, y, alternative="less", method="exact")
        assert ours[int(theirs.statistic)] == pytest.approx(theirs.pvalue)


def test_interval_inverts_the_signed_rank_test():
    """The lower bound is where SciPy's p-value crosses the level."""
    values, level = np.random.default_rng(SEED).normal(0.3, 1, 15), 0.01
    lower = one_sample(values, level, level).lower
    for shift, is_rejected in ((-1e-9, True), (1e-9, False)):
        test = scipy.stats.wilcoxon(values - (lower + shift), alternative="greater", method="exact")
        assert (test.pvalue <= level) == is_rejected


def test_too_few_observations_have_no_bounds():
    estimate = one_sample([0.1, 0.2, 0.3], 0.01, 0.01)
    assert (estimate.lower, estimate.upper, estimate.count) == (-np.inf, np.inf, 3)
    assert estimate.value == pytest.approx(0.2)


@pytest.mark.parametrize(
    "draw",
    [
        lambda random, size: random.normal(0, 1, size),
        lambda random, size: random.standard_t(2, size),
        lambda random, size: random.choice([-1, 1], size) * random.pareto(1.5, size),
    ],
    ids=["normal", "t2", "pareto"],
)
def test_coverage_needs_no_normality(draw):
    """Each bound is wrong at most as often as its level, whatever the tails."""
    random, level, cases = np.random.default_rng(SEED), 0.05, 2000
    estimates = [one_sample(draw(random, 14), level, level) for _ in range(cases)]
    for wrong in (
        sum(each.lower > 0 for each in estimates),
        sum(each.upper < 0 for each in estimates),
    ):
        assert scipy.stats.binomtest(wrong, cases, level, alternative="greater").pvalue > 1e-4
        assert wrong > cases * level / 3  # a bound that is never wrong says nothing


@pytest.mark.parametrize("level", [0.05, 0.005, 0.005 / 64])
def test_runs_needed_is_the_smallest_number(level):
    runs = runs_needed(level)
    base, head = np.arange(runs), np.arange(runs) + 100
    assert two_samples(base, head, level, level).lower > 0
    assert two_samples(base[1:], head[1:], level, level).lower == -np.inf


@pytest.mark.parametrize("count", [2, 3, 5])
def test_interleaved_parties_are_treated_alike(count):
    """Each has as many rounds after its own as after another's, and none is always first."""
    rounds: list[int] = []

    def run(party: int) -> bool:
        rounds.append(party)
        return rounds.count(party) < 200

    interleave([lambda party=party: run(party) for party in range(count)], random.Random(1))
    assert Counter(rounds) == dict.fromkeys(range(count), 200)
    firsts = Counter(rounds[:: 2 * count])
    own = Counter(now for before, now in pairwise(rounds) if before == now)
    assert min(firsts.values()) > 100 / count / 2
    assert max(own.values()) - min(own.values()) < 40
    assert min(own.values()) >= 100


@pytest.mark.parametrize("count", [2, 3])
def test_turns_are_in_a_random_order(count):
    """After each order any order comes as often: one that alternates or rotates is not random."""
    rounds: list[int] = []
    wanted = 4_000

    def run(party: int) -> bool:
        rounds.append(party)
        return len(rounds) < wanted - count * 2

    interleave([lambda party=party: run(party) for party in range(count)], random.Random(1))
    turn = 2 * count
    orders = [tuple(rounds[at : at + turn : 2]) for at in range(0, wanted - 2 * turn, turn)]
    followers = Counter(pairwise(orders))
    kinds = math.factorial(count) ** 2
    seen = [*followers.values(), *[0] * (kinds - len(followers))]
    assert scipy.stats.chisquare(seen).pvalue > 1e-3


def test_a_party_without_rounds_left_leaves_the_others_alone():
    left = {"a": 1, "b": 4}
    order: list[str] = []

    def run(name: str) -> bool:
        order.append(name)
        left[name] -= 1
        return left[name] > 0

    interleave([lambda: run("a"), lambda: run("b")], random.Random(2))
    assert Counter(order) == {"a": 1, "b": 4}


def test_the_upper_half_of_the_rounds():
    """Its geometric mean, without the tenth that takes longest."""
    assert upper_latency([1.0] * 5 + [2.0] * 2 + [8.0] * 2 + [1e9]) == pytest.approx(4.0)
    assert upper_latency([3.0]) == pytest.approx(3.0)


def blocks_of(random_, correlation: float, benchmarks: int = 20, count: int = 24) -> np.ndarray:
    """Return observations that go on from block to block; the last ones are of half of them."""
    observed = random_.normal(size=(benchmarks, count))
    for block in range(1, count):
        fresh = math.sqrt(1 - correlation**2) * observed[:, block]
        observed[:, block] = correlation * observed[:, block - 1] + fresh
    observed[::2, 14:] = np.nan
    return observed


def test_neighbouring_blocks_that_are_alike_are_noticed():
    numbers = np.random.default_rng(SEED)
    assert alike(blocks_of(numbers, 0.8), random.Random(1)) < (1, 0.001)
    assert alike(blocks_of(numbers, 0.8), random.Random(1))[1] == pytest.approx(0.0005)
    found = [alike(blocks_of(numbers, 0.0), random.Random(seed))[1] for seed in range(40)]
    assert sum(each <= 0.1 for each in found) <= 10
    assert min(found) > 0.001


def test_benchmarks_that_share_a_block_are_no_more_alike_than_the_block():
    """What all of them have in one block is one observation, not one of each."""
    numbers, found = np.random.default_rng(SEED), []
    for seed in range(40):
        shared = numbers.normal(size=(1, 12)) + 0.01 * numbers.normal(size=(20, 12))
        found.append(alike(shared, random.Random(seed))[1])
    assert sum(each <= 0.1 for each in found) <= 10
