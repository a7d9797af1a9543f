"""Comparing stored runs of pytest-benchmark: the run is the unit, several a side."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from bench.gate.comparison import incomparable
from bench.gate.errors import GateError
from bench.gate.judge.outcome import Figure, Latency, Outcome
from bench.gate.judge.static_metrics import COUNTS, compare_partitions
from bench.gate.judge.thresholds import ThresholdTable
from bench.gate.judge.verdict import Verdict, lower_is_better
from bench.gate.measure.controller import BASE, HEAD
from bench.statistics.intervals import runs_needed, two_samples
from bench.statistics.sequential import FAMILY_ERROR, MISS, Decision, Margins


@dataclass(frozen=True)
class Run:
    """One file of pytest-benchmark.

    Attributes:
        path: the file.
        commit: what was measured; with "+changes" where files differed from it.
        cpu: what it was measured on, for people.
        medians_s: median of the rounds, in seconds, by benchmark.
        infos: `extra_info`, by benchmark.
        failures: benchmarks that failed, one line each.
    """

    path: Path
    commit: str
    cpu: str
    medians_s: dict[str, float]
    infos: dict[str, dict[str, Any]]
    failures: tuple[str, ...]


def read_run(path: Path) -> Run:
    """Read a file.

    Raises:
        GateError: it is no complete file of pytest-benchmark; the message says why.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        machine, commit = data["machine_info"], data["commit_info"]
        cpu = machine["cpu"]
        names = [each["fullname"] for each in data["benchmarks"]]
        medians = {each["fullname"]: float(each["stats"]["median"]) for each in data["benchmarks"]}
        infos = {each["fullname"]: each["extra_info"] for each in data["benchmarks"]}
        failed = data.get("failed_device_benchmarks", [])
        run = Run(
            path,
            str(commit.get("id")) + ("+changes" if commit.get("dirty") else ""),
            f"{cpu.get('brand_raw')}, {cpu.get('count')} cores, {machine.get('machine')}",
            medians,
            infos,
            tuple(f"{each['name']}: {each['reason']}" for each in failed),
        )
    except OSError as error:
        raise GateError(f"{path}: cannot be read: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise GateError(f"{path}: not a file of pytest-benchmark ({error})") from None
    if not names:
        raise GateError(f"{path}: holds no benchmark")
    if len(set(names)) != len(names):
        raise GateError(f"{path}: two benchmarks have the same name")
    if wrong := [name for name, value in medians.items() if not 0 < value < math.inf]:
        raise GateError(f"{path}: the median of {wrong[0]} is not above zero")
    return run


def compare_runs(base: Sequence[Run], head: Sequence[Run], thresholds: ThresholdTable) -> Outcome:
    """Compare two sides of several runs each.

    The interval is that of Hodges and Lehmann for a shift between two samples, at a level that is
    divided by the number of benchmarks (Bonferroni).
    """
    outcome = Outcome(_commits(base), _commits(head))
    outcome.problems += _problems(base, BASE) + _problems(head, HEAD)
    cpus = {run.cpu for run in (*base, *head)}
    if len(cpus) > 1:
        outcome.problems.append(f"measured on different machines: {' / '.join(sorted(cpus))}")
    if not base or not head:
        outcome.problems.append("nothing to compare: a side has no runs")
        return outcome
    shared = [name for name in base[0].medians_s if all(name in run.medians_s for run in head)]
    outcome.problems += [
        f"{name} is gone from head" for name in base[0].medians_s if name not in shared
    ]
    outcome.notes += [
        f"{name} is new in head" for name in head[0].medians_s if name not in base[0].medians_s
    ]
    old, new = ({name: runs[0].infos[name] for name in shared} for runs in (base, head))
    outcome.problems += incomparable(old, new)
    outcome.figures += _figures(old, new, thresholds)
    if outcome.problems:
        return outcome
    outcome.latencies = [
        _latency(name, base, head, thresholds, FAMILY_ERROR / len(shared)) for name in shared
    ]
    needed = runs_needed(FAMILY_ERROR / max(1, len(shared)))
    have = min(len(base), len(head))
    if have < needed:
        outcome.notes.append(
            f"{have} run(s) a side; a regression of one of {len(shared)} benchmarks can be told "
            f"from {needed} runs a side on, each a fresh process"
        )
    outcome.blocks = len(base) + len(head)
    return outcome


def _commits(runs: Sequence[Run]) -> str:
    names = dict.fromkeys(run.commit[:8] + run.commit[40:] for run in runs)
    return f"{' / '.join(names) or 'nothing'} ({len(runs)} runs)"


def _problems(runs: Sequence[Run], side: str) -> list[str]:
    """Say why the runs of a side are no repetitions of each other."""
    problems = [f"{run.path}: {failure}" for run in runs for failure in run.failures]
    if len({run.commit for run in runs}) > 1:
        problems.append(f"{side}: its runs are of different commits; a baseline is one commit")
    if any(run.medians_s.keys() != runs[0].medians_s.keys() for run in runs):
        problems.append(f"{side}: its runs hold different benchmarks")
    return problems


def _latency(
    name: str,
    base: Sequence[Run],
    head: Sequence[Run],
    thresholds: ThresholdTable,
    level: float,
) -> Latency:
    old, new = ([run.medians_s[name] for run in runs] for runs in (base, head))
    allowed = thresholds.of(head[0].infos[name].get("architecture"))
    margins = Margins.of(
        allowed.min_effect, allowed.max_hidden_effect, allowed.floor_us, median(old)
    )
    estimate = two_samples(np.log(old), np.log(new), level, MISS)
    strict = two_samples(np.log(old), np.log(new), level, level)
    if estimate.lower > margins.effect:
        verdict = Verdict.REGRESSED
    elif strict.upper < -margins.effect:
        verdict, estimate = Verdict.IMPROVED, strict
    else:
        verdict = Verdict.SAME if estimate.upper < margins.hidden else Verdict.NONE
    return Latency(name, median(old), median(new), Decision(verdict, estimate, margins, False))


def _figures(
    base: Mapping[str, Mapping[str, Any]],
    head: Mapping[str, Mapping[str, Any]],
    thresholds: ThresholdTable,
) -> list[Figure]:
    """Compare the exact figures that the runs carry, once for each model."""
    figures: dict[tuple[str, str], Figure] = {}
    for name, old in base.items():
        new = head[name]
        allowed = thresholds.of(new.get("architecture"))
        subject = str(new.get("model"))
        for quantity in (*COUNTS, "accuracy"):
            before, after = old.get(quantity), new.get(quantity)
            if before is None and after is None:
                continue
            figures[subject, quantity] = _figure(subject, quantity, before, after, allowed)
    return [*figures.values(), *compare_partitions(base, head, thresholds)]


def _figure(subject: str, quantity: str, before: Any, after: Any, allowed: Any) -> Figure:
    verdict = Verdict.NONE
    if before is not None and after is not None:
        change = before - after if quantity == "accuracy" else after - before
        verdict = lower_is_better(change, getattr(allowed, quantity))
    return Figure(subject, quantity, _text(quantity, before), _text(quantity, after), verdict)


def _text(quantity: str, value: Any) -> str:
    if value is None:
        return "unknown"
    return f"{value:.2%}" if quantity == "accuracy" else f"{value:,}"
