"""Comparing stored files of pytest-benchmark: the file is the unit, several of each revision.

The rounds of a file share its session: one process, one time of day, one temperature. So a file
gives one number for each benchmark, its process latency, and intervals are over files.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

import numpy as np

from bench.gate.judge.comparable import incomparable
from bench.gate.judge.outcome import Latency, Outcome
from bench.gate.judge.static_metrics import compare_infos, compare_partitions, differing_files
from bench.gate.judge.thresholds import Thresholds, ThresholdTable
from bench.gate.measure.block import BASE, HEAD
from bench.results.session import Session, without_file
from bench.statistics.intervals import runs_needed, two_samples
from bench.statistics.process_latency import process_latency
from bench.statistics.sequential import FAMILY_ERROR, MISS, Decision, Margins
from bench.statistics.verdict import Verdict


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
    if len({(run.commit, run.is_changed) for run in runs}) > 1:
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
