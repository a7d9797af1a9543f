"""Compare stored files of pytest-benchmark: compare BASE.json ... -- HEAD.json ...

The file is the unit, several of each revision. The rounds of a file share its session: one process,
one time of day, one temperature. So a file gives one number for each benchmark, its process
latency, and intervals are over files.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import numpy as np

from bench.gate.judge.figures import (
    compare_infos,
    compare_partitions,
    differing_files,
    incomparable,
)
from bench.gate.judge.thresholds import Thresholds, ThresholdTable, read
from bench.gate.judge.verdict import Latency, Outcome, fail_closed, status_after
from bench.gate.measure.worker import BASE, HEAD, GateError
from bench.gate.show import print_outcome, write_outcome
from bench.results.session import Session, read_session, without_file
from bench.statistics.intervals import process_latency, runs_needed, two_samples
from bench.statistics.sequential import FAMILY_ERROR, MISS, Decision, Margins, Verdict
from bench.tables import terminal
from models.terminal.screen import told


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommand's arguments."""
    parser.usage = "python -m bench compare [options] BASE.json ... -- HEAD.json ..."
    parser.epilog = (
        "Make each file with a process of its own: pytest --benchmark-only --benchmark-json=FILE. "
        "Exit status: 0 not worse, 1 worse, 2 could not judge."
    )
    parser.add_argument(
        "base", type=Path, nargs="*", metavar="BASE.json", help="a file of pytest-benchmark"
    )
    parser.add_argument(
        "--min-effect", type=float, metavar="SHARE",
        help="smallest slow-down worth failing for; default: that of thresholds.toml (1 %%)",
    )  # fmt: skip
    parser.add_argument(
        "--output", type=Path, metavar="DIR", help="where gate.json, gate.md and gate.png go"
    )


def run(arguments: argparse.Namespace) -> int:
    """Compare, print, and write where asked to; return the exit status."""
    return fail_closed(lambda: _compare(arguments))


def _compare(arguments: argparse.Namespace) -> int:
    rest = arguments.rest
    if "--" not in rest or rest[0] != "--":
        unknown = f"unknown argument {rest[0]}; " if rest and rest[0] != "--" else ""
        raise GateError(f'{unknown}give the files of base, then "--", then those of head')
    base, head = (
        [read_session(path) for path in files] for files in (arguments.base, map(Path, rest[1:]))
    )
    seen: dict[str, Path] = {}
    for each in (*base, *head):
        if (other := seen.setdefault(each.identity, each.path)) is not each.path:
            raise GateError(f"{each.path}: holds the same session as {other}: give each once")
    outcome = compare_runs(base, head, read().with_min_effect(arguments.min_effect))
    told(lambda: print_outcome(outcome, terminal()))
    if arguments.output is None:
        return outcome.exit_status
    return status_after(outcome, lambda: write_outcome(arguments.output, outcome))


def compare_runs(
    base: Sequence[Session], head: Sequence[Session], thresholds: ThresholdTable
) -> Outcome:
    """Compare two revisions of several files each.

    The interval is that of Hodges and Lehmann for a shift between two samples, at a level that is
    divided by the number of benchmarks (Bonferroni): where both revisions are of the same speed,
    the probability that any benchmark is called regressed is `FAMILY_ERROR` at most, however much
    sessions differ, as long as they differ alike for both.
    """
    outcome = Outcome(_commits(base), _commits(head))
    outcome.blocks = len(base) + len(head)
    outcome.problems += _problems(base, BASE) + _problems(head, HEAD)
    processors = {run.processor for run in (*base, *head)}
    if len(processors) > 1:
        problem = f"measured on different machines: {' / '.join(sorted(processors))}"
        outcome.problems.append(problem)
    if not base or not head:
        outcome.problems.append("nothing to compare: give files of both revisions")
        return outcome
    old_results, new_results = base[0].by_fullname(), head[0].by_fullname()
    shared = [name for name in old_results if all(name in run.by_fullname() for run in head)]
    outcome.problems += [f"{name} is gone from head" for name in old_results if name not in shared]
    outcome.notes += [f"{name} is new in head" for name in new_results if name not in old_results]
    old, new = ({name: each[name].info for name in shared} for each in (old_results, new_results))
    outcome.problems += incomparable(old, new)
    outcome.figures += compare_infos(old, new, thresholds)
    outcome.figures += compare_partitions(old, new, thresholds)
    outcome.notes += differing_files(old, new)
    if outcome.problems:
        return outcome
    needed = runs_needed(FAMILY_ERROR / len(shared))
    if min(len(base), len(head)) < needed:
        outcome.problems.append(
            f"{len(base)} file(s) of base and {len(head)} of head: a verdict on {len(shared)} "
            f"benchmark(s) needs {needed} of each, each of a session of its own"
        )
        return outcome
    outcome.notes += _one_after_the_other(base, head)
    level = FAMILY_ERROR / len(shared)
    for name in shared:
        before, after = (
            [process_latency(run.by_fullname()[name].times_s) for run in runs]
            for runs in (base, head)
        )
        allowed = thresholds.of(new[name].get("architecture"))
        outcome.latencies.append(_latency(name, before, after, allowed, level))
    return outcome


def _commits(runs: Sequence[Session]) -> str:
    names = dict.fromkeys(run.label for run in runs)
    return f"{' / '.join(names) or 'nothing'} ({len(runs)} files)"


def _problems(runs: Sequence[Session], name: str) -> list[str]:
    """Say why files are no repetitions of each other."""
    problems = [
        f"{run.path}: {without_file(failed)}: {reason}"
        for run in runs
        for failed, reason in run.failures.items()
    ]
    if len({run.label for run in runs}) > 1:
        problems.append(f"{name}: its files are of different commits; give those of one")
    if any(run.by_fullname().keys() != runs[0].by_fullname().keys() for run in runs):
        problems.append(f"{name}: its files hold different benchmarks")
    return problems


def _one_after_the_other(base: Sequence[Session], head: Sequence[Session]) -> list[str]:
    """Warn where all files of one revision are older: then sessions do not differ alike."""
    old, new = ([run.time.timestamp() for run in runs] for runs in (base, head))
    if max(old) < min(new) or max(new) < min(old):
        return [
            "all files of one revision are older than the other's: what changed on the machine in "
            "between counts as a change of the code; measure both in turn"
        ]
    return []


def _latency(
    name: str, old: list[float], new: list[float], allowed: Thresholds, level: float
) -> Latency:
    margins = Margins.of(allowed.min_effect, allowed.margin, allowed.floor_us, median(old))
    estimate = two_samples(np.log(old), np.log(new), level, MISS)
    strict = two_samples(np.log(old), np.log(new), level, level)
    verdict = Verdict.NONE
    if estimate.lower > margins.effect:
        verdict = Verdict.REGRESSED
    elif strict.upper < -margins.effect:
        verdict, estimate = Verdict.IMPROVED, strict
    elif estimate.upper < margins.margin and estimate.value <= margins.effect:
        verdict = Verdict.SAME
    return Latency(name, median(old), median(new), Decision(verdict, estimate, margins, False))
