"""What was measured of one benchmark."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np


def without_file(fullname: str) -> str:
    """Return pytest's id of a benchmark without its file; parameters may hold "::" as well."""
    function, bracket, parameters = fullname.partition("[")
    return function.rpartition("::")[2] + bracket + parameters


@dataclass(frozen=True)
class Result:
    """The timed rounds of one benchmark.

    Attributes:
        fullname: pytest's id of the benchmark, such as "bench/test_a.py::test_classify[x]".
        times_s: seconds of each round.
        info: the benchmark's `extra_info`.
    """

    fullname: str
    times_s: tuple[float, ...]
    info: dict[str, Any]

    @property
    def name(self) -> str:
        """The benchmark function and its parameters, such as "test_classify[x]"."""
        return without_file(self.fullname)

    @property
    def quantity(self) -> str:
        """The benchmark function, such as "test_classify"."""
        return self.name.partition("[")[0]

    @property
    def mean_ms(self) -> float:
        """Mean of the rounds in milliseconds."""
        return 1e3 * float(np.mean(self.times_s))

    @property
    def median_s(self) -> float:
        """Median of the rounds in seconds."""
        return float(np.median(self.times_s))

    @property
    def median_ms(self) -> float:
        """Median of the rounds in milliseconds."""
        return 1e3 * self.median_s

    @property
    def percentile_95_ms(self) -> float:
        """95th percentile of the rounds in milliseconds, interpolated linearly."""
        return 1e3 * float(np.percentile(self.times_s, 95))
