"""A block: one fresh process of each tree, of which one at a time does anything.

Each process, a worker, is pytest on the tree's own benchmarks, with the plugin in `inside/`. While
they start and collect they run at once; from then on the controller gives leave to one benchmark
after another, and within a benchmark to one round after another, in interleaved order.

All run on the same core where a model needs but one, and the controller too, so that no core falls
asleep between rounds; another core in each block. What differs from process to process (layout of
memory, core, who is first) is drawn anew in each block: more blocks average it out.
"""

from __future__ import annotations

import contextlib
import os
import random
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from bench.gate.measure.worker import HEAD, GateError, Sampling, Tree, WorkerProcess
from bench.statistics.intervals import interleave


@dataclass(frozen=True)
class ProcessRounds:
    """A benchmark's rounds in one process.

    Attributes:
        rounds_s: seconds of each round.
        info: pytest-benchmark's `extra_info`.
    """

    rounds_s: tuple[float, ...]
    info: dict[str, Any]


@dataclass(frozen=True)
class Took:
    """How long a benchmark kept the machine, in all processes together.

    Attributes:
        setup_s: making it ready and clearing it away.
        rounds_s: its rounds, those to warm up included.
    """

    setup_s: float
    rounds_s: float


@dataclass
class Block:
    """What one process of each tree measured.

    Attributes:
        order: the trees, in the order in which their processes were started.
        cpus: the cores that all ran on; empty where they were not bound.
        rounds: timed rounds of each benchmark in each process.
        seconds: how long it took in all.
        samples: by tree, then benchmark.
        skipped: why a tree skipped a benchmark; by tree, then benchmark.
        took: by benchmark.
    """

    order: list[str]
    cpus: list[int]
    rounds: int = 0
    seconds: float = 0.0
    samples: dict[str, dict[str, ProcessRounds]] = field(default_factory=dict)
    skipped: dict[str, dict[str, str]] = field(default_factory=dict)
    took: dict[str, Took] = field(default_factory=dict)

    def shared(self, base: str) -> list[str]:
        """Return the benchmarks that a base and head both measured."""
        return [name for name in self.samples[base] if name in self.samples[HEAD]]

    @property
    def startup_s(self) -> float:
        """What it took beside the benchmarks: starting, collecting, ending."""
        return self.seconds - sum(each.setup_s + each.rounds_s for each in self.took.values())


Wanted = Mapping[str, Collection[str]]
"""By tree, ids of benchmarks."""


def run_block(
    trees: Sequence[Tree], sampling: Sampling, number: int, wanted: Wanted | None = None
) -> Block:
    """Measure a block.

    Args:
        number: of the block; orders and the core are drawn by it.
        wanted: what to measure of each tree; None for all that there is.

    Raises:
        GateError: a worker did not start, a benchmark failed, or a process died or hung.
    """
    started_s = time.monotonic()
    order = random.Random(number)
    trees = order.sample(trees, len(trees))
    cpus = _cpus(number) if sampling.shares_core else []
    block = Block([tree.name for tree in trees], cpus, sampling.rounds)
    for tree in trees:
        block.samples[tree.name], block.skipped[tree.name] = {}, {}
    with contextlib.ExitStack() as stack:
        workers = [stack.enter_context(WorkerProcess(tree, sampling, cpus)) for tree in trees]
        collected = {each.tree.name: _collected(each, sampling) for each in workers}
        plan = _plan(collected, wanted, order)
        for each in workers:
            each.tell(run=[name for name, having in plan if each.tree.name in having])
        with _bound_to(cpus):
            for name, having in plan:
                chosen = [each for each in workers if each.tree.name in having]
                _run_benchmark(name, chosen, block, order)
        for each in workers:
            each.expect("finished")
    block.seconds = time.monotonic() - started_s
    return block


def _collected(worker: WorkerProcess, sampling: Sampling) -> list[str]:
    names = worker.expect("collected")["ids"]
    return [name for name in names if not sampling.only or name.startswith(sampling.only)]


def _cpus(number: int) -> list[int]:
    """Return the core of a block: each of those that this process may use has its turn."""
    if not hasattr(os, "sched_getaffinity"):
        return []
    usable = sorted(os.sched_getaffinity(0))
    return [usable[number % len(usable)]]


@contextlib.contextmanager
def _bound_to(cpus: list[int]) -> Iterator[None]:
    if not cpus:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cpus)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _plan(
    collected: Mapping[str, Sequence[str]], wanted: Wanted | None, order: random.Random
) -> list[tuple[str, list[str]]]:
    """Return the benchmarks with the trees that have them, in a random order."""
    for tree, names in (wanted or {}).items():
        if missing := set(names).difference(collected[tree]):
            raise GateError(f"{tree} no longer has {min(missing)}: did its files change?")
    having: dict[str, list[str]] = {}
    for tree, names in (wanted or collected).items():
        for name in names:
            having.setdefault(name, []).append(tree)
    plan = sorted(having.items())
    order.shuffle(plan)
    return sorted(plan, key=lambda item: len(item[1]), reverse=True)


def _run_benchmark(
    name: str, workers: Sequence[WorkerProcess], block: Block, order: random.Random
) -> None:
    """Let one benchmark run: set up in order, rounds interleaved, torn down in reverse order."""
    started_s = time.monotonic()
    events: dict[WorkerProcess, str] = {}
    for each in workers:
        each.tell(go=name)
        message = each.expect("turn", "measured", "ended")
        events[each] = message["event"]
        if message["event"] == "ended":
            _keep(message, each, block)

    def run_round(worker: WorkerProcess) -> bool:
        worker.tell(go="round")
        events[worker] = worker.expect("turn", "measured")["event"]
        return events[worker] == "turn"

    ready_s = time.monotonic()
    waiting = [each for each, event in events.items() if event == "turn"]
    interleave([partial(run_round, each) for each in waiting], order)
    measured_s = time.monotonic()
    for each in reversed([each for each, event in events.items() if event == "measured"]):
        each.tell(end=name)
        _keep(each.expect("ended"), each, block)
    all_s, rounds_s = time.monotonic() - started_s, measured_s - ready_s
    block.took[name] = Took(all_s - rounds_s, rounds_s)


def _keep(message: dict, worker: WorkerProcess, block: Block) -> None:
    name, tree = message["id"], worker.tree.name
    if message["outcome"] == "failed":
        raise GateError(f"{tree} cannot be measured: {name} failed", message["message"])
    if message["outcome"] == "skipped" or not message["rounds_s"]:
        block.skipped[tree][name] = message["message"] or "it measured nothing"
    else:
        block.samples[tree][name] = ProcessRounds(tuple(message["rounds_s"]), message["info"])
