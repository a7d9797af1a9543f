"""A live comparison: exact figures first, then blocks until everything is decided."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Protocol

from bench.gate.errors import GateError
from bench.gate.judge.live_accuracy import measure_changed
from bench.gate.judge.outcome import Latency, Outcome
from bench.gate.judge.static_metrics import compare_partitions, compare_trees, read_tree
from bench.gate.judge.thresholds import ThresholdTable
from bench.gate.judge.verdict import Verdict
from bench.gate.measure.controller import BASE, HEAD, Block, Settings, Side, run_block
from bench.statistics.intervals import latency, log_ratio
from bench.statistics.sequential import Margins, SequentialTest

MUST_AGREE = ("threads", "protocol", "source", "dtype")
"""What of a host benchmark's `extra_info` must be the same on both sides."""


class Reporter(Protocol):
    """What is told of a comparison while it runs."""

    def tell(self, line: str) -> None:
        """Something that takes a while begins."""

    def begin_block(self, number: int, pending: int, suspects: int) -> None:
        """A block begins."""


@dataclass
class Comparison:
    """Compares two trees.

    Attributes:
        base, head: the trees.
        settings: how blocks are measured.
        thresholds: what is allowed.
        max_seconds: no block is begun that would probably end later than this.
        reporter: is told how it goes.
        outcome: what is known by now.
        blocks: all blocks so far, with their raw rounds.
        measure: measures a block; replaced where blocks were recorded before.
    """

    base: Side
    head: Side
    settings: Settings
    thresholds: ThresholdTable
    max_seconds: float
    reporter: Reporter
    outcome: Outcome
    photographs: str | None = None
    blocks: list[Block] = field(default_factory=list)
    measure: Callable[..., Block] = run_block
    _started: float = field(default_factory=time.monotonic)

    def run(self) -> Outcome:
        """Compare; what keeps the gate from judging is told in the outcome, not raised."""
        try:
            self._compare_trees()
            if not self._has_regressed:
                self._compare_latencies()
        except GateError as error:
            self.outcome.problems.append(error.message)
            self.outcome.details = error.details
        self.outcome.seconds = time.monotonic() - self._started
        self.outcome.blocks = len(self.blocks)
        return self.outcome

    @property
    def _has_regressed(self) -> bool:
        return any(row.verdict is Verdict.REGRESSED for row in self.outcome.figures)

    def _compare_trees(self) -> None:
        self.reporter.tell("reading the cards")
        base, head = read_tree(self.base.root, BASE), read_tree(self.head.root, HEAD)
        self._take(*compare_trees(base, head, self.thresholds))
        if not self._has_regressed:
            self._take(
                *measure_changed(base, head, self.thresholds, self.photographs, self.reporter.tell)
            )

    def _take(self, figures: list, problems: list[str], notes: list[str]) -> None:
        self.outcome.figures += figures
        self.outcome.problems += problems
        self.outcome.notes += notes

    def _compare_latencies(self) -> None:
        first = self._next_block(None, 0, 0)
        names = first.shared
        self._report_unshared(first)
        if not names:
            raise GateError("nothing to compare: no benchmark was measured on both sides")
        old, new = (
            {name: first.samples[side][name].info for name in names} for side in (BASE, HEAD)
        )
        self.outcome.problems += incomparable(old, new)
        self.outcome.figures += compare_partitions(old, new, self.thresholds)
        if self.outcome.problems or self._has_regressed:
            return
        test = SequentialTest({name: self._margins(first, name) for name in names})
        _add(test, first)
        while test.pending and self._has_time():
            pending = test.pending
            block = self._next_block(pending, len(pending), len(test.suspects()))
            if missing := set(pending).difference(block.shared):
                raise GateError(f"{min(missing)} was skipped in block {len(self.blocks)}")
            _add(test, block)
            self.outcome.latencies = latencies(test, self.blocks)
        self.outcome.latencies = latencies(test, self.blocks)

    def _next_block(self, wanted: Sequence[str] | None, pending: int, suspects: int) -> Block:
        number = len(self.blocks)
        self.reporter.begin_block(number, pending, suspects)
        block = self.measure(self.base, self.head, self.settings, number, wanted)
        self.blocks.append(block)
        return block

    def _has_time(self) -> bool:
        spent = time.monotonic() - self._started
        return spent + self.blocks[-1].seconds <= self.max_seconds

    def _margins(self, block: Block, name: str) -> Margins:
        sample = block.samples[BASE][name]
        allowed = self.thresholds.of(sample.info.get("architecture"))
        return Margins.of(
            allowed.min_effect,
            allowed.max_hidden_effect,
            allowed.floor_us,
            latency(sample.rounds_s),
        )

    def _report_unshared(self, block: Block) -> None:
        """Say which benchmarks only one side has, or measured; none of these can be judged."""
        for side, other, word in ((BASE, HEAD, "gone from head"), (HEAD, BASE, "new in head")):
            for name in block.samples[side].keys() - block.samples[other].keys():
                took = latency(block.samples[side][name].rounds_s) * 1e6
                if name in block.skipped[other]:
                    reason = block.skipped[other][name]
                    self.outcome.problems.append(f"{name}: {other} skipped it ({reason})")
                elif side == BASE:
                    self.outcome.problems.append(f"{name} is {word} ({took:.1f} us in base)")
                else:
                    self.outcome.notes.append(f"{name} is {word} ({took:.1f} us)")
        for name in block.skipped[BASE].keys() & block.skipped[HEAD].keys():
            self.outcome.notes.append(f"{name} was skipped ({block.skipped[HEAD][name]})")
        for name in block.skipped[BASE].keys() - block.skipped[HEAD].keys():
            if name not in block.samples[HEAD]:
                self.outcome.problems.append(f"{name} is gone from head (base skipped it)")


def incomparable(base: Mapping[str, Mapping], head: Mapping[str, Mapping]) -> list[str]:
    """Say which benchmarks must not be compared, and why, from both sides' `extra_info`."""
    from bench.gate.judge.comparable_devices import incomparable_because

    problems = []
    for name, old in base.items():
        new = head[name]
        reason = incomparable_because(old, new)
        for key in MUST_AGREE:
            if reason is None and old.get(key) != new.get(key):
                reason = f"other {key} ({old.get(key)}, {new.get(key)})"
        if reason is not None:
            problems.append(f"{name}: {reason}")
    return problems


def latencies(test: SequentialTest, blocks: Sequence[Block]) -> list[Latency]:
    """Return a row for each benchmark, from the decisions and all blocks."""
    return [
        Latency(name, _latency(blocks, BASE, name), _latency(blocks, HEAD, name), decision)
        for name, decision in test.decisions().items()
    ]


def _latency(blocks: Sequence[Block], side: str, name: str) -> float:
    return median(
        latency(block.samples[side][name].rounds_s) for block in blocks if name in block.shared
    )


def _add(test: SequentialTest, block: Block) -> None:
    for name in test.pending:
        sides = (block.samples[side][name].rounds_s for side in (BASE, HEAD))
        try:
            test.add(name, log_ratio(*sides))
        except ValueError as error:
            raise GateError(f"{name}: {error}") from None
