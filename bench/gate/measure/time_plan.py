"""How the time is spent: what the next block measures, how many rounds, how long until a verdict.

It knows durations, and how many observations are missing; of verdicts it knows nothing.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TypeVar

from bench.gate.measure.block import Block, Settings

FEWEST_ROUNDS = 10
"""Of a benchmark in a process of the host, where the machine is too slow for more."""

FIRST_LOOKS_SHARE = 0.45
"""Of all time that the first look at everything may take; the rest is for what is undecided."""

USUAL_SHARE = 1.3
"""Until everything is decided it takes so many times what the first look at everything takes."""

SHORTEST_BLOCK_S = 15.0
BLOCKS_IN_ALL = 20

Key = TypeVar("Key")


class TimePlan:
    """The time of one comparison, which begins with the plan, or again with `begin`.

    Args:
        is_adaptive: whether slow machines have fewer rounds, and the last benchmarks on a device
            have more.
    """

    def __init__(self, max_seconds: float, settings: Settings, is_adaptive: bool) -> None:
        self.max_seconds = max_seconds
        self.rounds = settings.rounds
        self._is_adaptive = is_adaptive
        self._is_device = settings.is_device
        # A round on a device is a process, which warms up by itself.
        self._warmup_rounds = 0 if settings.is_device else settings.warmup_rounds
        self._per_block = settings.rounds if settings.is_device else 1
        self._started_s = time.monotonic()
        self._startup_s = 0.0
        self._setup_s: dict[str, float] = {}
        self._round_s: dict[str, float] = {}

    def begin(self) -> None:
        """Let the time begin now."""
        self._started_s = time.monotonic()

    @property
    def spent_s(self) -> float:
        """Seconds since it began."""
        return time.monotonic() - self._started_s

    @property
    def left_s(self) -> float:
        """Seconds until it is over."""
        return self.max_seconds - self.spent_s

    def learn(self, block: Block) -> None:
        """Take from a block how long things take."""
        self._startup_s = block.startup_s
        for name, took in block.took.items():
            self._setup_s[name] = took.setup_s
            self._round_s[name] = took.rounds_s / (block.rounds + self._warmup_rounds)

    def settle_rounds(self, observations: int) -> None:
        """Choose how many rounds let every benchmark have so many observations in good time."""
        if self._is_adaptive and not self._is_device:
            block_s = FIRST_LOOKS_SHARE * self.max_seconds / observations
            left_s = block_s - self._startup_s - sum(self._setup_s.values())
            rounds = int(left_s / max(1e-9, sum(self._round_s.values()))) - self._warmup_rounds
            self.rounds = max(min(FEWEST_ROUNDS, self.rounds), min(self.rounds, rounds))

    def choose(self, pending: Sequence[Key], name_of: Callable[[Key], str]) -> list[Key]:
        """Return what the next block measures: as many as fit, the first ones first.

        Returns:
            Nothing where no time is left for any.
        """
        left_s = self.left_s - self._startup_s
        limit_s = min(left_s, self._block_limit_s)
        chosen: list[Key] = []
        names: set[str] = set()
        for key in pending:
            names.add(name_of(key))
            if sum(map(self._took_s, names)) > (limit_s if chosen else left_s):
                break
            chosen.append(key)
        return chosen

    def rounds_for(self, names: Collection[str], needed: int) -> int:
        """Return how many rounds the next block has.

        On the host a process is an observation, whatever its rounds. On a device each round is one,
        and a block of few benchmarks has room for more rounds than one of many.

        Args:
            names: what it measures.
            needed: the most observations that one of them still needs.
        """
        if not (self._is_adaptive and self._is_device):
            return self.rounds
        left_s = min(self.left_s - self._startup_s, self._block_limit_s)
        left_s -= sum(self._setup_s[name] for name in names)
        fits = int(left_s / max(1e-9, sum(self._round_s[name] for name in names)))
        return max(self.rounds, min(fits, needed))

    def seconds_for(self, needed: Mapping[str, int]) -> float:
        """Return how long it takes until each benchmark has so many observations."""
        blocks = {name: math.ceil(count / self._per_block) for name, count in needed.items()}
        whole_s = sum(count * self._took_s(name) for name, count in blocks.items())
        starts = max(max(blocks.values(), default=0), math.ceil(whole_s / self._block_limit_s))
        return whole_s + starts * self._startup_s

    @property
    def _block_limit_s(self) -> float:
        """How long the benchmarks of a block may take: so that the first looks come soon."""
        return max(SHORTEST_BLOCK_S, self.max_seconds / BLOCKS_IN_ALL)

    def _took_s(self, name: str) -> float:
        return self._setup_s[name] + (self.rounds + self._warmup_rounds) * self._round_s[name]
