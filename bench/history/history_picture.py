"""Latency over the commits: a panel a family of models, a line a model and runtime."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from bench import figures
from bench.history.benchmark_series import History, Series

PANEL_IN = 1.5
MOST_LABELS = 24


def draw(history: History, shown: Sequence[Series]) -> Any:
    """Return a figure; a vertical line stands where models changed, and says by how much."""
    families = list(dict.fromkeys(series.row.family for series in shown))
    first_runtime, *others = dict.fromkeys(series.row.runs_on for series in shown)
    colours = figures.colours(families)
    figure = figures.new_figure(1.6 + PANEL_IN * len(families))
    panels = figure.subplots(len(families), sharex=True, squeeze=False)[:, 0]
    for axes, family in zip(panels, families, strict=True):
        lines = [series for series in shown if series.row.family == family]
        for series in lines:
            (line,) = axes.plot(
                series.sessions,
                [1e3 * each for each in series.medians_s],
                color=colours[family],
                linestyle=figures.LINES.get(series.row.precision or "", "-"),
                marker=figures.marker(series.row.precision),
                markersize=4,
                markerfacecolor=colours[family] if series.row.runs_on == first_runtime else "none",
                linewidth=1,
                alpha=0.85,
            )
            figures.tip(line, _tip(history, series))
        values = [1e3 * each for series in lines for each in series.medians_s]
        figures.log_axis(axes.yaxis, "median, ms", min(values), max(values))
        axes.set_title(lines[0].row.family_title, loc="left", fontsize=9.5)
        axes.margins(0.04, 0.15)
        _mark_changes(axes, lines)
    labels = [run.label for run in history.runs]
    starts = [place for place, label in enumerate(labels) if label not in labels[:place]]
    starts = starts[:: -(-len(starts) // MOST_LABELS)]
    panels[-1].set_xticks(
        starts, [labels[place] for place in starts], fontsize=8, rotation=45, ha="right"
    )
    hollow = f"\nhollow marks: {' or '.join(others)}" if others else ""
    panels[-1].set_xlabel(f"sessions, in the order of their commits{hollow}")
    figures.legend(figure, [series.row for series in shown])
    return figure


def percent(ratio: float) -> str:
    """Write a ratio as a change, such as "+4.2 %"."""
    return f"{100 * (ratio - 1):+.1f} %"


def _mark_changes(axes: Any, lines: Sequence[Series]) -> None:
    ratios = defaultdict(list)
    for series in lines:
        for change in series.changes:
            ratios[series.sessions[change.place]].append(change.ratio)
    for session, found in ratios.items():
        axes.axvline(session - 0.5, color=figures.INK, linestyle="--", linewidth=0.8)
        least, most = percent(min(found)), percent(max(found))
        text = least if least == most else f"{least} to {most}"
        is_late = session > (axes.get_xlim()[0] + axes.get_xlim()[1]) / 2
        axes.annotate(
            f"{len(found)} of {len(lines)}: {text}", (session - 0.5, 1), (-3 if is_late else 3, -2),
            xycoords=axes.get_xaxis_transform(), textcoords="offset points", fontsize=8,
            ha="right" if is_late else "left", va="top",
        )  # fmt: skip


def _tip(history: History, series: Series) -> str:
    parts = [
        f"{history.runs[session].label} {1e3 * median:.4f}"
        for session, median in zip(series.sessions, series.medians_s, strict=True)
    ]
    return f"{series.title}: {', '.join(parts)} ms"
