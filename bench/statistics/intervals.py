"""Comparing latencies: rounds in turn, numbers of a process, intervals for their ratios.

What is repeated is the process, not the round: rounds of one process share its memory layout and
its clock, so a thousand of them are still one observation (Kalibera, Jones, "Rigorous
benchmarking in reasonable time", ISMM 2013). Two processes side by side see the same disturbances,
so their ratio is much quieter than either (Bulej et al., "Duet benchmarking", ICPE 2020). A process
pair therefore gives one number a figure, the logarithm of the ratio.

Where both processes run the same code, swapping their names changes nothing: the logarithm of the
ratio has a distribution that is symmetric about zero, whatever its shape. That, and that one pair
knows nothing of the next (`alike` tests it), is all that Wilcoxon's signed-rank test assumes; its
exact distribution needs no normality, which a loaded machine would not grant. Its interval is made
of Walsh averages (Hodges, Lehmann, "Estimates of location based on rank tests", Annals of
Mathematical Statistics 34, 1963; Hollander, Wolfe, Chicken, "Nonparametric statistical methods",
3.1 to 3.3).
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import ArrayLike


def process_latency(rounds: Sequence[float]) -> float:
    """Return a process's latency, in the unit of its rounds: the geometric mean of the faster half.

    In interleaved rounds every other one finds the caches full of another party's data, and takes
    several per cent longer. The median falls into the gap between the two kinds, where it jumps;
    the faster half is the undisturbed kind, and leaves out what a neighbour on the machine
    disturbed. Tables of a single session show other figures, and call them so.

    Raises:
        ValueError: there are no rounds, or one of them is not above zero.
    """
    return _mean(np.sort(rounds)[: (len(rounds) + 1) // 2])


def upper_latency(rounds: Sequence[float]) -> float:
    """Return what the slower half of a process's rounds takes, in their unit.

    The latency sees nothing of them. The slowest tenth is left out: there lies what now and then
    interrupts a round. Errors are those of `process_latency`.
    """
    half, slowest = len(rounds) // 2, max(1, len(rounds) // 10)
    return _mean(np.sort(rounds)[half : max(half + 1, len(rounds) - slowest)])


def _mean(values: np.ndarray) -> float:
    """Return the geometric mean of sorted values."""
    if not len(values):
        raise ValueError("a benchmark has no rounds")
    if not values[0] > 0:
        raise ValueError("its rounds are not above zero: the timer is too coarse")
    return float(np.exp(np.mean(np.log(values))))


def log_ratio(
    base: Sequence[float], head: Sequence[float],
    figure: Callable[[Sequence[float]], float] = process_latency,
) -> float:  # fmt: skip
    """Return the logarithm of the ratio of a figure of two processes, head over base.

    Raises:
        ValueError: as for `process_latency`.
    """
    return math.log(figure(head) / figure(base))


ROUNDS_IN_A_ROW = 2
"""The first round of a turn finds the caches full of another party's data, the second its own. So
each party has as many rounds of either kind, however many parties there are."""


def interleave(parties: Sequence[Callable[[], bool]], order: random.Random) -> None:
    """Run the rounds of all parties, a turn of each in a random order, then in another one.

    A party runs one round when called, and returns whether it has more. None is always first, and
    none always follows the same one: what drifts, and what a predecessor leaves in the caches,
    becomes noise that is the same for all.
    """
    left = list(parties)
    while left:
        for party in order.sample(left, len(left)):
            for _ in range(ROUNDS_IN_A_ROW):
                if not party():
                    left.remove(party)
                    break


@dataclass(frozen=True)
class Estimate:
    """An estimate with its interval, all on the scale of what was observed."""

    value: float  # Hodges-Lehmann estimate
    lower: float  # lower confidence bound; -inf where there are too few observations for its level
    upper: float  # upper confidence bound; inf likewise
    count: int  # number of observations; of two samples, that of the smaller one


@dataclass(frozen=True)
class Estimates:
    """Estimates of several benchmarks: `Estimate`, with arrays of shape (benchmarks,)."""

    value: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    count: int

    def __getitem__(self, index: int) -> Estimate:
        value, lower, upper = (float(each[index]) for each in (self.value, self.lower, self.upper))
        return Estimate(value, lower, upper, self.count)


def one_sample(values: Sequence[float], lower_level: float, upper_level: float) -> Estimate:
    """Estimate the centre of a symmetric distribution.

    The interval inverts the exact signed-rank test: its bounds are order statistics of the Walsh
    averages, the means of all pairs.

    Args:
        lower_level: probability that the lower bound lies above the true centre, at most.
        upper_level: probability that the upper bound lies below it, at most.
    """
    averages = walsh_averages(np.asarray(values, np.float64)[None])
    return interval_of(averages, lower_level, upper_level)[0]


def walsh_averages(values: np.ndarray) -> np.ndarray:
    """Return the means of all pairs of observations, each with itself too, sorted.

    From shape (benchmarks, observations) to (benchmarks, pairs).
    """
    if not values.shape[1]:
        raise ValueError("no observations")
    first, second = _pairs(values.shape[1])
    return np.sort((values[:, first] + values[:, second]) / 2, axis=1)


def interval_of(averages: np.ndarray, lower_level: float, upper_level: float) -> Estimates:
    """Estimate several centres at once, from `walsh_averages`; levels as for `one_sample`."""
    count = (math.isqrt(8 * averages.shape[1] + 1) - 1) // 2
    distribution = signed_rank_distribution(count)
    return _between(averages, distribution, lower_level, upper_level, count)


def two_samples(
    base: ArrayLike, head: ArrayLike, lower_level: float, upper_level: float
) -> Estimate:
    """Estimate by how much head's distribution is shifted against base's.

    The interval inverts the exact Mann-Whitney test: its bounds are order statistics of all
    differences. Arguments and errors are those of `one_sample`.
    """
    old, new = np.asarray(base, np.float64), np.asarray(head, np.float64)
    count = min(old.size, new.size)
    if not count:
        raise ValueError("no observations")
    differences = np.sort(np.subtract.outer(new, old).ravel())[None]
    distribution = mann_whitney_distribution(old.size, new.size)
    return _between(differences, distribution, lower_level, upper_level, count)[0]


_pairs = cache(np.triu_indices)


def _between(
    ordered: np.ndarray, distribution: np.ndarray, lower_level: float, upper_level: float,
    count: int,
) -> Estimates:  # fmt: skip
    """Return the middle and the order statistics that belong to the levels; rows are sorted."""
    below, above = (_rank(distribution, level) for level in (lower_level, upper_level))
    unbounded = np.full(len(ordered), np.inf)
    return Estimates(
        np.median(ordered, axis=1),
        ordered[:, below] if below >= 0 else -unbounded,
        ordered[:, -1 - above] if above >= 0 else unbounded,
        count,
    )


def _rank(distribution: np.ndarray, level: float) -> int:
    """Return the largest c with P(statistic <= c) <= level; -1 where there is none."""
    return int(np.searchsorted(np.cumsum(distribution), level * (1 + 1e-9), side="right")) - 1


@cache
def signed_rank_distribution(count: int) -> np.ndarray:
    """Return P(W = 0), P(W = 1), ... of the signed-rank statistic of `count` observations.

    W is the sum of those of the ranks 1..count whose sign is positive, each with probability 1/2.
    """
    probabilities = np.ones(1)
    for rank in range(1, count + 1):
        shifted = np.pad(probabilities, (rank, 0))
        probabilities = (np.pad(probabilities, (0, rank)) + shifted) / 2
    return probabilities


@cache
def mann_whitney_distribution(first: int, second: int) -> np.ndarray:
    """Return P(U = 0), P(U = 1), ... for samples of the given sizes.

    By the recursion of Mann and Whitney (Annals of Mathematical Statistics 18, 1947): the largest
    of all observations is of the first sample with probability first / (first + second).
    """
    if not first or not second:
        return np.ones(1)
    size = first * second + 1
    from_first = mann_whitney_distribution(first - 1, second)
    from_second = mann_whitney_distribution(first, second - 1)
    probabilities = np.zeros(size)
    probabilities[second : second + from_first.size] += from_first * first / (first + second)
    probabilities[: from_second.size] += from_second * second / (first + second)
    return probabilities


def runs_needed(level: float) -> int:
    """Return how many observations each of `two_samples` needs for a bound of that level."""
    runs = 1
    while _rank(mann_whitney_distribution(runs, runs), level) < 0:
        runs += 1
    return runs


SHUFFLES = 1999


def alike(blocks: np.ndarray, order: random.Random) -> tuple[float, float]:
    """Ask whether neighbouring blocks are more alike than others; no test above allows for that.

    Each benchmark's observations become centred ranks. Blocks of the same benchmarks are then put
    into random orders, all benchmarks together, for they share what happens to a block. (Wald,
    Wolfowitz, "An exact test for randomness in the non-parametric case based on serial
    correlation", Annals of Mathematical Statistics 14, 1943.)

    Args:
        blocks: logarithms of ratios, shape (benchmarks, blocks); NaN where one was not measured.

    Returns:
        Correlation of neighbouring blocks, pooled; probability of as large a one by chance.
    """
    there = ~np.isnan(blocks)
    counts = np.maximum(1, there.sum(axis=1, keepdims=True))
    ranks = np.argsort(np.argsort(np.where(there, blocks, np.inf), axis=1), axis=1)
    scores = np.where(there, 2 * (ranks + 0.5) / counts - 1, 0.0)
    kinds: dict[bytes, list[int]] = {}
    for number, column in enumerate(there.T):
        kinds.setdefault(column.tobytes(), []).append(number)

    def correlation(places: Sequence[int]) -> float:
        shuffled = scores[:, places]
        return float((shuffled[:, 1:] * shuffled[:, :-1]).sum() / max(1e-9, (scores**2).sum()))

    found = correlation(range(scores.shape[1]))
    larger = 0
    for _ in range(SHUFFLES):
        places = list(range(scores.shape[1]))
        for numbers in kinds.values():
            for old, new in zip(numbers, order.sample(numbers, len(numbers)), strict=True):
                places[old] = new
        larger += correlation(places) >= found
    return found, (1 + larger) / (1 + SHUFFLES)
