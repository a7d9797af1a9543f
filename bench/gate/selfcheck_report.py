"""What the records of a self-check say: a table, and detection against slow-down."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.gate import pool as pools
from bench.gate.errors import GateError
from bench.gate.judge.thresholds import Thresholds
from bench.gate.judge.verdict import FAIL, Verdict
from bench.gate.pool import Pool, Resampler
from bench.gate.rivals import RIVALS, rates
from bench.output.whole_file import write, write_text
from bench.statistics.intervals import QUANTILE

CONDITIONS = ("idle", "load")
SLOW_DOWNS = (0.0, 0.01, 0.015, 0.02, 0.025, 0.03, 0.04, 0.05, 0.07, 0.10)
SHOWN = (0.0, 0.03, 0.10)
DRAWS, CURVE_DRAWS = 2000, 500
"""Comparisons that are drawn for a row of the table, and for another point of the curve."""

RIVAL_DRAWS = 500
SEED = 20_260
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Rate:
    """How often something happened.

    Attributes:
        count: in how many cases.
        cases: of how many.
    """

    count: int
    cases: int

    @property
    def share(self) -> float:
        """Count over cases; nan without cases."""
        return self.count / self.cases if self.cases else float("nan")

    @property
    def interval(self) -> tuple[float, float]:
        """Exact interval (Clopper, Pearson, Biometrika 26, 1934) at `CONFIDENCE`."""
        from scipy.stats import binomtest

        if not self.cases:
            return 0.0, 1.0
        found = binomtest(self.count, self.cases).proportion_ci(CONFIDENCE, method="exact")
        return float(found.low), float(found.high)

    def __str__(self) -> str:
        lower, upper = self.interval
        return f"{self.count:,} / {self.cases:,} ({lower:.1%} to {upper:.1%})"


@dataclass(frozen=True)
class Row:
    """One way to judge, in one condition, at one slow-down.

    Attributes:
        condition: "idle" or "load".
        way: who judged.
        slow_down: as a share, of one benchmark.
        alarms: comparisons with a false alarm on any benchmark.
        found: slowed benchmarks that were found.
        undecided: comparisons of identical sides that could not judge.
        median_s, longest_s: duration of a comparison.
    """

    condition: str
    way: str
    slow_down: float
    alarms: Rate
    found: Rate
    undecided: Rate
    median_s: float | None = None
    longest_s: float | None = None


def report(directory: Path, thresholds: Thresholds, max_seconds: float) -> None:
    """Print the table, and write self-check.json and self-check.png beside the pools.

    Raises:
        GateError: there is no pool.
    """
    rows: list[Row] = []
    about = {}
    for condition in CONDITIONS:
        path = directory / f"pool-{condition}.json.gz"
        if path.exists():
            pool = pools.read(path)
            about[condition] = {**pool.about, "blocks": len(pool), **_noise(pool)}
            rows += [*_live(pool), *_drawn(pool, thresholds, max_seconds), *_rivals(pool)]
    if not rows:
        raise GateError(f"{directory}: no blocks were recorded yet")
    _print(rows, about)
    data = {"about": about, "rows": [asdict(row) for row in rows]}
    write_text(directory / "self-check.json", json.dumps(data, indent=1) + "\n")
    write(directory / "self-check.png", lambda temporary: _draw(rows, temporary))


def _noise(pool: Pool) -> dict[str, str]:
    """Return the standard deviation of a block's ratio, the middle of all benchmarks' own."""
    names = {QUANTILE: "noise of a ratio", 0.5: "noise with medians in place of lower quartiles"}
    real = np.array([_is_model(name) for name in pool.names])
    return {
        name: f"{np.median(pool.log_ratios(quantile)[:, real].std(axis=0)):.2%}"
        for quantile, name in names.items()
    }


def _is_model(name: str) -> bool:
    """Whether a benchmark is of a model, and not of the empty function."""
    return "[" in name


def _live(pool: Pool) -> list[Row]:
    rows = []
    condition = pool.about["condition"]
    for slow_down in SHOWN:
        chosen = [each for each in pool.comparisons if bool(each["slowed"]) == bool(slow_down)]
        if not chosen:
            continue
        verdicts = [
            each["verdicts"].get(name)
            for each in chosen
            for name, factor in each["slowed"].items()
            if abs(factor - 1 - slow_down) < 1e-9
        ]
        seconds = [each["seconds"] for each in chosen]
        rows.append(
            Row(
                condition,
                "live",
                slow_down,
                Rate(sum(_has_false_alarm(each) for each in chosen), len(chosen)),
                Rate(sum(verdict == Verdict.REGRESSED for verdict in verdicts), len(verdicts)),
                Rate(sum(each["exit_status"] > FAIL for each in chosen), len(chosen)),
                float(np.median(seconds)),
                max(seconds),
            )
        )
    return rows


def _has_false_alarm(comparison: dict[str, Any]) -> bool:
    return any(
        verdict == Verdict.REGRESSED and name not in comparison["slowed"]
        for name, verdict in comparison["verdicts"].items()
    )


def _drawn(pool: Pool, thresholds: Thresholds, max_seconds: float) -> list[Row]:
    limits = (thresholds.min_effect, thresholds.max_hidden_effect, thresholds.floor_us)
    resampler = Resampler(pool, limits, max_seconds, pool.about["startup_s"])
    random = np.random.default_rng(SEED)
    rows = []
    for slow_down in SLOW_DOWNS:
        draws = DRAWS if slow_down in SHOWN else CURVE_DRAWS
        drawn = [resampler.draw(random, slow_down) for _ in range(draws)]
        seconds = [each.seconds for each in drawn]
        rows.append(
            Row(
                pool.about["condition"],
                "drawn",
                slow_down,
                Rate(sum(each.false_alarms > 0 for each in drawn), draws),
                Rate(
                    sum(each.slowed is Verdict.REGRESSED for each in drawn),
                    draws if slow_down else 0,
                ),
                Rate(sum(each.status > FAIL for each in drawn), draws),
                float(np.median(seconds)),
                max(seconds),
            )
        )
    return rows


def _rivals(pool: Pool) -> list[Row]:
    random = np.random.default_rng(SEED)
    rows = []
    for way, alarm in RIVALS.items():
        for slow_down in SLOW_DOWNS:
            false, found = rates(pool, alarm, slow_down, RIVAL_DRAWS, random)
            rows.append(
                Row(
                    pool.about["condition"],
                    way,
                    slow_down,
                    Rate(false, RIVAL_DRAWS),
                    Rate(found, RIVAL_DRAWS if slow_down else 0),
                    Rate(0, 0),
                )
            )
    return rows


def _print(rows: list[Row], about: dict[str, Any]) -> None:
    from rich.table import Table

    from bench.output.table import terminal

    table = Table(title="false alarms and detection", title_justify="left")
    for heading in ("condition", "judged by", "one slowed by", "comparisons with a false alarm",
                    "slowed ones found", "could not judge", "median", "longest"):  # fmt: skip
        table.add_column(heading)
    for row in rows:
        if row.slow_down not in SHOWN:
            continue
        table.add_row(
            row.condition,
            row.way,
            f"{row.slow_down:.0%}" if row.slow_down else "none",
            str(row.alarms),
            str(row.found) if row.found.cases else "-",
            str(row.undecided) if row.undecided.cases else "-",
            *(f"{each:.0f} s" if each else "-" for each in (row.median_s, row.longest_s)),
        )
    console = terminal()
    console.print(table)
    for condition, facts in about.items():
        facts = ", ".join(f"{name} {value}" for name, value in facts.items() if name != "condition")
        console.print(f"{condition}: {facts}", markup=False, highlight=False, soft_wrap=True)


def _draw(rows: list[Row], path: Path) -> None:
    """Draw detection against slow-down, the gate's and its rivals', a panel a condition."""
    from matplotlib.figure import Figure

    conditions = [name for name in CONDITIONS if any(row.condition == name for row in rows)]
    figure = Figure(figsize=(6 * len(conditions), 4.2), layout="constrained")
    panels = figure.subplots(1, len(conditions), squeeze=False, sharey=True)[0]
    styles = {"drawn": ("#1f618d", "o-"), "mean:5%": ("#b9770e", "s--")}
    for axes, condition in zip(panels, conditions, strict=True):
        for way in ("drawn", *RIVALS):
            shown = [row for row in rows if (row.condition, row.way) == (condition, way)]
            alarms = next(row.alarms.share for row in shown if not row.slow_down)
            shares = [row.found.share if row.slow_down else float("nan") for row in shown]
            colour, style = styles.get(way, ("#7d3c98", "^:"))
            label = f"{'this gate' if way == 'drawn' else way} (false alarms: {alarms:.1%})"
            axes.plot([100 * row.slow_down for row in shown], [100 * each for each in shares],
                      style, color=colour, label=label, markersize=4)  # fmt: skip
        axes.axhline(99, color="black", linewidth=0.6, linestyle=":")
        axes.axvline(3, color="black", linewidth=0.6, linestyle=":")
        axes.set(
            title={"idle": "idle machine", "load": "all cores busy"}[condition],
            xlabel="slow-down of one benchmark in %",
            ylim=(-3, 103),
        )
        axes.legend(loc="lower right", fontsize=8)
        axes.grid(alpha=0.3)
    panels[0].set_ylabel("comparisons that found it, in %")
    figure.savefig(path, dpi=120)
