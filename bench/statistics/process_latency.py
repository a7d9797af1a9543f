"""One number for a process: its latency, from its rounds.

It is the lower quartile of the rounds, not their median. In interleaved rounds every other one
finds the caches full of another party's data, and takes several per cent longer. The rounds come
in two kinds, half of each, and the median falls into the gap between them, where it jumps from one
to the other; the lower quartile is about the median of the undisturbed kind. Where rounds are not
interleaved it still leaves out what a neighbour on the machine disturbed.

All that compares latencies takes this one. Tables that describe a single run show the mean, the
median and the 95th percentile of its rounds, and call them so.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

QUANTILE = 0.25


def process_latency(rounds: Sequence[float]) -> float:
    """Return a process's latency, in the unit of its rounds.

    Raises:
        ValueError: there are no rounds, or the latency is not above zero.
    """
    if not len(rounds):
        raise ValueError("a benchmark has no rounds")
    value = float(np.quantile(rounds, QUANTILE))
    if not value > 0:
        raise ValueError("its rounds are not above zero: the timer is too coarse")
    return value


def log_ratio(base: Sequence[float], head: Sequence[float]) -> float:
    """Return the logarithm of the ratio of two processes' latencies, head over base.

    Raises:
        ValueError: as for `process_latency`.
    """
    return float(np.log(process_latency(head) / process_latency(base)))
