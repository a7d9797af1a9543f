"""Measure the gate itself: `python -m bench.gate.self_check`.

Whole comparisons of two worktrees of the commit that is checked out are made live, by the path that
the gate takes by default. In each, head's rounds are made longer by a share for every benchmark at
once, the shortest included; by none in some. That is done after they were timed: a clock that runs
faster would cost some time itself. Nothing is drawn again from what was measured before.

Beside it stands what pytest-benchmark's `--benchmark-compare-fail=mean:5%` says of the same rounds:
base's of one block against head's of the next, as two runs would have them.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
from collections import Counter, defaultdict
from dataclasses import replace
from functools import partial
from itertools import pairwise
from pathlib import Path
from statistics import fmean, median
from typing import Any

import numpy as np
from rich.console import Console

from bench.gate.gate_command import ONLY, ROUNDS
from bench.gate.judge.outcome import Outcome
from bench.gate.judge.thresholds import read
from bench.gate.live_comparison import LiveComparison
from bench.gate.measure.block import BASE, HEAD, Block, Settings, Tree
from bench.gate.measure.checkout import checked_out, git
from bench.gate.measure.controller import run_block
from bench.gate.measure.time_plan import TimePlan
from bench.gate.show.gate_progress import TerminalReporter
from bench.results.session import machine_info, processor
from bench.statistics.verdict import Verdict
from bench.tables import write, write_text

SLOW_DOWNS = (0.0, 0.01, 0.02, 0.03, 0.05)
SHORT_S = 50e-6
CLASSES = ("below 50 us", "50 us and above")
MEAN_LIMIT = 1.05


def main(words: list[str] | None = None) -> int:
    """Make the comparisons, and print, write and draw what they came to; return 0."""
    parser = argparse.ArgumentParser(prog="python -m bench.gate.self_check")
    parser.add_argument("--comparisons", type=int, default=1, help="of each slow-down; default: 1")
    parser.add_argument(
        "--slow-downs", type=float, nargs="+", default=SLOW_DOWNS, metavar="SHARE",
        help="default: %(default)s",
    )  # fmt: skip
    parser.add_argument("--max-minutes", type=float, default=15.0, help="of each; default: 15")
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "recorded")
    arguments, rest = parser.parse_known_args(words)  # pytest takes the rest, as in the gate
    commit = git("rev-parse", "HEAD")
    about = {"commit": commit, "processor": processor(machine_info()), "cores": os.cpu_count()}
    made: list[dict[str, Any]] = []
    with contextlib.ExitStack() as stack:
        base, head = (
            Tree(name, stack.enter_context(checked_out(commit, name)), sys.executable)
            for name in (BASE, HEAD)
        )
        for slow_down in tuple(arguments.slow_downs) * arguments.comparisons:
            made.append(_compare(base, head, slow_down, 60 * arguments.max_minutes, rest))
            rows = summarise(made)
            text = json.dumps({"about": about, "rows": rows, "comparisons": made}, indent=1)
            write_text(arguments.output / "self-check.json", text + "\n")
            write(arguments.output / "self-check.png", partial(_draw, rows))
            print({name: value for name, value in made[-1].items() if name != "benchmarks"})
    return 0


def _compare(
    base: Tree, head: Tree, slow_down: float, max_seconds: float, rest: list[str]
) -> dict[str, Any]:
    """Make one comparison; return what it came to, by benchmark."""
    settings = Settings(rounds=ROUNDS, only=ONLY, pytest_arguments=tuple(rest))
    names = run_block([base, head], replace(settings, rounds=1), 0).shared(BASE)
    if slow_down:
        settings = replace(settings, slowed=dict.fromkeys(names, 1 + slow_down))
    plan = TimePlan(max_seconds, settings, is_adaptive=True)
    outcome, reporter = Outcome(BASE, HEAD), TerminalReporter(Console(stderr=True), max_seconds)
    comparison = LiveComparison({"": base}, head, settings, read(), plan, reporter, outcome)
    comparison.run()
    by_mean = _by_mean(comparison.blocks)
    benchmarks = {
        row.name: {
            "base_s": row.base_s, "change": row.changes[0], "verdict": str(row.verdict),
            "is_confirmed": row.decision.is_confirmed,
            "by mean": [sum(by_mean[row.name]), len(by_mean[row.name])],
        }
        for row in outcome.latencies
    }  # fmt: skip
    return {
        "slow_down": slow_down, "exit_status": outcome.exit_status,
        "seconds": round(outcome.seconds), "blocks": outcome.blocks, "rounds": plan.rounds,
        "load_average": os.getloadavg()[1], "benchmarks": benchmarks,
    }  # fmt: skip


def _by_mean(blocks: list[Block]) -> dict[str, list[bool]]:
    """Return whether head's mean in a block is 5 % above base's in the one before, by benchmark."""
    found = defaultdict(list)
    for before, after in pairwise(blocks):
        for name in before.shared(BASE):
            if name in after.samples[HEAD]:
                old, new = before.samples[BASE][name], after.samples[HEAD][name]
                found[name].append(fmean(new.rounds_s) > MEAN_LIMIT * fmean(old.rounds_s))
    return found


def summarise(made: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return a row a class of benchmarks and slow-down, with exact 95 % intervals."""
    rows = []
    for slow_down in sorted({each["slow_down"] for each in made}):
        chosen = [each for each in made if each["slow_down"] == slow_down]
        for label, is_short in zip(CLASSES, (True, False), strict=True):
            own = [
                benchmark
                for each in chosen
                for benchmark in each["benchmarks"].values()
                if (benchmark["base_s"] < SHORT_S) == is_short
            ]
            verdicts = Counter(benchmark["verdict"] for benchmark in own)
            alarms, blocks = (
                sum(benchmark["by mean"][part] for benchmark in own) for part in (0, 1)
            )
            rows.append(
                {
                    "benchmarks": label,
                    "slow_down": slow_down,
                    "regressed": _rate(verdicts[Verdict.REGRESSED], len(own)),
                    "no verdict": _rate(verdicts[Verdict.NONE], len(own)),
                    "by mean": _rate(alarms, blocks),
                    "median_s": median(each["seconds"] for each in chosen),
                }
            )
    return rows


def _rate(count: int, cases: int) -> dict[str, float]:
    """Return a count with the exact 95 % interval of its share (Clopper, Pearson, 1934)."""
    from scipy.stats import binomtest

    if not cases:
        return {"count": 0, "cases": 0, "lower": 0.0, "upper": 1.0}
    found = binomtest(count, cases).proportion_ci(0.95, method="exact")
    return {"count": count, "cases": cases, "lower": float(found.low), "upper": float(found.high)}


def _draw(rows: list[dict[str, Any]], path: Path) -> None:
    """Draw how many benchmarks are called slower, against the slow-down."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.8), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    for axes, label in zip(panels, CLASSES, strict=True):
        shown = [row for row in rows if row["benchmarks"] == label and row["regressed"]["cases"]]
        for key, name, style in (
            ("regressed", "this gate", "o-"), ("by mean", "mean 5 % slower", "s--"),
        ):  # fmt: skip
            rates = [row[key] for row in shown]
            if not rates:
                continue
            shares, lower, upper = (
                np.array([100 * value for value in values])
                for values in zip(
                    *((r["count"] / max(1, r["cases"]), r["lower"], r["upper"]) for r in rates),
                    strict=True,
                )
            )
            errors = np.clip([shares - lower, upper - shares], 0, None)
            axes.errorbar([100 * row["slow_down"] for row in shown], shares, errors,
                          fmt=style, label=name, capsize=3)  # fmt: skip
        axes.set(title=f"benchmarks {label}", xlabel="slow-down in %", ylim=(-3, 103))
        axes.grid(alpha=0.3)
        if shown:
            axes.legend(loc="best")
    panels[0].set_ylabel("called slower, in % (bars: 95 % intervals)")
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    sys.exit(main())
