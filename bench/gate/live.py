"""A live comparison: static metrics first, then blocks until all is decided or the time is over."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from statistics import median
from typing import TypeVar

from bench.gate.judge.figures import (
    compare_infos,
    compare_partitions,
    compare_trees,
    differing_files,
    incomparable,
    measure_changed,
    read_tree,
)
from bench.gate.judge.thresholds import ThresholdTable
from bench.gate.judge.verdict import Figure, Latency, Outcome
from bench.gate.measure.controller import Block, run_block
from bench.gate.measure.worker import HEAD, GateError, Sampling, Tree
from bench.gate.show import Progress
from bench.statistics.intervals import log_ratio, process_latency
from bench.statistics.sequential import SCREENING, Margins, SequentialTest, Verdict

FEWEST_ROUNDS = 10
"""Of a benchmark in a process of the host, where the machine is too slow for more."""

SCOUTING_ROUNDS, DEVICE_SCOUTING_ROUNDS = FEWEST_ROUNDS, 2
"""Of the first block, which has everything, and tells how long things take."""

FIRST_LOOKS_SHARE = 0.45
"""Of all time that the first look at everything may take; the rest is for what is undecided."""

USUAL_SHARE = 1.3
"""Until everything is decided it takes so many times what the first look at everything takes."""

SHORTEST_BLOCK_S = 15.0
BLOCKS_IN_ALL = 20

Pair = tuple[str, str]
"""A base's name, and a benchmark's."""

Key = TypeVar("Key")


class LiveComparison:
    """Compares a tree with others, its bases, in one sitting that shares its measurements.

    Args:
        bases: by what the outcome calls each: its revision, or "" for the only one.
        head: the tree that is judged.
        sampling: how blocks are measured.
        thresholds: what is allowed.
        plan: of the time.
        progress: is told how it goes.
        photographs: their directory; None for where they usually are.

    Attributes:
        blocks: all blocks so far, with their raw rounds.
    """

    def __init__(
        self, bases: Mapping[str, Tree], head: Tree, sampling: Sampling,
        thresholds: ThresholdTable, plan: TimePlan, progress: Progress,
        photographs: str | None = None,
    ) -> None:  # fmt: skip
        self._bases = bases
        self._head = head
        self._sampling = sampling
        self._thresholds = thresholds
        self._plan = plan
        self._progress = progress
        self._photographs = photographs
        self._outcome = Outcome()
        self.blocks: list[Block] = []

    def run(self) -> Outcome:
        """Compare; what ends it too soon is a problem in the outcome, beside what was found."""
        try:
            self._compare_trees()
            if not self._has_regressed:
                self._compare_latencies()
        except Exception as error:
            self._outcome.fail(error)
        self._outcome.seconds = self._plan.spent_s
        self._outcome.blocks = len(self.blocks)
        return self._outcome

    @property
    def _has_regressed(self) -> bool:
        return any(row.verdict is Verdict.REGRESSED for row in self._outcome.figures)

    def _compare_trees(self) -> None:
        self._progress.tell("reading the cards")
        head = read_tree(self._head.root, HEAD)
        for against, tree in self._bases.items():
            if tree.root == self._head.root:
                continue
            base = read_tree(tree.root, tree.name)
            compare = [
                partial(compare_trees, base, head, self._thresholds),
                partial(
                    measure_changed, base, head, self._thresholds, self._photographs,
                    self._progress.tell,
                ),
            ]  # fmt: skip
            for step in compare:
                if not self._has_regressed:
                    figures, problems, notes = step()
                    self._take_figures(figures, against)
                    self._outcome.problems += problems
                    self._outcome.notes += notes

    def _take_figures(self, figures: Iterable[Figure], against: str) -> None:
        self._outcome.figures += [replace(figure, against=against) for figure in figures]

    def _compare_latencies(self) -> None:
        scouting = DEVICE_SCOUTING_ROUNDS if self._sampling.is_device else SCOUTING_ROUNDS
        rounds = min(scouting, self._sampling.rounds)
        self._progress.tell("measuring everything once, to see how long it takes")
        first = self._measure(rounds, None)
        pairs = self._pairs(first)
        if self._outcome.problems or self._has_regressed:
            return
        observed = self._observe(first, pairs)
        test = SequentialTest({pair: self._margins(first, pair) for pair in pairs})
        test.add(observed)
        self._plan.settle_rounds(min(SCREENING))
        self._announce(test)
        while chosen := self._plan.choose(self._in_order(test), lambda pair: pair[1]):
            self._progress.begin_block(len(self.blocks), len(test.pending), len(test.suspects()))
            needed = test.still_needed()
            names = {name for _, name in chosen}
            rounds = self._plan.rounds_for(names, max(needed[pair] for pair in chosen))
            block = self._measure(rounds, chosen)
            test.add(self._observe(block, chosen))
            self._outcome.latencies = self._latencies(test)
        self._outcome.latencies = self._latencies(test)
        self._outcome.more_seconds = self._seconds_needed(test) if test.pending else 0.0

    def _measure(self, rounds: int, pairs: Sequence[Pair] | None) -> Block:
        trees = [*self._bases.values(), self._head]
        wanted = None
        if pairs is not None:
            wanted = {
                tree.name: [name for base, name in pairs if base == tree.name] for tree in trees
            }
            wanted[HEAD] = list(dict.fromkeys(name for _, name in pairs))
        sampling = replace(self._sampling, rounds=rounds)
        block = run_block(trees, sampling, len(self.blocks), wanted)
        self.blocks.append(block)
        self._plan.learn(block)
        return block

    def _pairs(self, block: Block) -> list[Pair]:
        """Return what can be compared; say of what cannot why."""
        pairs = []
        for against, tree in self._bases.items():
            shared = block.shared(tree.name)
            self._report_unshared(block, tree.name)
            old, new = (
                {name: block.samples[each][name].info for name in shared}
                for each in (tree.name, HEAD)
            )
            self._outcome.problems += incomparable(old, new)
            of_users = [name for name in shared if not new[name].get("architecture")]
            before, after = ({name: each[name] for name in of_users} for each in (old, new))
            self._take_figures(compare_infos(before, after, self._thresholds), against)
            self._take_figures(compare_partitions(old, new, self._thresholds), against)
            self._outcome.notes += differing_files(before, after)
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
            if self._sampling.is_device:  # there each round is a process of its own
                processes = [((before,), (after,)) for before, after in zip(old, new, strict=False)]
            try:
                found[base, name] = [log_ratio(*each) for each in processes]
            except ValueError as error:
                raise GateError(f"{name}: {error}") from None
        return found

    def _margins(self, block: Block, pair: Pair) -> Margins:
        sample = block.samples[pair[0]][pair[1]]
        allowed = self._thresholds.of(sample.info.get("architecture"))
        latency_s = process_latency(sample.rounds_s)
        return Margins.of(allowed.min_effect, allowed.margin, allowed.floor_us, latency_s)

    def _announce(self, test: SequentialTest[Pair]) -> None:
        """Say how long it will take, and whether that is too long."""
        minutes = (self._plan.spent_s + USUAL_SHARE * self._seconds_needed(test)) / 60
        have = self._plan.max_seconds / 60
        line = f"a verdict on {len(test.pending)} benchmarks takes about {minutes:.1f} minutes"
        if minutes > have:
            line += f", and --max-minutes is {have:g}: some will probably have none"
        self._progress.announce(line)

    def _in_order(self, test: SequentialTest[Pair]) -> list[Pair]:
        """Return what is open: suspects first, then what is nearest to a look.

        Where time is too short for everything, suspects alone: a regression is a verdict.
        """
        suspects, needed = set(test.suspects()), test.still_needed()
        if suspects and self._seconds_needed(test) > self._plan.left_s:
            needed = {pair: needed[pair] for pair in suspects}
        return sorted(needed, key=lambda pair: (pair not in suspects, needed[pair]))

    def _seconds_needed(self, test: SequentialTest[Pair]) -> float:
        needed: dict[str, int] = {}
        for (_, name), count in test.still_needed().items():
            needed[name] = max(count, needed.get(name, 0))
        return self._plan.seconds_for(needed)

    def _latencies(self, test: SequentialTest[Pair]) -> list[Latency]:
        """Return a row for each benchmark and base, from the decisions and all blocks."""
        names = {tree.name: against for against, tree in self._bases.items()}
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
        problems, notes = self._outcome.problems, self._outcome.notes
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


class TimePlan:
    """The time of one comparison: what the next block measures, with how many rounds, how long.

    It knows durations, and how many observations are missing; of verdicts it knows nothing. The
    time begins with the plan, or again with `begin`.

    Args:
        is_adaptive: whether slow machines have fewer rounds, and the last benchmarks on a device
            have more.
    """

    def __init__(self, max_seconds: float, sampling: Sampling, is_adaptive: bool) -> None:
        self.max_seconds = max_seconds
        self.rounds = sampling.rounds
        self._is_adaptive = is_adaptive
        self._is_device = sampling.is_device
        # A round on a device is a process, which warms up by itself.
        self._warmup_rounds = 0 if sampling.is_device else sampling.warmup_rounds
        self._per_block = sampling.rounds if sampling.is_device else 1
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
