"""Find the commits at which models became slower or faster: history [JSON ...]."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from bench import figures
from bench.history.benchmark_series import History, histories, states
from bench.history.change_points import FALSE_DISCOVERIES, can_change
from bench.history.history_picture import draw, percent
from bench.results.session import ResultsError, read_sessions
from bench.tables import Table, terminal, write, write_text
from models.terminal.table import print_table

FORMAT = 1
DRAWN = "test_classify"
HEADS = (
    "benchmark",
    "changed at",
    "after",
    "before us",
    "after us",
    "change",
    "95 % interval",
    "p",
)
FORMATS = ("", "", "", ",.1f", ",.1f", "", "", ".4f")


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
    parser.add_argument("--json", type=Path, metavar="FILE", help="write what was found into this")
    parser.add_argument(
        "--picture", type=Path, metavar="FILE.png",
        help=f"draw {DRAWN}, or else the first benchmark function, over the sessions",
    )  # fmt: skip


def run(arguments: argparse.Namespace) -> int:
    """Search, print and write."""
    runs = read_sessions(arguments.results)
    found = histories(runs, arguments.repository)
    if not found:
        raise ResultsError("no history: give two files or more of one benchmark on one processor")
    console = terminal()
    for history in found:
        table = changes_table(history)
        if table.rows:
            print_table(table.rich(f"Changes on {history.processor}"), console)
        for line in summary(history):
            console.print(line, soft_wrap=True)
    if arguments.json is not None:
        record = {"format": FORMAT, "histories": [to_dict(each) for each in found]}
        write_text(arguments.json, json.dumps(record, indent=1) + "\n")
    if arguments.picture is not None:
        write(arguments.picture, lambda path: _draw(found, path))
        print(arguments.picture)
    return 0


def changes_table(history: History) -> Table:
    """Return a row a change, the largest first."""
    rows = [
        (
            abs(change.ratio - 1),
            [
                series.title,
                history.changed_run(series, change).label,
                history.run_before(series, change).label,
                1e6 * change.before,
                1e6 * change.after,
                percent(change.ratio),
                f"{percent(change.lower)} to {percent(change.upper)}"
                if change.lower > 0 and change.upper < float("inf")
                else "too few sessions",
                change.p,
            ],
        )
        for series in history.series
        for change in series.changes
    ]
    return Table(HEADS, [row for _, row in sorted(rows, key=lambda row: -row[0])], FORMATS)


def summary(history: History) -> list[str]:
    """Return what was searched, in a line or two."""
    if not any(can_change(states(history.runs, each.sessions)) for each in history.series):
        few = "too few sessions, or too few commits, to tell a change from chance"
        return [f"{few}: {len(history.runs)} sessions of {history.commits} commits on "
                f"{history.processor}", *history.remarks]  # fmt: skip
    changed = sum(bool(series.changes) for series in history.series)
    return [
        f"{changed} of {len(history.series)} benchmarks changed, over {len(history.runs)} sessions "
        f"of {history.commits} commits on {history.processor}; of those named, "
        f"{FALSE_DISCOVERIES:.0%} have not, in the mean, at most",
        *history.remarks,
    ]


def to_dict(history: History) -> dict[str, Any]:
    """Return all of it as plain values; intervals that are not bounded are null."""
    return {
        "processor": history.processor,
        "remarks": list(history.remarks),
        "sessions": [
            {"file": run.name, "commit": run.commit, "is_changed": run.is_changed,
             "measured": run.time.isoformat()}
            for run in history.runs
        ],
        "benchmarks": [
            {
                "benchmark": series.title,
                "quantity": series.quantity,
                "model": series.row.model,
                "runs_on": series.row.runs_on,
                "sessions": list(series.sessions),
                "medians_s": list(series.medians_s),
                "changes": [
                    {
                        "commit": history.changed_run(series, change).commit,
                        "after_commit": history.run_before(series, change).commit,
                        "session": series.sessions[change.place],
                        "ratio": change.ratio,
                        "lower": change.lower or None,
                        "upper": change.upper if change.upper < float("inf") else None,
                        "p": change.p,
                    }
                    for change in series.changes
                ],
            }
            for series in history.series
        ],
    }  # fmt: skip


def _draw(found: list[History], path: Path) -> None:
    """Draw the processor with the most sessions."""
    history = max(found, key=lambda each: len(each.runs))
    shown = history.of(DRAWN) or history.of(history.series[0].quantity)
    with figures.settings(on_paper=True):
        figure = draw(history, shown)
        figure.set_size_inches(8, figure.get_figheight())
        figures.save(figure, path)
