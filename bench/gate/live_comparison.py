"""A live comparison: static metrics first, then blocks until everything is decided."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from statistics import median
from typing import Protocol

from bench.gate.judge.comparable import incomparable
from bench.gate.judge.live_accuracy import measure_changed
from bench.gate.judge.outcome import Figure, Latency, Outcome
from bench.gate.judge.static_metrics import (
    compare_infos,
    compare_partitions,
    compare_trees,
    differing_files,
    read_tree,
)
from bench.gate.judge.thresholds import ThresholdTable
from bench.gate.measure.block import HEAD, Block, Settings, Tree
from bench.gate.measure.controller import run_block
from bench.gate.measure.gate_error import GateError
from bench.gate.measure.time_plan import FEWEST_ROUNDS, USUAL_SHARE, TimePlan
from bench.statistics.process_latency import log_ratio, process_latency
from bench.statistics.sequential import SCREENING, Margins, SequentialTest
from bench.statistics.verdict import Verdict

SCOUTING_ROUNDS, DEVICE_SCOUTING_ROUNDS = FEWEST_ROUNDS, 2
"""Of the first block, which has everything, and tells how long things take."""

Pair = tuple[str, str]
"""A base's name, and a benchmark's."""


class Reporter(Protocol):
    """What is told of a comparison while it runs."""

    def tell(self, line: str) -> None:
        """Something that takes a while begins."""

    def announce(self, line: str) -> None:
        """Something that people want to know now."""

    def begin_block(self, number: int, pending: int, suspects: int) -> None:
        """A block begins."""


@dataclass
class LiveComparison:
    """Compares a tree with others, its bases, in one run that shares its measurements.

    Attributes:
        bases: by what the outcome calls each: its revision, or "" for the only one.
        head: the tree that is judged.
        settings: how blocks are measured.
        thresholds: what is allowed.
        plan: of the time.
        reporter: is told how it goes.
        outcome: what is known by now.
        photographs: their directory; None for where they usually are.
        blocks: all blocks so far, with their raw rounds.
    """

    bases: dict[str, Tree]
    head: Tree
    settings: Settings
    thresholds: ThresholdTable
    plan: TimePlan
    reporter: Reporter
    outcome: Outcome
    photographs: str | None = None
    blocks: list[Block] = field(default_factory=list)

    def run(self) -> None:
        """Compare; what is found is in the outcome, also where this ends with an error.

        Raises:
            GateError: the gate cannot judge.
        """
        try:
            self._compare_trees()
            if not self._has_regressed:
                self._compare_latencies()
        finally:
            self.outcome.seconds = self.plan.spent_s
            self.outcome.blocks = len(self.blocks)

    @property
    def _has_regressed(self) -> bool:
        return any(row.verdict is Verdict.REGRESSED for row in self.outcome.figures)

    def _compare_trees(self) -> None:
        self.reporter.tell("reading the cards")
        head = read_tree(self.head.root, HEAD)
        for against, tree in self.bases.items():
            if tree.root == self.head.root:
                continue
            base = read_tree(tree.root, tree.name)
            compare = [
                partial(compare_trees, base, head, self.thresholds),
                partial(
                    measure_changed, base, head, self.thresholds, self.photographs,
                    self.reporter.tell,
                ),
            ]  # fmt: skip
            for step in compare:
                if not self._has_regressed:
                    figures, problems, notes = step()
                    self._take_figures(figures, against)
                    self.outcome.problems += problems
                    self.outcome.notes += notes

    def _take_figures(self, figures: Iterable[Figure], against: str) -> None:
        self.outcome.figures += [replace(figure, against=against) for figure in figures]

    def _compare_latencies(self) -> None:
        scouting = DEVICE_SCOUTING_ROUNDS if self.settings.is_device else SCOUTING_ROUNDS
        rounds = min(scouting, self.settings.rounds)
        self.reporter.tell("measuring everything once, to see how long it takes")
        first = self._measure(rounds, None)
        pairs = self._pairs(first)
        if self.outcome.problems or self._has_regressed:
            return
        observed = self._observe(first, pairs)
        test = SequentialTest({pair: self._margins(first, pair) for pair in pairs})
        test.add(observed)
        self.plan.settle_rounds(min(SCREENING))
        self._announce(test)
        while chosen := self.plan.choose(self._in_order(test), lambda pair: pair[1]):
            self.reporter.begin_block(len(self.blocks), len(test.pending), len(test.suspects()))
            needed = test.still_needed()
            names = {name for _, name in chosen}
            rounds = self.plan.rounds_for(names, max(needed[pair] for pair in chosen))
            block = self._measure(rounds, chosen)
            test.add(self._observe(block, chosen))
            self.outcome.latencies = self._latencies(test)
        self.outcome.latencies = self._latencies(test)
        self.outcome.more_seconds = self._seconds_needed(test) if test.pending else 0.0

    def _measure(self, rounds: int, pairs: Sequence[Pair] | None) -> Block:
        trees = [*self.bases.values(), self.head]
        wanted = None
        if pairs is not None:
            wanted = {
                tree.name: [name for base, name in pairs if base == tree.name] for tree in trees
            }
            wanted[HEAD] = list(dict.fromkeys(name for _, name in pairs))
        settings = replace(self.settings, rounds=rounds)
        block = run_block(trees, settings, len(self.blocks), wanted)
        self.blocks.append(block)
        self.plan.learn(block)
        return block

    def _pairs(self, block: Block) -> list[Pair]:
        """Return what can be compared; say of what cannot why."""
        pairs = []
        for against, tree in self.bases.items():
            shared = block.shared(tree.name)
            self._report_unshared(block, tree.name)
            old, new = (
                {name: block.samples[each][name].info for name in shared}
                for each in (tree.name, HEAD)
            )
            self.outcome.problems += incomparable(old, new)
            of_users = [name for name in shared if not new[name].get("architecture")]
            before, after = ({name: each[name] for name in of_users} for each in (old, new))
            self._take_figures(compare_infos(before, after, self.thresholds), against)
            self._take_figures(compare_partitions(old, new, self.thresholds), against)
            self.outcome.notes += differing_files(before, after)
            pairs += [(tree.name, name) for name in shared]
        if not pairs:
            raise GateError("nothing to compare: no benchmark was measured in both trees")
        return pairs

    def _observe(self, block: Block, pairs: Iterable[Pair]) -> dict[Pair, list[float]]:
        """Return the logarithms of ratios that a block gives of each pair."""
        found = {}
        for base, name in pairs:
            if name not in block.shared(base):
                raise GateError(f"{name} was skipped in block {len(self.blocks)}")
            old, new = (block.samples[each][name].rounds_s for each in (base, HEAD))
            processes = [(old, new)]  # on a host, all rounds are of one process
            if self.settings.is_device:  # there each round is a process of its own
                processes = [((before,), (after,)) for before, after in zip(old, new, strict=False)]
            try:
                found[base, name] = [log_ratio(*each) for each in processes]
            except ValueError as error:
                raise GateError(f"{name}: {error}") from None
        return found

    def _margins(self, block: Block, pair: Pair) -> Margins:
        sample = block.samples[pair[0]][pair[1]]
        allowed = self.thresholds.of(sample.info.get("architecture"))
        latency_s = process_latency(sample.rounds_s)
        return Margins.of(allowed.min_effect, allowed.margin, allowed.floor_us, latency_s)

    def _announce(self, test: SequentialTest[Pair]) -> None:
        """Say how long it will take, and whether that is too long."""
        minutes = (self.plan.spent_s + USUAL_SHARE * self._seconds_needed(test)) / 60
        have = self.plan.max_seconds / 60
        line = f"a verdict on {len(test.pending)} benchmarks takes about {minutes:.1f} minutes"
        if minutes > have:
            line += f", and --max-minutes is {have:g}: some will probably have none"
        self.reporter.announce(line)

    def _in_order(self, test: SequentialTest[Pair]) -> list[Pair]:
        """Return what is open: suspects first, then what is nearest to a look.

        Where time is too short for everything, suspects alone: a regression is a verdict.
        """
        suspects, needed = set(test.suspects()), test.still_needed()
        if suspects and self._seconds_needed(test) > self.plan.left_s:
            needed = {pair: needed[pair] for pair in suspects}
        return sorted(needed, key=lambda pair: (pair not in suspects, needed[pair]))

    def _seconds_needed(self, test: SequentialTest[Pair]) -> float:
        needed: dict[str, int] = {}
        for (_, name), count in test.still_needed().items():
            needed[name] = max(count, needed.get(name, 0))
        return self.plan.seconds_for(needed)

    def _latencies(self, test: SequentialTest[Pair]) -> list[Latency]:
        """Return a row for each benchmark and base, from the decisions and all blocks."""
        names = {tree.name: against for against, tree in self.bases.items()}
        rows = []
        for (base, name), decision in test.decisions().items():
            base_s, head_s = (self._latency(each, name) for each in (base, HEAD))
            rows.append(Latency(name, base_s, head_s, decision, names[base]))
        return rows

    def _latency(self, tree: str, name: str) -> float:
        found = (block.samples[tree].get(name) for block in self.blocks)
        return median(process_latency(sample.rounds_s) for sample in found if sample)

    def _report_unshared(self, block: Block, base: str) -> None:
        """Say which benchmarks only one tree has, or measured; none of these can be judged."""
        problems, notes = self.outcome.problems, self.outcome.notes
        for tree, other in ((base, HEAD), (HEAD, base)):
            for name in block.samples[tree].keys() - block.samples[other].keys():
                if name in block.skipped[other]:
                    problems.append(f"{name}: {other} skipped it ({block.skipped[other][name]})")
                elif other == HEAD:
                    problems.append(f"{name} is gone from head")
                else:
                    notes.append(f"{name} is new in head")
        for name, reason in block.skipped[base].items():
            if name in block.skipped[HEAD]:
                notes.append(f"{name} was skipped ({reason})")
            elif name not in block.samples[HEAD]:
                problems.append(f"{name} is gone from head ({base} skipped it)")
