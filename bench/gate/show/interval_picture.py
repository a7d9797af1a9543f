"""A picture of the changes with their intervals."""

from __future__ import annotations

import math
from pathlib import Path

from bench.gate.judge.outcome import Outcome
from bench.gate.show.tables import ordered
from bench.statistics.verdict import Verdict

COLOURS = {
    Verdict.REGRESSED: "#c0392b",
    Verdict.IMPROVED: "#1e8449",
    Verdict.SAME: "#5d6d7e",
    Verdict.NONE: "#d68910",
}
WIDEST = 25.0
"""Per cent; what lies further out is drawn at the edge."""


def draw(outcome: Outcome, path: Path) -> None:
    """Draw one line a benchmark: the change of its latency and its interval, by verdict.

    Args:
        outcome: with at least one latency.
        path: of the picture; the suffix decides its format.
    """
    from matplotlib import rc_context

    with rc_context({"text.parse_math": False}):  # a dollar sign in a name is one
        _draw(outcome, path)


def _draw(outcome: Outcome, path: Path) -> None:
    from matplotlib.figure import Figure

    rows = ordered(outcome.latencies)[::-1]
    figure = Figure(figsize=(9, 1.4 + 0.2 * len(rows)), layout="constrained")
    axes = figure.subplots()
    reach = min(WIDEST, max(4.0, *(1.1 * _farthest(row.changes) for row in rows)))
    for height, row in enumerate(rows):
        value, lower, upper = (_percent(change, reach) for change in row.changes)
        colour = COLOURS[row.verdict]
        axes.plot([lower, upper], [height, height], color=colour, linewidth=1.5)
        axes.plot(value, height, "o", color=colour, markersize=4)
    effects = {100 * math.expm1(row.decision.margins.effect) for row in rows}
    axes.axvline(0, color="black", linewidth=0.8)
    axes.axvline(min(effects), color="#c0392b", linewidth=0.8, linestyle="--")
    axes.set(
        xlim=(-reach, reach),
        ylim=(-1, len(rows)),
        yticks=range(len(rows)),
        xlabel="change of latency in % (right of the dashed line: worth failing for)",
        title=f"{outcome.word}: {outcome.base} to {outcome.head}",
    )
    axes.set_yticklabels([row.short_name for row in rows], fontsize=7)
    axes.grid(axis="x", alpha=0.3)
    figure.savefig(path, dpi=120)


def _percent(change: float, reach: float) -> float:
    return 0.0 if math.isnan(change) else max(-reach, min(reach, 100 * change))


def _farthest(changes: tuple[float, float, float]) -> float:
    return max((abs(100 * each) for each in changes if math.isfinite(each)), default=0.0)
