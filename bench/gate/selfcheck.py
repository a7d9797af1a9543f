"""Measuring the gate itself: how often it is wrong, and what it finds, on this machine."""

from __future__ import annotations

import argparse
import contextlib
import random
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.gate import pool as pools
from bench.gate.comparison import Comparison
from bench.gate.judge.outcome import Outcome
from bench.gate.judge.thresholds import ThresholdTable, read
from bench.gate.load import busy_cores
from bench.gate.measure.checkout import checked_out, git
from bench.gate.measure.controller import BASE, HEAD, Settings, Side, run_block
from bench.gate.pool import Pool
from bench.gate.selfcheck_report import report
from bench.gate.show.progress import TerminalReporter

SLOWED = (0.03, 0.03, 0.03, 0.10)
"""In a slowed live comparison, so many benchmarks are slowed by these shares at once."""


def self_check(arguments: argparse.Namespace, settings: Settings) -> int:
    """Record what is missing, then print and draw what the records say; return 0.

    It can be interrupted at any time, and goes on from what it has recorded.

    Raises:
        GateError: the gate could not be run.
    """
    from rich.console import Console

    condition = "load" if arguments.load else "idle"
    path = Path(arguments.output) / f"pool-{condition}.json.gz"
    thresholds = read().with_latency(min_effect=arguments.min_effect)
    if not arguments.resample_only:
        reporter = TerminalReporter(Console(stderr=True), 60 * arguments.max_minutes)
        try:
            _record(arguments, settings, thresholds, path, condition, reporter)
        finally:
            reporter.close()
    report(Path(arguments.output), thresholds.default, 60 * arguments.max_minutes)
    return 0


def _record(
    arguments: argparse.Namespace,
    settings: Settings,
    thresholds: ThresholdTable,
    path: Path,
    condition: str,
    reporter: TerminalReporter,
) -> None:
    """Bring the pool to the size that is wanted, in two worktrees of the commit checked out."""
    commit = git("rev-parse", "HEAD")
    pool = _open(path, commit, condition, settings)
    with contextlib.ExitStack() as stack:
        base, head = (
            Side(name, stack.enter_context(checked_out(commit, name)), sys.executable)
            for name in (BASE, HEAD)
        )
        if arguments.load:
            stack.enter_context(busy_cores())
        _measure_startup(pool, base, head, settings)
        while len(pool) < arguments.blocks:
            reporter.tell(f"{condition}: block {len(pool) + 1} of {arguments.blocks}")
            pool.add(run_block(base, head, settings, len(pool)))
            pools.save(pool, path)
        for is_slowed in (False, True):
            done = sum(bool(each["slowed"]) == is_slowed for each in pool.comparisons)
            for number in range(done, arguments.comparisons):
                slowed = _slowed(pool, number) if is_slowed else {}
                what = "slowed" if slowed else "identical"
                reporter.tell(f"{condition}: comparison {number + 1} of sides that are {what}")
                comparison = Comparison(
                    base, head, replace(settings, slowed=slowed), thresholds,
                    60 * arguments.max_minutes, _Silent(), Outcome(BASE, HEAD),
                )  # fmt: skip
                pool.comparisons.append(_summary(comparison.run(), slowed))
                pools.save(pool, path)


def _open(path: Path, commit: str, condition: str, settings: Settings) -> Pool:
    """Return what was recorded before, or an empty pool."""
    from pytest_benchmark.plugin import pytest_benchmark_generate_machine_info

    if path.exists():
        return pools.read(path)
    machine = pytest_benchmark_generate_machine_info()
    about = {
        "condition": condition,
        "commit": commit,
        "cpu": f"{machine['cpu'].get('brand_raw')}, {machine['cpu'].get('count')} cores",
        "python": machine["python_version"],
        "rounds": settings.rounds,
        "warmup_rounds": settings.warmup_rounds,
    }
    return Pool(about, {}, [], [])


def _measure_startup(pool: Pool, base: Side, head: Side, settings: Settings) -> None:
    """Measure once what a block takes that holds next to nothing."""
    if "startup_s" not in pool.about:
        empty = replace(settings, pytest_arguments=(*settings.pytest_arguments, "-k", "overhead"))
        pool.about["startup_s"] = min(
            run_block(base, head, empty, number).seconds for number in range(3)
        )


def _slowed(pool: Pool, number: int) -> dict[str, float]:
    """Choose the benchmarks that a live comparison slows; the same in every repetition."""
    candidates = [name for name in pool.names if "[" in name]
    chosen = random.Random(number).sample(candidates, min(len(SLOWED), len(candidates)))
    return {name: 1 + share for name, share in zip(chosen, SLOWED, strict=False)}


def _summary(outcome: Outcome, slowed: dict[str, float]) -> dict[str, Any]:
    return {
        "slowed": slowed,
        "exit_status": outcome.exit_status,
        "problems": outcome.problems,
        "seconds": round(outcome.seconds, 1),
        "blocks": outcome.blocks,
        "verdicts": {row.name: str(row.verdict) for row in outcome.latencies},
        "changes": {row.name: round(row.changes[0], 5) for row in outcome.latencies},
    }


class _Silent:
    """A reporter that says nothing."""

    def tell(self, line: str) -> None:
        """Say nothing."""

    def begin_block(self, number: int, pending: int, suspects: int) -> None:
        """Say nothing."""
