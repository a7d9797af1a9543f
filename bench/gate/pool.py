"""A pool of recorded blocks of identical sides, and drawing whole comparisons from it.

A live comparison takes minutes, so that a rate of 1 in 100 cannot be seen in a hundred of them.
Blocks are recorded instead, each a fresh process pair with all benchmarks, and comparisons are
drawn from them in runs of consecutive blocks, so that what lasts for several blocks (a neighbour,
a clock) stays together (moving block bootstrap: Kuensch, "The jackknife and the bootstrap for
general stationary observations", Annals of Statistics 17, 1989). Runs are drawn without
replacement: as in life, no block serves a comparison twice. A block keeps all of its benchmarks,
so that what disturbs them together stays together too. Nothing is centred and no names are
swapped: a systematic difference between the sides would show up as false alarms. A slow-down is
added to the logarithms of one benchmark, drawn at random; that this is what a slow-down does is
what the live comparisons show, in which the benchmark really is slowed.
"""

from __future__ import annotations

import gzip
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.gate.errors import GateError
from bench.gate.judge.verdict import Verdict, exit_status
from bench.gate.measure.controller import BASE, HEAD, Block
from bench.output.whole_file import write
from bench.statistics.intervals import QUANTILE
from bench.statistics.sequential import Margins, SequentialTest

FORMAT = 1
UNIT_S = 1e-9
RUN_BLOCKS = 5
"""How many consecutive blocks stay together."""


@dataclass
class Pool:
    """Recorded blocks.

    Attributes:
        about: machine, commit, condition.
        rounds_ns: whole nanoseconds; by benchmark an array of shape (blocks, 2, rounds), base
            before head.
        seconds: how long each block took.
        comparisons: what live comparisons came to.
    """

    about: dict[str, Any]
    rounds_ns: dict[str, np.ndarray]
    seconds: list[float]
    comparisons: list[dict[str, Any]]

    @property
    def names(self) -> list[str]:
        """Benchmarks."""
        return list(self.rounds_ns)

    def __len__(self) -> int:
        return len(self.seconds)

    def add(self, block: Block) -> None:
        """Append a block of all benchmarks.

        Raises:
            GateError: it has other benchmarks than the blocks before.
        """
        new = {
            name: np.rint([[_rounds_ns(block, side, name) for side in (BASE, HEAD)]]).astype(
                np.int64
            )
            for name in sorted(block.shared)
        }
        if self.rounds_ns and new.keys() != self.rounds_ns.keys():
            raise GateError("the recorded blocks are of other benchmarks: name another --output")
        for name, rounds in new.items():
            old = self.rounds_ns.get(name, rounds[:0])
            self.rounds_ns[name] = np.concatenate([old, rounds])
        self.seconds.append(block.seconds)

    def log_ratios(self, quantile: float = QUANTILE) -> np.ndarray:
        """Return the logarithm of head's latency over base's, shape (blocks, benchmarks).

        Args:
            quantile: of the rounds; the gate's own by default.
        """
        rounds = [self.rounds_ns[name] for name in self.names]
        latencies = np.stack([np.quantile(each, quantile, axis=2) for each in rounds])
        return np.log(latencies[:, :, 1] / latencies[:, :, 0]).T

    def latencies_s(self) -> np.ndarray:
        """Return each benchmark's latency over all rounds of base, in seconds."""
        return np.array(
            [np.quantile(self.rounds_ns[name][:, 0], QUANTILE) * UNIT_S for name in self.names]
        )


def read(path: Path) -> Pool:
    """Read a pool.

    Raises:
        GateError: it is missing or damaged.
    """
    try:
        with gzip.open(path, "rt", encoding="utf-8") as file:
            data = json.load(file)
        if data["format"] != FORMAT:
            raise ValueError(f"format {data['format']}")
        rounds = {name: np.array(values, np.int64) for name, values in data["rounds_ns"].items()}
        pool = Pool(data["about"], rounds, data["seconds"], data["comparisons"])
    except FileNotFoundError:
        raise GateError(f"{path}: no blocks were recorded yet") from None
    except (OSError, EOFError, ValueError, KeyError, TypeError) as error:
        raise GateError(f"{path}: not a pool of blocks ({error})") from None
    if any(values.shape[:2] != (len(pool), 2) for values in rounds.values()):
        raise GateError(f"{path}: its benchmarks have different numbers of blocks")
    return pool


def save(pool: Pool, path: Path) -> None:
    """Write a pool, whole or not at all."""
    data = {
        "format": FORMAT,
        "about": pool.about,
        "seconds": [round(value, 3) for value in pool.seconds],
        "comparisons": pool.comparisons,
        "rounds_ns": {name: values.tolist() for name, values in pool.rounds_ns.items()},
    }
    content = gzip.compress(json.dumps(data, separators=(",", ":")).encode(), mtime=0)
    write(path, lambda temporary: temporary.write_bytes(content))


@dataclass(frozen=True)
class Drawn:
    """A comparison that was drawn from a pool.

    Attributes:
        false_alarms: benchmarks of the same speed that were called regressed.
        slowed: the verdict on the benchmark that was slowed; None where none was.
        blocks: process pairs that it took.
        seconds: how long these would have taken.
        status: exit status that it would have had.
    """

    false_alarms: int
    slowed: Verdict | None
    blocks: int
    seconds: float
    status: int


class Resampler:
    """Draws comparisons from a pool.

    Args:
        pool: recorded blocks of identical sides.
        thresholds: min_effect, max_hidden_effect and floor_us.
        max_seconds: of a comparison.
        startup_s: what a block takes when it holds no benchmark; a block's time is this and, for
            the rest of the recorded time, the share of the benchmarks still open.
    """

    def __init__(
        self,
        pool: Pool,
        thresholds: tuple[float, float, float],
        max_seconds: float,
        startup_s: float,
    ) -> None:
        self._names = pool.names
        self._observed = pool.log_ratios()
        self._seconds = pool.seconds
        self._margins = {
            name: Margins.of(*thresholds, latency_s)
            for name, latency_s in zip(self._names, pool.latencies_s(), strict=True)
        }
        self._max_seconds = max_seconds
        self._startup_s = startup_s
        self._slowable = [
            index for index, name in enumerate(self._names)
            if self._margins[name].effect <= math.log1p(thresholds[0]) + 1e-12
        ]  # fmt: skip

    def draw(self, random: np.random.Generator, slow_down: float = 0.0) -> Drawn:
        """Draw a comparison.

        Args:
            random: where from.
            slow_down: as a share of the base's latency, of one benchmark; 0 for none.
        """
        added = np.zeros(len(self._names))
        slowed = None
        if slow_down:
            index = random.choice(self._slowable)
            slowed, added[index] = self._names[index], math.log1p(slow_down)
        test = SequentialTest(self._margins)
        spent, blocks, last = 0.0, 0, 0.0
        for position in _order(len(self._seconds), random):
            if not test.pending or spent + last > self._max_seconds:
                break
            share = len(test.pending) / len(self._names)
            last = self._startup_s + share * max(0.0, self._seconds[position] - self._startup_s)
            row = self._observed[position] + added
            for index, name in enumerate(self._names):
                test.add(name, float(row[index]))
            spent, blocks = spent + last, blocks + 1
        verdicts = {name: decision.verdict for name, decision in test.decisions().items()}
        innocent = [verdict for name, verdict in verdicts.items() if name != slowed]
        return Drawn(
            sum(verdict is Verdict.REGRESSED for verdict in innocent),
            verdicts[slowed] if slowed else None,
            blocks,
            spent,
            exit_status(verdicts.values()),
        )


def _rounds_ns(block: Block, side: str, name: str) -> np.ndarray:
    return np.asarray(block.samples[side][name].rounds_s) / UNIT_S


def _order(count: int, random: np.random.Generator) -> Iterator[int]:
    """Yield the numbers of all blocks in runs, from a random offset, the runs in random order.

    A pool that is used up is gone through once more, in another order.
    """
    while True:
        rotated = np.roll(np.arange(count), -int(random.integers(count)))
        runs = [rotated[start : start + RUN_BLOCKS] for start in range(0, count, RUN_BLOCKS)]
        for number in random.permutation(len(runs)):
            yield from (int(position) for position in runs[number])
