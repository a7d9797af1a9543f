"""A timer for pytest-benchmark that shows the device's time.

pytest-benchmark reads its timer before and after the function that it times, and takes the
difference. This timer reads 0 before, and what a round took on the device after: so the device's
figures go through pytest-benchmark's own statistics, tables and files, unrounded.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any


class DeviceClock:
    """A timer that shows the durations it is given, one after another.

    Use: `@pytest.mark.benchmark(timer=clock)`, then `clock.replay(benchmark, rounds, measure)`.
    """

    __name__ = "DeviceClock"  # what pytest-benchmark calls the timer in its files

    def __init__(self) -> None:
        self._now_s = 0.0

    def __call__(self) -> float:
        """Return the time in seconds."""
        return self._now_s

    def replay(self, benchmark: Any, rounds: int, measure: Callable[[], Sequence[float]]) -> None:
        """Let a benchmark have rounds that were measured on the device.

        Args:
            benchmark: pytest-benchmark's fixture, with this clock as its timer.
            rounds: how many.
            measure: returns what each round took, in seconds. It is called once, outside of what
                is timed but within the benchmark, so that what it raises counts as the
                benchmark's own error.
        """
        durations_s: list[float] = []

        def set_up() -> None:
            if not durations_s:
                durations_s.extend(reversed(measure()))
            self._now_s = 0.0  # so that the difference is the duration itself, to its last bit

        def advance() -> None:
            self._now_s = durations_s.pop()

        benchmark.pedantic(advance, setup=set_up, rounds=rounds, iterations=1)
