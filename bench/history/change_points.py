"""Where a series of sessions changes: pure functions of numbers.

A segment is searched twice: for a place where all changes (Pettitt, "A non-parametric approach to
the change-point problem", Applied Statistics 28, 1979), and for a window that stands out, as a
change does that was taken back (the circular binary segmentation of Olshen and others,
Biostatistics 5, 2004). Either way the statistic is the largest standardised rank sum; its p value
is that of a permutation test of this maximum, so that having searched is accounted for, and is
doubled for the two ways. Ranks keep one disturbed session from deciding. Where the change stands is
decided by the values themselves, their outer tenths clipped: ranks would draw it towards the
middle. Then the parts are searched again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np
from scipy import stats

from bench.statistics.intervals import two_samples

LEAST = 2
"""Sessions on each side of a change."""

PERMUTATIONS = 9_999
FALSE_DISCOVERIES = 0.1
"""Of the series that are said to have changed, so many have not, in the mean, at most."""


@dataclass(frozen=True)
class Change:
    """A change of a series.

    Attributes:
        place: index of the first value after it.
        p: probability of such a change somewhere in its segment, if there were none.
        ratio: after over before, as Hodges and Lehmann's estimate.
        lower, upper: its 95 % interval, by the place that was found; 0 and inf where there are too
            few values for one.
        before, after: medians of the values of the segments on both sides.
    """

    place: int
    p: float
    ratio: float
    lower: float
    upper: float
    before: float
    after: float


def find_changes(
    many: Sequence[Sequence[float]], groups: Sequence[Sequence[int]]
) -> list[list[Change]]:
    """Find the changes of many series at once.

    A series counts as changed by the procedure of Benjamini and Hochberg over all series; the
    level that this gives holds for further changes of a series, too.

    Args:
        many: series of values above zero, in order, such as a median latency a session.
        groups: of each value, equal for values between which there can be no change, such as those
            of one commit.
    """
    if not len(many):
        return []
    logs = [np.log(values) for values in many]
    first = [_split(log, tuple(group)) for log, group in zip(logs, groups, strict=True)]
    adjusted = stats.false_discovery_control([p for _, p in first])
    level = FALSE_DISCOVERIES * (adjusted <= FALSE_DISCOVERIES).mean()
    return [
        _measured(log, sorted(_search(log, tuple(group), 0, level)))
        for log, group in zip(logs, groups, strict=True)
    ]


def can_change(group: Sequence[int]) -> bool:
    """Return whether any series of these groups could ever count as changed."""
    kinds = _windows(tuple(group))
    nulls = [_null(len(group), windows) for windows in kinds]
    least = (float((null >= null.max() * (1 - 1e-9)).mean()) for null in nulls)
    return bool(kinds) and len(kinds) * min(least) <= FALSE_DISCOVERIES


def _search(
    log: np.ndarray, group: tuple[int, ...], start: int, level: float
) -> Iterator[tuple[int, float]]:
    """Yield the place and p value of each change of a segment that begins at `start`."""
    places, p = _split(log, group)
    if places and p <= level:
        edges = [0, *places, len(log)]
        yield from ((start + place, p) for place in places)
        for low, high in pairwise(edges):
            yield from _search(log[low:high], group[low:high], start + low, level)


def _split(log: np.ndarray, group: tuple[int, ...]) -> tuple[list[int], float]:
    """Return where a segment is split best, once or twice, and the p value; none and 1 if never."""
    ranks = stats.rankdata(log)
    clipped = np.clip(log, *np.quantile(log, (0.1, 0.9)))
    kinds = _windows(group)
    found: tuple[list[int], float] = [], 1.0
    for windows in kinds:
        null = _null(len(group), windows)
        reached = int((null >= _scores(ranks, windows).max() * (1 - 1e-9)).sum())
        is_exact = null.size < PERMUTATIONS
        p = reached / null.size if is_exact else (1 + reached) / (1 + null.size)
        if len(kinds) * p < found[1]:
            best = windows[int(np.argmax(_scores(clipped, windows)))]
            found = [edge for edge in best if edge], len(kinds) * p
    return found


@cache
def _windows(group: tuple[int, ...]) -> list[tuple[tuple[int, int], ...]]:
    """Return where windows begin and end: those from the segment's begin on, then those within."""
    places = [
        place for place in range(LEAST, len(group) - LEAST + 1) if group[place] != group[place - 1]
    ]
    within = [(low, high) for low in places for high in places if high - low >= LEAST]
    return [tuple(kind) for kind in ([(0, place) for place in places], within) if kind]


def _scores(values: np.ndarray, windows: Sequence[tuple[int, int]]) -> np.ndarray:
    """Return how far each window's sum is from its expectation, standardised by its length.

    Args:
        values: along the last axis.
        windows: where each begins and ends.
    """
    low, high = np.array(windows).T
    count, size = values.shape[-1], high - low
    centred = values - values.mean(axis=-1, keepdims=True)
    sums = np.cumsum(np.insert(centred, 0, 0.0, axis=-1), axis=-1)
    return np.abs(sums[..., high] - sums[..., low]) / np.sqrt(size * (count - size) / count)


@cache
def _null(count: int, windows: tuple[tuple[int, int], ...]) -> np.ndarray:
    """Return the largest score of permuted ranks, of all permutations or of many."""
    return stats.permutation_test(
        (np.arange(1.0, count + 1),),
        lambda ranks, axis: _scores(np.moveaxis(ranks, axis, -1), windows).max(axis=-1),
        permutation_type="pairings",
        alternative="greater",
        n_resamples=PERMUTATIONS,
        batch=max(1, 10_000_000 // len(windows)),
        vectorized=True,
        rng=0,
    ).null_distribution


def _measured(log: np.ndarray, places: Sequence[tuple[int, float]]) -> list[Change]:
    """Compare the segments on both sides of each change."""
    edges = [0, *(place for place, _ in places), len(log)]
    found = []
    for number, (place, p) in enumerate(places):
        before, after = log[edges[number] : place], log[place : edges[number + 2]]
        shift = two_samples(before, after, 0.025, 0.025)
        logs = (shift.value, shift.lower, shift.upper, np.median(before), np.median(after))
        found.append(Change(place, p, *map(float, np.exp(logs))))
    return found
