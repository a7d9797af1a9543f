"""Where a series of commits changes: pure functions of numbers.

A segment is searched twice: for a place where all changes (Pettitt, "A non-parametric approach to
the change-point problem", Applied Statistics 28, 1979), and for a window that stands out, as a
change does that was taken back (the circular binary segmentation of Olshen and others,
Biostatistics 5, 2004). Either way the statistic is the largest standardised rank sum; its p value
is that of a permutation test of this maximum, so that having searched is accounted for. Ranks keep
one disturbed commit from deciding. Where the change stands is decided by the values themselves,
their outer tenths clipped: ranks would draw it towards the middle. Then the parts are searched
again.
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
"""Commits on each side of a change."""

PERMUTATIONS = 9_999
FALSE_DISCOVERIES = 0.1
"""Of all changes that are named, in whatever series, so many are none, in the mean, at most."""


@dataclass(frozen=True)
class ChangePoint:
    """A change of a series."""

    place: int  # index of the first value after it
    p: float  # so many are named, in the mean, of a segment without a change
    ratio: float  # after over before, as Hodges and Lehmann's estimate
    lower: float  # of its 95 % interval, by the place that was found; 0 where values are too few
    upper: float  # inf where they are
    before: float  # median of the values of the segment before it
    after: float


@dataclass(frozen=True)
class _Split:
    """A segment at its best places (one, or the two of a window), and the splits of its parts."""

    places: tuple[int, ...]
    p: float
    tests: int  # of its parts: those that are long enough
    parts: tuple[_Split, ...]

    def kept(self, level: float) -> Iterator[_Split]:
        """Yield it and the splits below it, as far down as their p values are small enough."""
        if self.p <= level:
            yield self
            for part in self.parts:
                yield from part.kept(level)


def find_changes(many: Sequence[Sequence[float]]) -> list[list[ChangePoint]]:
    """Find the changes of many series at once.

    The level is that of Benjamini and Hochberg's procedure over all that is tested, whole series
    and their parts: the largest at which the changes that would be named without any being there
    (level times tests) are `FALSE_DISCOVERIES` of those that are named. Values are above zero.
    """
    logs = [np.log(values) for values in many]
    trees = [_split(log, 0) if can_change(len(log)) else None for log in logs]
    found = [tree for tree in trees if tree is not None]
    level = _level(found)
    return [_measured(log, tree, level) for log, tree in zip(logs, trees, strict=True)]


def _level(trees: Sequence[_Split]) -> float:
    every = [split for tree in trees for split in tree.kept(FALSE_DISCOVERIES)]
    for level in sorted({split.p for split in every}, reverse=True):
        kept = [split for tree in trees for split in tree.kept(level)]
        tests = len(trees) + sum(split.tests for split in kept)
        if level * tests <= FALSE_DISCOVERIES * sum(len(split.places) for split in kept):
            return level
    return 0.0


@cache
def can_change(count: int) -> bool:
    """Return whether any series of so many values could ever count as changed."""
    return any(
        weight * (null >= null.max() * (1 - 1e-9)).mean() <= FALSE_DISCOVERIES
        for windows, weight in _kinds(count)
        for null in [_null(count, windows)]
    )


def _split(log: np.ndarray, start: int) -> _Split:
    """Return the best split of a segment that begins at `start`, and those of its parts."""
    ranks = stats.rankdata(log)
    clipped = np.clip(log, *np.quantile(log, (0.1, 0.9)))
    edges: tuple[int, ...] = ()
    p = 1.0
    for windows, weight in _kinds(len(log)):
        null = _null(len(log), windows)
        reached = int((null >= _scores(ranks, windows).max() * (1 - 1e-9)).sum())
        is_exact = null.size < PERMUTATIONS
        found = weight * (reached / null.size if is_exact else (1 + reached) / (1 + null.size))
        if found < p:
            p, edges = found, windows[int(np.argmax(_scores(clipped, windows)))]
    places = tuple(edge for edge in edges if edge)
    parts: list[_Split] = []
    if p <= FALSE_DISCOVERIES:
        pieces = list(pairwise([0, *places, len(log)]))
        parts = [_split(log[a:b], start + a) for a, b in pieces if can_change(b - a)]
    return _Split(tuple(start + place for place in places), p, len(parts), tuple(parts))


@cache
def _kinds(count: int) -> list[tuple[tuple[tuple[int, int], ...], int]]:
    """Return where windows begin and end, those from the segment's begin on and those within.

    Beside each kind what its p values are multiplied by: 2 for the first, which makes one change,
    and 4 for the second, which makes two; so a segment without a change gives, at a level, that
    many changes in the mean.
    """
    places = range(LEAST, count - LEAST + 1)
    whole = tuple((0, place) for place in places)
    within = tuple((low, high) for low in places for high in places if high - low >= LEAST)
    return [(whole, 2), (within, 4)] if within else [(whole, 1)] if whole else []


def _scores(values: np.ndarray, windows: Sequence[tuple[int, int]]) -> np.ndarray:
    """Return how far each window's sum is from its expectation, standardised by its length.

    The values stand along the last axis; a window is where it begins and ends.
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


def _measured(log: np.ndarray, tree: _Split | None, level: float) -> list[ChangePoint]:
    """Compare the segments on both sides of each change."""
    kept = tree.kept(level) if tree else ()
    places = sorted((place, split.p) for split in kept for place in split.places)
    edges = [0, *(place for place, _ in places), len(log)]
    found = []
    for number, (place, p) in enumerate(places):
        before, after = log[edges[number] : place], log[place : edges[number + 2]]
        shift = two_samples(before, after, 0.025, 0.025)
        logs = (shift.value, shift.lower, shift.upper, np.median(before), np.median(after))
        found.append(ChangePoint(place, p, *map(float, np.exp(logs))))
    return found
