"""Measure the gate itself: `tox -e self-check`.

Whole comparisons of two worktrees of the commit that is checked out are made live, by the path that
the gate takes by default. Head's worktree has a plugin of pytest's that makes rounds longer by a
share, of every benchmark at once; in some comparisons by none. `--every 2` makes only every second
round longer. That is done after they were timed: a clock that runs faster would cost some time
itself. Nothing is drawn again from what was measured before.

Each comparison is written when it is made, and added to those of the same commit and processor that
`--output` holds: what was stopped goes on, and one folder takes all slow-downs. `--into README.md`
puts table and picture into a page, between its two marks; with `--comparisons 0` that alone.

Beside it stands what pytest-benchmark's `--benchmark-compare-fail=mean:5%` says of the same rounds:
base's of one block against head's of the next, as two sessions would have them.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import sys
from collections import Counter, defaultdict
from functools import partial
from itertools import pairwise
from pathlib import Path
from statistics import fmean, median
from typing import Any

import numpy as np
from rich.console import Console

from bench.gate.command import sampling_of
from bench.gate.judge.thresholds import read
from bench.gate.live import LiveComparison, TimePlan
from bench.gate.measure.controller import Block
from bench.gate.measure.trees import checked_out, git
from bench.gate.measure.worker import BASE, HEAD, Tree
from bench.gate.show import Progress
from bench.results.session import machine_info, processor
from bench.statistics.sequential import Verdict
from bench.tables import write, write_text

SLOW_DOWNS = (0.0, 0.01, 0.02, 0.03, 0.05)
MARKS = ("<!-- self-check: made by its command -->\n", "<!-- end of self-check -->\n")
HEADS = (
    "slow-down", "benchmarks", "called slower by this gate", "no verdict",
    'called slower by "mean 5 %"', "minutes",
)  # fmt: skip
SHORT_S = 50e-6
CLASSES = ("below 50 us", "50 us and above")
MEAN_LIMIT = 1.05
PLUGIN = """
import pytest

@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    result = yield
    benchmark = item.funcargs.get("benchmark")
    if benchmark is not None and benchmark.stats is not None:
        rounds_s = benchmark.stats.stats.data
        rounds_s[::{every}] = [{factor} * each for each in rounds_s[::{every}]]
    return result
"""


def main(words: list[str] | None = None) -> int:
    """Make the comparisons, and print, write and draw what they came to; return 0."""
    parser = argparse.ArgumentParser(prog="python -m tests.proofs.self_check")
    parser.add_argument("--comparisons", type=int, default=1, help="of each slow-down; default: 1")
    parser.add_argument(
        "--slow-downs", type=float, nargs="+", default=SLOW_DOWNS, metavar="SHARE",
        help="default: %(default)s",
    )  # fmt: skip
    parser.add_argument(
        "--every", type=int, default=1, help="make every N-th round longer; default: 1"
    )
    parser.add_argument("--max-minutes", type=float, default=15.0, help="of each; default: 15")
    parser.add_argument("--output", type=Path, default=Path("self-check"))
    parser.add_argument("--into", type=Path, metavar="PAGE", help="where the table belongs")
    arguments, rest = parser.parse_known_args(words)  # pytest takes the rest, as in the gate
    commit = git("rev-parse", "HEAD")
    about = {"commit": commit, "processor": processor(machine_info()), "cores": os.cpu_count()}
    result = arguments.output / "self-check.json"
    before = json.loads(result.read_text("utf-8")) if result.is_file() else {}
    made: list[dict[str, Any]] = before["comparisons"] if before.get("about") == about else []
    with contextlib.ExitStack() as stack:
        base, head = (
            Tree(name, stack.enter_context(checked_out(commit, name)), sys.executable, more)
            for name, more in ((BASE, ()), (HEAD, ("-p", "slower")))
        )
        for slow_down in tuple(arguments.slow_downs) * arguments.comparisons:
            plugin = PLUGIN.format(every=arguments.every, factor=1 + slow_down)
            (head.root / "slower.py").write_text(plugin, encoding="utf-8")
            found = _compare(base, head, 60 * arguments.max_minutes, rest)
            made.append({"slow_down": slow_down, "every": arguments.every, **found})
            rows = summarise(made)
            text = json.dumps({"about": about, "rows": rows, "comparisons": made}, indent=1)
            write_text(result, text + "\n")
            write(arguments.output / "self-check.png", partial(_draw, rows))
            print(_told(made[-1]), flush=True)
    table = as_table(about, made)
    print(table)
    if arguments.into:
        first, last = MARKS
        body = f"\n{table}\n"
        start, _, rest_of_page = arguments.into.read_text("utf-8").partition(first)
        write_text(arguments.into, start + first + body + last + rest_of_page.partition(last)[2])
        shutil.copy(arguments.output / "self-check.png", arguments.into.parent)
    return 0


def _told(comparison: dict[str, Any]) -> dict[str, Any]:
    counts = Counter(each["verdict"] for each in comparison["benchmarks"].values())
    return comparison | {"benchmarks": dict(counts)}


def as_table(about: dict[str, Any], made: list[dict[str, Any]]) -> str:
    """Return where it was measured, and a row a slow-down and class of benchmarks."""
    loads = [each["load_average"] for each in made] or [0.0]
    cells = []
    for row in summarise(made):
        slow_down = f"{row['slow_down']:.0%}".replace("%", " %") if row["slow_down"] else "none"
        if row["every"] > 1:
            slow_down += f", one round in {row['every']}"
        called, by_mean = (
            f"{rate['count']:,} of {rate['cases']:,} "
            f"({100 * rate['lower']:.0f} to {100 * rate['upper']:.0f} %)"
            for rate in (row["regressed"], row["by mean"])
        )
        undecided = row["no verdict"]["count"]
        minutes = f"{row['median_s'] / 60:.1f}"
        cells.append((slow_down, row["benchmarks"], called, str(undecided), by_mean, minutes))
    lines = ["| " + " | ".join(row) + " |" for row in (HEADS, *cells)]
    lines.insert(1, "|---:|---|---:|---:|---:|---:|")
    where = f"Of {about['commit'][:8]} on {about['processor']}"
    return "\n".join([f"{where}; load average up to {max(loads):.1f}:", "", *lines, ""])


def _compare(base: Tree, head: Tree, max_seconds: float, rest: list[str]) -> dict[str, Any]:
    """Make one comparison; return what it came to, by benchmark."""
    sampling = sampling_of(False, None, False, rest)
    plan = TimePlan(max_seconds, sampling, is_adaptive=True)
    progress = Progress(Console(stderr=True))
    comparison = LiveComparison({"": base}, head, sampling, read(), plan, progress)
    outcome = comparison.run()
    by_mean = _by_mean(comparison.blocks)
    benchmarks = {
        row.name: {
            "base_s": row.base_s, "change": row.changes[0], "verdict": str(row.verdict),
            "is_confirmed": row.decision.typical.is_confirmed,
            "by mean": [sum(by_mean[row.name]), len(by_mean[row.name])],
        }
        for row in outcome.latencies
    }  # fmt: skip
    return {
        "exit_status": outcome.exit_status, "problems": outcome.problems,
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
    kinds = sorted({(each["every"], each["slow_down"]) for each in made})
    for every, slow_down in kinds:
        chosen = [each for each in made if (each["every"], each["slow_down"]) == (every, slow_down)]
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
                    "every": every,
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
        shown = [row for row in rows if row["benchmarks"] == label and row["every"] == 1
                 and row["regressed"]["cases"]]  # fmt: skip
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
