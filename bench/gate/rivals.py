"""What the usual ways to compare would have said of the same recorded rounds.

Both are given two runs as they would have them: base's rounds from one recorded block, head's from
another one.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from bench.gate.pool import Pool

PERCENT = 0.05
SIGNIFICANCE = 0.01

Alarm = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""From rounds of base and head, shape (benchmarks, rounds), to whether each has regressed."""


def mean_alarm(base: np.ndarray, head: np.ndarray) -> np.ndarray:
    """`--benchmark-compare-fail=mean:5%`."""
    return head.mean(axis=1) > (1 + PERCENT) * base.mean(axis=1)


def mann_whitney_alarm(base: np.ndarray, head: np.ndarray) -> np.ndarray:
    """Mann and Whitney's test on the raw rounds, one-sided, divided by the number of benchmarks."""
    from scipy.stats import mannwhitneyu

    test = mannwhitneyu(head, base, alternative="greater", axis=1, method="asymptotic")
    return test.pvalue < SIGNIFICANCE / len(base)


RIVALS: dict[str, Alarm] = {
    "mean:5%": mean_alarm,
    "Mann-Whitney on rounds": mann_whitney_alarm,
}


def rates(
    pool: Pool, alarm: Alarm, slow_down: float, draws: int, random: np.random.Generator
) -> tuple[int, int]:
    """Count in how many of a number of drawn comparisons the alarm was right, or wrong.

    Args:
        pool: recorded blocks.
        alarm: one of `RIVALS`.
        slow_down: as a share, of one benchmark drawn at random; 0 for none.
        draws: how many comparisons.
        random: where from.

    Returns:
        Comparisons with an alarm on any benchmark that was not slowed; comparisons with an alarm
        on the one that was.
    """
    rounds = np.stack([pool.rounds_ns[name] for name in pool.names]).astype(np.float64)
    false, found = 0, 0
    for _ in range(draws):
        first, second = random.choice(len(pool), 2, replace=False)
        base, head = rounds[:, first, 0], rounds[:, second, 1].copy()
        slowed = int(random.integers(len(rounds)))
        head[slowed] *= 1 + slow_down
        alarms = alarm(base, head)
        found += bool(slow_down and alarms[slowed])
        if slow_down:
            alarms[slowed] = False
        false += bool(alarms.any())
    return false, found
