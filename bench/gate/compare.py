"""Compare stored files of pytest-benchmark: compare BASE.json ... -- HEAD.json ...

The file is the unit, several of each revision. The rounds of a file share its session: one process,
one time of day, one temperature. So a file gives one number of a figure for each benchmark, and
intervals are over files.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import numpy as np

from bench.gate.command import add_min_effect
from bench.gate.judge import figures
from bench.gate.judge.thresholds import Thresholds, ThresholdTable, read
from bench.gate.judge.verdict import Latency, Outcome
from bench.gate.measure.worker import BASE, HEAD, GateError
from bench.gate.show import conclude
from bench.results.session import Session, changed_surroundings, read_session, without_file
from bench.statistics import sequential
from bench.statistics.intervals import process_latency, runs_needed, two_samples, upper_latency
from bench.statistics.sequential import Decision, Margins, ProcessDecision, Verdict

FIGURES = (process_latency, upper_latency)
Rounds = Sequence[Sequence[float]]
"""Of each session, in seconds."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommand's arguments."""
    parser.usage = "python -m bench compare [options] BASE.json ... -- HEAD.json ..."
    parser.epilog = (
        "Make each file with a process of its own: pytest --benchmark-only --benchmark-json=FILE. "
        "Exit status: 0 not worse, 1 worse, 2 could not judge."
    )
    parser.add_argument("base", type=Path, nargs="*", metavar="BASE.json",
        help="a file of pytest-benchmark")  # fmt: skip
    add_min_effect(parser)
    parser.add_argument("--output", type=Path, metavar="DIR",
        help="where gate.json, gate.md and gate.png go")  # fmt: skip


def run(arguments: argparse.Namespace) -> int:
    """Compare, print, and write where asked to; return the exit status."""
    outcome = Outcome()
    try:
        thresholds = read(min_effect=arguments.min_effect)
        outcome = compare_runs(*_sessions(arguments.base, arguments.rest), thresholds)
    except Exception as error:  # told as an outcome, too
        outcome.fail(error)
    return conclude(outcome, arguments.output)


def _sessions(base_files: list[Path], rest: list[str]) -> tuple[list[Session], list[Session]]:
    """Read the files of base, and those of head, which follow "--"; each session once."""
    if "--" not in rest or rest[0] != "--":
        unknown = f"unknown argument {rest[0]}; " if rest and rest[0] != "--" else ""
        raise GateError(f'{unknown}give the files of base, then "--", then those of head')
    base, head = (
        [read_session(path) for path in files] for files in (base_files, map(Path, rest[1:]))
    )
    seen: dict[str, Path] = {}
    for each in (*base, *head):
        if (other := seen.setdefault(each.identity, each.path)) is not each.path:
            raise GateError(f"{each.path}: holds the same session as {other}: give each once")
    return base, head


def compare_runs(
    base: Sequence[Session], head: Sequence[Session], thresholds: ThresholdTable
) -> Outcome:
    """Compare two revisions of several files each.

    The level is divided by the number of benchmarks and of figures (Bonferroni): where both are of
    the same speed, the probability that any benchmark is called regressed is `FAMILY_ERROR` at
    most, however much sessions differ, as long as they differ alike for both.
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
    outcome.problems += figures.incomparable(old, new)
    rows, unknown = figures.compare_infos(old, new, thresholds)
    outcome.figures += rows
    outcome.notes += unknown
    outcome.unseen["figures that an older format has not"] = len(unknown)
    outcome.unseen["benchmarks new in head"] = len(new_results) - len(shared)
    outcome.figures += figures.compare_partitions(old, new, thresholds)
    outcome.notes += figures.differing_files(old, new)
    if outcome.problems:
        return outcome
    level = sequential.FAMILY_ERROR / (len(FIGURES) * len(shared))
    needed = runs_needed(min(level, sequential.MISS))
    if min(len(base), len(head)) < needed:
        outcome.problems.append(
            f"{len(base)} file(s) of base and {len(head)} of head: a verdict on {len(shared)} "
            f"benchmark(s) needs {needed} of each, each of a session of its own"
        )
        return outcome
    outcome.notes += _surroundings(base, head)
    for name in shared:
        before, after = ([run.by_fullname()[name].times_s for run in runs] for runs in (base, head))
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


def _surroundings(base: Sequence[Session], head: Sequence[Session]) -> list[str]:
    """Say what else than the code may have changed, and which sessions were disturbed."""
    notes = [f"beside the code: {change}" for change in changed_surroundings(base, head)]
    for each in (*base, *head):
        if (how := each.disturbance) is not None:
            notes.append(f"{each.path} was disturbed: {how}")
    old, new = ([run.time.timestamp() for run in runs] for runs in (base, head))
    if max(old) < min(new) or max(new) < min(old):
        notes.append(
            "all files of one revision are older than the other's: what changed on the machine in "
            "between counts as a change of the code; measure both in turn"
        )
    return notes


def _latency(name: str, base: Rounds, head: Rounds, allowed: Thresholds, level: float) -> Latency:
    base_s, head_s = (median(map(process_latency, rounds)) for rounds in (base, head))
    decisions = []
    for figure, margins in zip(FIGURES, allowed.margins(base_s), strict=True):
        old, new = (np.log([figure(rounds) for rounds in side]) for side in (base, head))
        decisions.append(_decide(old, new, margins, level))
    return Latency(name, base_s, head_s, ProcessDecision(*decisions))


def _decide(old: np.ndarray, new: np.ndarray, margins: Margins, level: float) -> Decision:
    """Judge logarithms of a figure, one a session."""
    estimate = two_samples(old, new, level, sequential.MISS)
    strict = two_samples(old, new, level, level)
    verdict = Verdict.NONE
    if estimate.lower > margins.effect:
        verdict = Verdict.REGRESSED
    elif strict.upper < -margins.effect:
        verdict, estimate = Verdict.IMPROVED, strict
    elif estimate.upper < margins.margin and estimate.value <= margins.effect:
        verdict = Verdict.SAME
    return Decision(verdict, estimate, margins, False)
