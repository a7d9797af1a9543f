"""From blocks of rounds to ratios with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bench.statistics.intervals import one_sample
from bench.statistics.process_latency import process_latency

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Ratio:
    """One model's latency over another's.

    Attributes:
        value: Hodges-Lehmann estimate over the blocks.
        lower, upper: bounds of its 95 % interval; 0 and infinity where there are too few blocks.
        latency_us: the median over the blocks of the other model's process latency.
    """

    value: float
    lower: float
    upper: float
    latency_us: float


def ratios(blocks: Sequence[Sequence[Sequence[int]]]) -> list[Ratio]:
    """Compare the first model of each block with each of the others, and with itself.

    The process is the unit of repetition, as in the gate: a block gives one number a pair, the
    logarithm of the ratio of two process latencies, and `one_sample` makes an interval of these.

    Args:
        blocks: of processes; in each, a list of rounds in nanoseconds for every model.

    Raises:
        ValueError: there are no blocks, or the latency of a model is not above zero.
    """
    latencies_ns = np.array([[process_latency(rounds) for rounds in block] for block in blocks])
    if not latencies_ns.size:
        raise ValueError("no blocks")
    level = (1 - CONFIDENCE) / 2
    found = []
    for column in latencies_ns.T:
        estimate = one_sample(np.log(latencies_ns[:, 0] / column), level, level)
        value, lower, upper = np.exp([estimate.value, estimate.lower, estimate.upper]).tolist()
        found.append(Ratio(value, lower, upper, float(np.median(column)) / 1e3))
    return found
