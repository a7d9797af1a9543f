"""A live comparison: static metrics first, then blocks until all is decided or the time is over."""

from __future__ import annotations

import math
import random
import secrets
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median
from typing import TypeVar

import numpy as np

from bench.gate.judge import figures
from bench.gate.judge.thresholds import ThresholdTable
from bench.gate.judge.verdict import Latency, Outcome
from bench.gate.measure.controller import Block, Collected, collect, run_block
from bench.gate.measure.trees import state
from bench.gate.measure.worker import HEAD, GateError, Sampling, Tree
from bench.gate.show import Progress
from bench.load import disturbance
from bench.statistics.intervals import alike, log_ratio, process_latency, upper_latency
from bench.statistics.sequential import SCREENING, USUAL_CONFIRMATION, Margins, ProcessTest, Verdict
from models.files.artifacts import sha256

FEWEST_ROUNDS = 12
"""On a slow machine. With fewer, the slower half might hold none of every fourth call."""

SCOUTING_ROUNDS, DEVICE_SCOUTING_ROUNDS = FEWEST_ROUNDS, 2
"""Of the first block, which has everything, and tells how long things take."""

FIRST_LOOKS_SHARE, USUAL_SHARE = 0.45, 1.3
"""Of all time, what the first look at all may take; of that, what it usually takes in all."""

ALIKE = 0.001
"""Probability that independent blocks count as alike, at most."""

SHORTEST_BLOCK_S = 15.0
BLOCKS_IN_ALL = 20

Pair = tuple[str, str]
"""A base's name, and a benchmark's."""

Key = TypeVar("Key")


@dataclass
class LiveComparison:
    """Compares a tree with others, its bases, in one sitting that shares its measurements."""

    bases: Mapping[str, Tree]  # by revision, or "" for the only one, as the outcome calls it
    head: Tree
    sampling: Sampling
    thresholds: ThresholdTable
    plan: TimePlan
    progress: Progress
    photographs: str | None = None  # their directory; None for where they usually are
    blocks: list[Block] = field(default_factory=list, init=False)  # with their raw rounds

    def __post_init__(self) -> None:
        self._outcome = Outcome(seed=secrets.randbits(32))
        self._sums: dict[Path, str] = {}

    def run(self) -> Outcome:
        """Compare; what ends it too soon is a problem in the outcome, beside what was found."""
        before = state(self.head.root)
        try:
            self._compare_files()
            if not self._has_regressed:
                self._compare_latencies()
        except (Exception, KeyboardInterrupt) as error:
            self._outcome.fail(error)
        self._check_files(before)
        self._outcome.seconds = self.plan.spent_s
        self._outcome.blocks = len(self.blocks)
        return self._outcome

    @property
    def _has_regressed(self) -> bool:
        return any(row.verdict is Verdict.REGRESSED for row in self._outcome.figures)

    def _compare_files(self) -> None:
        """Compare the figures of all files that will be measured, before anything is."""
        self.progress.tell("reading the model files and their cards")
        collected = collect([*self.bases.values(), self.head], self.sampling)
        files = {tree: self._read(tree, own) for tree, own in collected.items()}
        head, unseen = files[HEAD], self._outcome.unseen
        unseen["files without an accuracy"] = sum(not file.accuracy for file in head.values())
        unseen["benchmarks that --all adds"] = collected[HEAD].left_out
        kind = "the host" if self.sampling.is_device else "a device"
        unseen[f"benchmarks on {kind}"] = collected[HEAD].others
        for against, tree in self.bases.items():
            base = files[tree.name]
            self._take(figures.compare_files(base, head, self.thresholds), against)
            if not self._has_regressed:
                found = figures.measure_changed(
                    base, head, self.thresholds, self.photographs, self.progress.tell
                )
                self._take(found, against)

    def _read(self, tree: str, collected: Collected) -> dict[str, figures.ModelFile]:
        named = {file[0]: file[1] for file in collected.files.values() if file}
        files = {name: figures.read_file(path, name, tree) for name, path in named.items()}
        self._sums |= {file.path: file.info["sha256"] for file in files.values()}
        return files

    def _check_files(self, before: str) -> None:
        """Take verdicts away that are of files which changed meanwhile."""
        changed = [path for path, sum_ in self._sums.items() if _sum(path) != sum_]
        if not changed and state(self.head.root) != before:
            changed = [self.head.root]
        if changed:
            self._outcome.withdraw(
                f"{changed[0]} changed while it was measured; leave files as they are meanwhile"
            )

    def _take(self, found: figures.Found, against: str) -> None:
        rows, problems, notes = found
        self._outcome.figures += [replace(row, against=against) for row in rows]
        self._outcome.problems += problems
        self._outcome.notes += notes

    def _compare_latencies(self) -> None:
        scouting = DEVICE_SCOUTING_ROUNDS if self.sampling.is_device else SCOUTING_ROUNDS
        rounds = min(scouting, self.sampling.rounds)
        self.progress.tell("measuring everything once, to see how long it takes")
        first = self._measure(rounds, None)
        pairs = self._pairs(first)
        if self._outcome.problems or self._has_regressed:
            return
        margins = {pair: self._margins(first, pair) for pair in pairs}
        test = ProcessTest(
            {pair: own[0] for pair, own in margins.items()},
            {} if self.sampling.is_device else {pair: own[1] for pair, own in margins.items()},
        )
        test.add(*self._observe(first, pairs))
        self.plan.settle_rounds(min(SCREENING))
        self._announce(test)
        while chosen := self.plan.choose(self._in_order(test), lambda pair: pair[1]):
            self._tell(test)
            needed = test.still_needed()
            names = {name for _, name in chosen}
            rounds = self.plan.rounds_for(names, max(needed[pair] for pair in chosen))
            block = self._measure(rounds, chosen)
            test.add(*self._observe(block, chosen))
            self._outcome.latencies = self._latencies(test)
        self._outcome.latencies = self._latencies(test)
        if test.pending:
            worst = {p: n + USUAL_CONFIRMATION for p, n in test.still_needed().items()}
            self._outcome.needed_seconds = self.plan.spent_s + self._seconds_for(worst)
        self._ask_neighbours(pairs)
        disturbed = [each for each in self.blocks if disturbance(each.load)]
        if 2 * len(disturbed) > len(self.blocks):
            self._outcome.notes.append(
                f"{len(disturbed)} of {len(self.blocks)} blocks were disturbed, the last one by "
                f"{disturbance(disturbed[-1].load)}: verdicts hold, and take longer"
            )

    def _ask_neighbours(self, pairs: Sequence[Pair]) -> None:
        """Take all verdicts on latencies away where blocks depend on those before them."""
        rows = [
            [
                log_ratio(block.samples[base][name].rounds_s, block.samples[HEAD][name].rounds_s)
                if name in block.shared(base)
                else math.nan
                for block in self.blocks
            ]
            for base, name in pairs
        ]
        found = alike(np.array(rows), random.Random(self._outcome.seed))
        self._outcome.correlation = found
        if found[0] > 0 and found[1] <= ALIKE:
            self._outcome.withdraw(
                f"blocks are like their neighbours (correlation {found[0]:.2f}, p {found[1]:.4f}), "
                "and verdicts hold for independent ones; measure on a quieter machine"
            )

    def _measure(self, rounds: int, pairs: Sequence[Pair] | None) -> Block:
        trees = [*self.bases.values(), self.head]
        wanted = None
        if pairs is not None:
            wanted = {
                tree.name: [name for base, name in pairs if base == tree.name] for tree in trees
            }
            wanted[HEAD] = list(dict.fromkeys(name for _, name in pairs))
        sampling = replace(self.sampling, rounds=rounds)
        number, seed = len(self.blocks), self._outcome.seed or 0
        block = run_block(trees, sampling, number, wanted, seed)
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
            self._outcome.problems += figures.incomparable(old, new)
            self._take((figures.compare_partitions(old, new, self.thresholds), [], []), against)
            pairs += [(tree.name, name) for name in shared]
        if not pairs:
            raise GateError("nothing to compare: no benchmark was measured in both trees")
        return pairs

    def _observe(self, block: Block, pairs: Iterable[Pair]) -> list[dict[Pair, list[float]]]:
        """Return the logarithms of ratios that a block gives of each pair, by figure."""
        found: list[dict[Pair, list[float]]] = [{}] if self.sampling.is_device else [{}, {}]
        for base, name in pairs:
            if name not in block.shared(base):
                raise GateError(f"{name} was skipped in block {len(self.blocks)}")
            old, new = (block.samples[each][name].rounds_s for each in (base, HEAD))
            try:
                if self.sampling.is_device:  # each round is a process of its own
                    found[0][base, name] = [
                        log_ratio((before,), (after,))
                        for before, after in zip(old, new, strict=False)
                    ]
                else:
                    found[0][base, name] = [log_ratio(old, new)]
                    found[1][base, name] = [log_ratio(old, new, upper_latency)]
            except ValueError as error:
                raise GateError(f"{name}: {error}") from None
        return found

    def _margins(self, block: Block, pair: Pair) -> tuple[Margins, Margins]:
        sample = block.samples[pair[0]][pair[1]]
        allowed = self.thresholds.of(sample.info.get("architecture"))
        return allowed.margins(process_latency(sample.rounds_s))

    def _tell(self, test: ProcessTest[Pair]) -> None:
        """Show that a block begins, and what is still open."""
        suspects = len(test.suspects())
        again = f", {suspects} of them suspected and measured again" if suspects else ""
        self.progress.tell(
            f"block {len(self.blocks) + 1}: {len(test.pending)} benchmarks open{again} "
            f"({self.plan.spent_s:.0f} of at most {self.plan.max_seconds:.0f} s)"
        )

    def _announce(self, test: ProcessTest[Pair]) -> None:
        """Say how long it will take, and whether that is too long."""
        minutes = (self.plan.spent_s + USUAL_SHARE * self._seconds_for(test.still_needed())) / 60
        have = self.plan.max_seconds / 60
        line = f"a verdict on {len(test.pending)} benchmarks takes about {minutes:.1f} minutes"
        if minutes > have:
            line += f", and --max-minutes is {have:g}: some will probably have none"
        self.progress.announce(line)

    def _in_order(self, test: ProcessTest[Pair]) -> list[Pair]:
        """Return what is open: suspects first, then what is nearest to a look.

        Where time is too short for everything, suspects alone: a regression is a verdict.
        """
        suspects, needed = set(test.suspects()), test.still_needed()
        if suspects and self._seconds_for(test.still_needed()) > self.plan.left_s:
            needed = {pair: needed[pair] for pair in suspects}
        return sorted(needed, key=lambda pair: (pair not in suspects, needed[pair]))

    def _seconds_for(self, observations: Mapping[Pair, int]) -> float:
        needed: dict[str, int] = {}
        for (_, name), count in observations.items():
            needed[name] = max(count, needed.get(name, 0))
        return self.plan.seconds_for(needed)

    def _latencies(self, test: ProcessTest[Pair]) -> list[Latency]:
        """Return a row for each benchmark and base, from the decisions and all blocks."""
        names = {tree.name: against for against, tree in self.bases.items()}
        rows = []
        for (base, name), decision in test.decisions().items():
            base_s, head_s = (
                median(process_latency(b.samples[tree][name].rounds_s) for b in self.blocks
                       if name in b.samples[tree])
                for tree in (base, HEAD)
            )  # fmt: skip
            rows.append(Latency(name, base_s, head_s, decision, names[base]))
        return rows

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
                self._outcome.unseen["benchmarks skipped in both"] += 1
            elif name not in block.samples[HEAD]:
                problems.append(f"{name} is gone from head ({base} skipped it)")


def _sum(path: Path) -> str:
    return sha256(path.read_bytes()) if path.is_file() else "gone"


class TimePlan:
    """The time of one comparison: what the next block measures, with how many rounds, how long.

    It begins with the plan. If that is adaptive, slow machines have fewer rounds, and the last
    benchmarks on a device more.
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
        """Return what the next block measures: the first ones, as many as there is time for."""
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
        """Return how many rounds a block of these has; one of them needs so many observations.

        On a device each round is an observation, and a block of few benchmarks has room for more.
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
