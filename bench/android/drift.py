"""Whether the rounds of a model became slower: what a phone that tells of no heat shows of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

MIN_ROUNDS = 30
"""Fewer rounds cannot tell a drift from noise: a third of them is compared with a third."""

THROTTLED_SLOWDOWN = 0.1
"""A phone that throttles slows down by a fifth to a half; the noise of medians stays below."""

LEVEL = 0.001


@dataclass(frozen=True)
class Drift:
    """How the last third of the rounds compares with the first.

    Attributes:
        slowdown: by which share the median is larger.
        p_value: of the one-sided Mann-Whitney test that the last third is slower.
    """

    slowdown: float
    p_value: float

    @property
    def is_throttling(self) -> bool:
        """Whether it is too large, and too sure, for anything but heat."""
        return self.slowdown >= THROTTLED_SLOWDOWN and self.p_value < LEVEL


def drift_of(durations: Sequence[float]) -> Drift | None:
    """Return the drift of rounds in their order (any unit); None for fewer than `MIN_ROUNDS`."""
    if len(durations) < MIN_ROUNDS:
        return None
    from scipy.stats import mannwhitneyu

    third = len(durations) // 3
    first, last = np.asarray(durations[:third]), np.asarray(durations[-third:])
    slowdown = float(np.median(last) / np.median(first)) - 1
    return Drift(slowdown, float(mannwhitneyu(last, first, alternative="greater").pvalue))
