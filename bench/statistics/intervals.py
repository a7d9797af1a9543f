"""Intervals for ratios of latencies: pure functions of numbers.

What is repeated is the process, not the round: rounds of one process share its memory layout and
its clock, so a thousand of them are still one observation (Kalibera, Jones, "Rigorous
benchmarking in reasonable time", ISMM 2013; Georges, Buytaert, Eeckhout, "Statistically rigorous
Java performance evaluation", OOPSLA 2007). Two processes side by side see the same
disturbances, so their ratio is much quieter than either (Bulej et al., "Duet benchmarking",
ICPE 2020; there they run at once, here in turns). A process pair therefore gives one number, the
logarithm of the ratio of its latencies.

A process's latency is the lower quartile of its rounds, not their median. Every other round
follows one of the other side, finds the caches full of that side's data, and takes several per
cent longer. So the rounds come in two kinds, half of each, and the median falls into the gap
between them, where it jumps from one to the other; the lower quartile is about the median of the
undisturbed kind. The self-check prints what both would have given on the same rounds.

Where both sides run the same code, swapping their names changes nothing: the logarithm of the
ratio has a distribution that is symmetric about zero, whatever its shape. That is all that
Wilcoxon's signed-rank test assumes, and its exact distribution needs no normality, which a loaded
machine would not grant. Its interval is made of Walsh averages (Hodges, Lehmann, "Estimates of
location based on rank tests", Annals of Mathematical Statistics 34, 1963; Hollander, Wolfe,
Chicken, "Nonparametric statistical methods", 3.1 to 3.3).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import ArrayLike

QUANTILE = 0.25


@dataclass(frozen=True)
class Estimate:
    """An estimate with its interval, all on the scale of what was observed.

    Attributes:
        value: Hodges-Lehmann estimate.
        lower: lower confidence bound; -inf where there are too few observations for its level.
        upper: upper confidence bound; inf likewise.
        count: number of observations.
    """

    value: float
    lower: float
    upper: float
    count: int


def latency(rounds_s: Sequence[float]) -> float:
    """Return a process's latency: the quantile `QUANTILE` of its rounds, in their unit.

    Raises:
        ValueError: there are no rounds, or the latency is not above zero.
    """
    if not len(rounds_s):
        raise ValueError("a benchmark has no rounds")
    value = float(np.quantile(rounds_s, QUANTILE))
    if value <= 0:
        raise ValueError("its rounds are not above zero: the timer is too coarse")
    return value


def log_ratio(base_s: Sequence[float], head_s: Sequence[float]) -> float:
    """Return the logarithm of the ratio of two latencies, head over base.

    Raises:
        ValueError: as for `latency`.
    """
    return float(np.log(latency(head_s) / latency(base_s)))


def one_sample(values: Sequence[float], lower_level: float, upper_level: float) -> Estimate:
    """Estimate the centre of a symmetric distribution.

    The interval inverts the exact signed-rank test: its bounds are order statistics of the Walsh
    averages, the means of all pairs.

    Args:
        values: observations.
        lower_level: probability that the lower bound lies above the true centre, at most.
        upper_level: probability that the upper bound lies below it, at most.

    Raises:
        ValueError: there are no observations.
    """
    observed = np.asarray(values, np.float64)
    if not observed.size:
        raise ValueError("no observations")
    first, second = _pairs(observed.size)
    walsh = np.sort((observed[first] + observed[second]) / 2)
    return _between(
        walsh, signed_rank_distribution(observed.size), lower_level, upper_level, observed.size
    )


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
    differences = np.sort(np.subtract.outer(new, old).ravel())
    distribution = mann_whitney_distribution(old.size, new.size)
    return _between(differences, distribution, lower_level, upper_level, count)


@cache
def _pairs(count: int) -> tuple[np.ndarray, ...]:
    return np.triu_indices(count)


def _between(
    ordered: np.ndarray,
    distribution: np.ndarray,
    lower_level: float,
    upper_level: float,
    count: int,
) -> Estimate:
    below, above = (_rank(distribution, level) for level in (lower_level, upper_level))
    return Estimate(
        float(np.median(ordered)),
        float(ordered[below]) if below >= 0 else -np.inf,
        float(ordered[-1 - above]) if above >= 0 else np.inf,
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
    """Return how many runs a side has to have before `two_samples` has a bound of that level."""
    runs = 1
    while _rank(mann_whitney_distribution(runs, runs), level) < 0:
        runs += 1
    return runs
