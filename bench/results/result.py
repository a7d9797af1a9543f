"""One benchmark's result, as the reports want it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Result:
    """The timed rounds of one benchmark.

    Attributes:
        quantity: the benchmark function, such as "test_classify".
        times_s: seconds of each round.
        info: the benchmark's `extra_info`.
    """

    quantity: str
    times_s: tuple[float, ...]
    info: dict[str, Any]

    @property
    def mean_ms(self) -> float:
        """Mean of the rounds in milliseconds."""
        return 1e3 * float(np.mean(self.times_s))

    @property
    def median_ms(self) -> float:
        """Median of the rounds in milliseconds."""
        return 1e3 * float(np.median(self.times_s))

    @property
    def percentile_95_ms(self) -> float:
        """95th percentile of the rounds in milliseconds, interpolated linearly."""
        return 1e3 * float(np.percentile(self.times_s, 95))
