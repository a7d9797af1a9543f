"""How long a candidate takes, as a share of what a fixed network takes at the same time.

Microseconds of one minute are not those of the next: clocks change, and other programs run. What
two networks share, because they take turns, is gone from the ratio of their times.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.runtimes import LoadedModel
from models.turns import take_turns

QUANTILE = 0.25
"""Of the rounds. What disturbs a round makes it longer, never shorter, so the quarter that was
disturbed least says more than the middle; unlike the least of all, it does not hang on one round.
"""


@dataclass(frozen=True)
class Latency:
    """Times of `invoke`, taken in turns.

    Attributes:
        ratio: the candidate's time divided by the reference's.
        candidate_us: lower quartile of the candidate's rounds, in microseconds.
        reference_us: lower quartile of the reference's rounds, in microseconds.
    """

    ratio: float
    candidate_us: float
    reference_us: float


def measure(candidate: LoadedModel, reference: LoadedModel, rounds: int) -> Latency:
    """Time candidate, reference, candidate, reference ... `rounds` times each.

    Each of the two runs after the other has used the caches, as it would between an application's
    other work.
    """
    return summarise(*take_turns((candidate, reference), rounds))


def summarise(candidate_ns: Sequence[int], reference_ns: Sequence[int]) -> Latency:
    """Reduce the rounds of both, in nanoseconds, to their lower quartiles and the ratio."""
    candidate_us, reference_us = (
        float(np.quantile(times, QUANTILE)) / 1e3 for times in (candidate_ns, reference_ns)
    )
    return Latency(candidate_us / reference_us, candidate_us, reference_us)
