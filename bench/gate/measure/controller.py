"""A block: one fresh process of each tree, of which one at a time does anything.

Each process, a worker, is pytest on the tree's own benchmarks, with the plugin in `inside/`. They
start and collect at once; then the controller gives leave to one benchmark after another, and
within it to one round after another, in interleaved order.

All run on the same core where a model needs but one, and the controller too, so that no core falls
asleep between rounds. What differs from process to process (layout of memory, core, who is first)
is drawn anew in each block: more blocks average it out.
"""

from __future__ import annotations

import contextlib
import os
import random
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from bench.gate.measure.worker import HEAD, GateError, Sampling, Tree, WorkerProcess
from bench.load import Watch
from bench.statistics.intervals import interleave


@dataclass(frozen=True)
class ProcessRounds:
    """A benchmark's rounds in one process."""

    rounds_s: tuple[float, ...]  # seconds of each round
    info: dict[str, Any]  # pytest-benchmark's `extra_info`


@dataclass(frozen=True)
class Took:
    """How long a benchmark kept the machine, in all processes together."""

    setup_s: float  # making it ready and clearing it away
    rounds_s: float  # its rounds, those to warm up included


@dataclass
class Block:
    """What one process of each tree measured."""

    order: list[str]  # of the trees' processes, as they were started
    cpus: list[int]  # the cores that all ran on; empty where they were not bound
    rounds: int = 0  # timed rounds of each benchmark in each process
    seconds: float = 0.0  # how long it took in all
    # by tree, then benchmark: its rounds, or why it was skipped
    samples: dict[str, dict[str, ProcessRounds]] = field(default_factory=dict)
    skipped: dict[str, dict[str, str]] = field(default_factory=dict)
    took: dict[str, Took] = field(default_factory=dict)  # by benchmark
    load: dict[str, Any] = field(default_factory=dict)  # how busy the machine was (`bench.load`)

    def shared(self, base: str) -> list[str]:
        """Return the benchmarks that a base and head both measured."""
        return [name for name in self.samples[base] if name in self.samples[HEAD]]

    @property
    def startup_s(self) -> float:
        """What it took beside the benchmarks: starting, collecting, ending."""
        return self.seconds - sum(each.setup_s + each.rounds_s for each in self.took.values())


Wanted = Mapping[str, Collection[str]]
"""By tree, ids of benchmarks."""


@dataclass(frozen=True)
class Collected:
    """What a tree would measure."""

    # of each benchmark, its model's name and file; None where it has no model
    files: dict[str, tuple[str, Path] | None]
    left_out: int  # how many more there are of which `only` names none
    others: int  # how many there are on a device where the host is measured, or the other way round


def collect(trees: Sequence[Tree], sampling: Sampling) -> dict[str, Collected]:
    """Return what each tree would measure, by its name; nothing is run."""
    found = {}
    with contextlib.ExitStack() as stack:
        for each in [stack.enter_context(WorkerProcess(tree, sampling, [])) for tree in trees]:
            message = each.expect("collected")
            files = {
                name: (file[0], each.tree.root / file[1]) if file else None
                for name, file in message["files"].items()
                if sampling.takes(name)
            }
            left_out = len(message["files"]) - len(files)
            found[each.tree.name] = Collected(files, left_out, message["others"])
            each.tell(run=[])
            each.expect("finished")
    return found


def run_block(
    trees: Sequence[Tree], sampling: Sampling, number: int, wanted: Wanted | None = None,
    seed: int = 0,
) -> Block:  # fmt: skip
    """Measure a block: of each tree what is wanted, or all that there is.

    Its number decides about the core; that and the comparison's seed, about the orders.
    """
    started_s, watch = time.monotonic(), Watch()
    order = random.Random(f"{seed} {number}")
    trees = order.sample(trees, len(trees))
    cpus = _cpus(number) if sampling.shares_core else []
    block = Block([tree.name for tree in trees], cpus, sampling.rounds)
    for tree in trees:
        block.samples[tree.name], block.skipped[tree.name] = {}, {}
    with contextlib.ExitStack() as stack:
        workers = [stack.enter_context(WorkerProcess(tree, sampling, cpus)) for tree in trees]
        collected = {
            each.tree.name: list(filter(sampling.takes, each.expect("collected")["files"]))
            for each in workers
        }
        plan = _plan(collected, wanted, order)
        for each in workers:
            each.tell(run=[name for name, having in plan if each.tree.name in having])
        with _bound_to(cpus):
            for name, having in plan:
                chosen = [each for each in workers if each.tree.name in having]
                _run_benchmark(name, chosen, block, order)
        for each in workers:
            each.expect("finished")
    block.seconds, block.load = time.monotonic() - started_s, watch.seen()
    return block


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
    collected: Mapping[str, Collection[str]], wanted: Wanted | None, order: random.Random
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
