"""Find the commits at which models became slower or faster: history [JSON ...]."""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench import figures
from bench.history.change_points import FALSE_DISCOVERIES, can_change
from bench.history.series import HEAD, History, Series, histories
from bench.results.session import ResultsError, read_sessions
from bench.tables import Table, terminal, write, write_text
from models.terminal.table import print_table

FORMAT = 2
DRAWN = "test_classify"
PANEL_IN = 1.5
MOST_LABELS = 24
HEADS = ("benchmark", "changed at", "after", "before us", "after us", "change", "95 % interval",
         "p", "also changed")  # fmt: skip
FORMATS = ("", "", "", ",.1f", ",.1f", "", "", ".4f", "")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommand's arguments."""
    parser.epilog = "Exit status: 0 searched, whatever was found; 2 bad input."
    parser.add_argument(
        "results", nargs="*", type=Path, metavar="JSON",
        help="files of pytest-benchmark, a session each; default: all that it saved",
    )  # fmt: skip
    parser.add_argument(
        "--repository", type=Path, default=Path(), metavar="DIR",
        help="git repository that gives the commits' order; default: the current folder",
    )  # fmt: skip
    parser.add_argument(
        "--line", default=HEAD, metavar="REVISION",
        help="where the line of first parents ends whose commits are shown; default: HEAD",
    )  # fmt: skip
    parser.add_argument("--json", type=Path, metavar="FILE", help="write what was found into this")
    parser.add_argument(
        "--picture", type=Path, metavar="FILE.png",
        help=f"draw {DRAWN}, or else the first benchmark function, over the commits",
    )  # fmt: skip


def run(arguments: argparse.Namespace) -> int:
    """Search, print and write."""
    found = histories(read_sessions(arguments.results), arguments.repository, arguments.line)
    if not found:
        raise ResultsError(
            "no history: give sound files of two commits or more, of one benchmark on one processor"
        )
    console = terminal()
    for history in found:
        table = changes_table(history)
        if table.rows:
            print_table(table.rich(f"Changes on {history.processor}"), console)
        for line in summary(history):
            console.print(line, soft_wrap=True)
    if arguments.json is not None:
        record = {"format": FORMAT, "histories": [_plain(each) for each in found]}
        write_text(arguments.json, json.dumps(record, indent=1) + "\n")
    if arguments.picture is not None:
        write(arguments.picture, lambda path: _write_picture(found, path))
        print(arguments.picture)
    return 0


def changes_table(history: History) -> Table:
    """Return a row a change, the largest first; without what changed beside the code, no column."""
    rows = []
    for series in history.series:
        for change in series.changes:
            before, after = history.around(series, change)
            is_bounded = change.lower > 0 and change.upper < float("inf")
            interval = f"{_percent(change.lower)} to {_percent(change.upper)}"
            cells = [series.title, after.label, before.label, 1e6 * change.before,
                     1e6 * change.after, _percent(change.ratio),
                     interval if is_bounded else "too few commits", change.p,
                     ", ".join(history.also_changed(series, change)) or None]  # fmt: skip
            rows.append((abs(change.ratio - 1), cells))
    body = [cells for _, cells in sorted(rows, key=lambda row: -row[0])]
    width = len(HEADS) - (not any(cells[-1] for cells in body))
    return Table(HEADS[:width], [cells[:width] for cells in body], FORMATS[:width])


def summary(history: History) -> list[str]:
    """Return what was searched, and what was not, a line each."""
    over = (
        f"{len(history.sessions)} sessions of {len(history.states)} commits on {history.processor}"
    )
    if not any(can_change(len(each.states)) for each in history.series):
        return [f"too few commits to tell a change from chance: {over}", *history.remarks]
    changed = sum(bool(series.changes) for series in history.series)
    return [
        f"{changed} of {len(history.series)} benchmarks changed, over {over}; of the changes that "
        f"are named, {FALSE_DISCOVERIES:.0%} at most are none, in the mean",
        *history.remarks,
    ]


def draw(history: History, shown: Sequence[Series]) -> Any:
    """Return a figure: a panel a family of models, a line a model and runtime.

    A vertical line stands where models changed, and says by how much.
    """
    families = list(dict.fromkeys(series.row.family for series in shown))
    first_runtime, *others = dict.fromkeys(series.row.runs_on for series in shown)
    colours = figures.colours(families)
    figure = figures.new_figure(1.6 + PANEL_IN * len(families))
    panels = figure.subplots(len(families), sharex=True, squeeze=False)[:, 0]
    for axes, family in zip(panels, families, strict=True):
        lines = [series for series in shown if series.row.family == family]
        for series in lines:
            (line,) = axes.plot(
                series.states,
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
    places = range(0, len(history.states), -(-len(history.states) // MOST_LABELS))
    labels = [history.states[place].label for place in places]
    panels[-1].set_xticks(list(places), labels, fontsize=8, rotation=45, ha="right")
    hollow = f"\nhollow marks: {' or '.join(others)}" if others else ""
    panels[-1].set_xlabel(f"commits, in their order{hollow}")
    figures.legend(figure, [series.row for series in shown])
    return figure


def _mark_changes(axes: Any, lines: Sequence[Series]) -> None:
    ratios = defaultdict(list)
    for series in lines:
        for change in series.changes:
            ratios[series.states[change.place]].append(change.ratio)
    for state, found in ratios.items():
        axes.axvline(state - 0.5, color=figures.INK, linestyle="--", linewidth=0.8)
        least, most = _percent(min(found)), _percent(max(found))
        text = least if least == most else f"{least} to {most}"
        is_late = state > (axes.get_xlim()[0] + axes.get_xlim()[1]) / 2
        axes.annotate(
            f"{len(found)} of {len(lines)}: {text}", (state - 0.5, 1), (-3 if is_late else 3, -2),
            xycoords=axes.get_xaxis_transform(), textcoords="offset points", fontsize=8,
            ha="right" if is_late else "left", va="top",
        )  # fmt: skip


def _tip(history: History, series: Series) -> str:
    parts = [
        f"{history.states[state].label} {1e3 * median:.4f}"
        for state, median in zip(series.states, series.medians_s, strict=True)
    ]
    return f"{series.title}: {', '.join(parts)} ms"


def _percent(ratio: float) -> str:
    """Write a ratio as a change, such as "+4.2 %"."""
    return f"{100 * (ratio - 1):+.1f} %"


def _write_picture(found: list[History], path: Path) -> None:
    """Draw the processor with the most commits."""
    history = max(found, key=lambda each: len(each.states))
    shown = history.of(DRAWN) or history.of(history.series[0].quantity)
    with figures.settings(on_paper=True):
        figure = draw(history, shown)
        figure.set_size_inches(8, figure.get_figheight())
        figures.save(figure, path)


def _plain(history: History) -> dict[str, Any]:
    """Return all of it as plain values; intervals that are not bounded are null."""
    states = [
        {
            "commit": state.commit, "label": state.label,
            "sessions": [
                {"file": session.name, "measured": session.time.isoformat()}
                for session in state.sessions
            ],
        }
        for state in history.states
    ]  # fmt: skip
    benchmarks = [
        {
            "benchmark": series.title, "quantity": series.quantity, "model": series.row.model,
            "runs_on": series.row.runs_on, "states": list(series.states),
            "medians_s": list(series.medians_s),
            "changes": [
                {
                    "state": series.states[change.place], "commit": after.commit,
                    "after_commit": before.commit, "ratio": change.ratio,
                    "lower": change.lower or None,
                    "upper": change.upper if change.upper < float("inf") else None,
                    "p": change.p, "also_changed": history.also_changed(series, change),
                }
                for change in series.changes
                for before, after in [history.around(series, change)]
            ],
        }
        for series in history.series
    ]  # fmt: skip
    return {
        "processor": history.processor, "remarks": list(history.remarks), "states": states,
        "benchmarks": benchmarks,
    }  # fmt: skip
