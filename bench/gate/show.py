"""Showing a comparison: how it goes, then its outcome as tables, Markdown, JSON and a picture."""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from bench.gate.judge.verdict import CANNOT_JUDGE, FAIL, PASS, Figure, Latency, Outcome
from bench.gate.measure.controller import Block
from bench.statistics.sequential import Verdict
from bench.tables import Table, plain, write, write_text
from models.terminal.table import print_table

COLOURS = {
    Verdict.REGRESSED: "bold red",
    Verdict.IMPROVED: "green",
    Verdict.SAME: "dim",
    Verdict.NONE: "yellow",
}
STATUS_COLOURS = {PASS: "bold green", FAIL: "bold red", CANNOT_JUDGE: "bold yellow"}
SIGNS = {
    Verdict.REGRESSED: "🔴",
    Verdict.IMPROVED: "🟢",
    Verdict.SAME: "⚪",
    Verdict.NONE: "🟡",
}
ORDER = (Verdict.REGRESSED, Verdict.NONE, Verdict.IMPROVED, Verdict.SAME)
LATENCY_HEADS = ("benchmark", "base", "head", "change", "interval", "verdict")
FIGURE_HEADS = ("model", "figure", "base", "head", "verdict")
DETAILS_CHARACTERS = 5000


def print_outcome(outcome: Outcome, console: Console) -> None:
    """Print tables of what changed, one line for the rest, and the verdict last."""
    if figures := _differing(outcome):
        title = "static metrics that differ"
        print_table(_coloured(_figure_table(figures), figures, title), console)
    if rows := ordered(outcome.latencies):
        title = f"latency, {outcome.base} to {outcome.head}"
        print_table(_coloured(_latency_table(rows), rows, title), console)
    for note in outcome.notes:
        console.print(f"note: {note}", style="dim", markup=False)
    for problem in outcome.problems:
        console.print(f"cannot judge: {problem}", style="yellow", markup=False)
    if outcome.details:
        console.print(outcome.details, markup=False, highlight=False, soft_wrap=True)
    console.print(summary(outcome), markup=False, highlight=False, soft_wrap=True)
    console.print(Text(f"{outcome.word}: {outcome.reason}", STATUS_COLOURS[outcome.exit_status]),
                  soft_wrap=True)  # fmt: skip


def markdown(outcome: Outcome) -> str:
    """Return a report for a pull request: the verdict, what differs, and the rest folded."""
    sign = {PASS: "✅", FAIL: "❌", CANNOT_JUDGE: "⚠️"}[outcome.exit_status]
    parts = [f"## {sign} Benchmarks: {outcome.word}", plain(outcome.reason)]
    parts += _items(outcome.problems)
    if outcome.details:
        parts.append(f"```\n{outcome.details.replace('```', '…')[-DETAILS_CHARACTERS:]}\n```")
    if figures := _differing(outcome):
        parts.append(_figure_table(figures, SIGNS).markdown())
    rows = ordered(outcome.latencies)
    same = [row for row in rows if row.verdict is Verdict.SAME]
    if changed := [row for row in rows if row.verdict is not Verdict.SAME]:
        parts.append(_latency_table(changed, SIGNS).markdown())
    if same:
        folded = _latency_table(same, SIGNS).markdown()
        parts.append(f"<details>\n<summary>{len(same)} benchmarks are the same</summary>\n\n"
                     f"{folded}\n</details>")  # fmt: skip
    parts += [*_items(outcome.notes), plain(summary(outcome))]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def summary(outcome: Outcome) -> str:
    """Return one line: how many benchmarks have which verdict, in how many blocks."""
    counts = ", ".join(f"{count} {word}" for word, count in outcome.counts().items() if count)
    line = f"{outcome.base} to {outcome.head}: {counts or 'no latency compared'}"
    measured = f"; {outcome.blocks} blocks in {outcome.seconds:.0f} s"
    return line + (measured if outcome.seconds else "")


def ordered(rows: Iterable[Latency]) -> list[Latency]:
    """Sort rows by verdict, the worst first, then by name."""
    return sorted(rows, key=lambda row: (ORDER.index(row.verdict), row.name, row.against))


def _differing(outcome: Outcome) -> list[Figure]:
    return [row for row in outcome.figures if row.verdict is not Verdict.SAME]


def _figure_table(figures: Iterable[Figure], signs: dict[Verdict, str] | None = None) -> Table:
    rows = [
        (
            f"{row.subject} against {row.against}" if row.against else row.subject,
            row.quantity, row.base, row.head, _word(row.verdict, signs),
        )
        for row in figures
    ]  # fmt: skip
    return Table(FIGURE_HEADS, rows, ("", "", "", "", ""))


def _latency_table(rows: Iterable[Latency], signs: dict[Verdict, str] | None = None) -> Table:
    cells = [
        (
            row.short_name, 1e6 * row.base_s, 1e6 * row.head_s, row.changes[0], row.interval_text,
            _word(row.verdict, signs) + (", measured again" if row.decision.is_confirmed else ""),
        )
        for row in rows
    ]  # fmt: skip
    heads = [f"{head}, us" if head in ("base", "head") else head for head in LATENCY_HEADS]
    return Table(heads, cells, ("", ",.1f", ",.1f", "+.1%", "", ""))


def _word(verdict: Verdict, signs: dict[Verdict, str] | None) -> str:
    return f"{signs[verdict]} {verdict}" if signs else str(verdict)


def _coloured(table: Table, rows: Iterable[Figure | Latency], title: str) -> RichTable:
    """Return a table for the terminal, each row in its verdict's colour."""
    shown = table.rich(title)
    for row, drawn in zip(rows, shown.rows, strict=True):
        drawn.style = COLOURS[row.verdict]
    return shown


def _items(lines: list[str]) -> list[str]:
    return ["\n".join(f"- {plain(line)}" for line in lines)] if lines else []


PICTURE_COLOURS = {
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
        colour = PICTURE_COLOURS[row.verdict]
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


FORMAT = 2


def write_outcome(
    directory: Path, outcome: Outcome, blocks: Sequence[Block] = (), **more: Any
) -> None:
    """Write gate.json with every raw round, gate.md, and gate.png where there are latencies.

    `GITHUB_STEP_SUMMARY` names a file that the Markdown is appended to. A picture that cannot be
    drawn is a note in the outcome, and costs nothing else.

    Raises:
        ResultsError, OSError: a file cannot be written.
    """
    picture = directory / "gate.png"
    picture.unlink(missing_ok=True)
    if outcome.latencies:
        try:
            write(picture, lambda temporary: draw(outcome, temporary))
        except Exception as error:  # whatever it is, it says nothing of the latencies
            outcome.notes.append(f"no picture: {type(error).__name__}: {error}")
    record = {
        "format": FORMAT,
        **outcome.to_dict(),
        **more,
        "blocks": [block_to_dict(block) for block in blocks],
    }
    write_text(directory / "gate.json", json.dumps(record, allow_nan=False) + "\n")
    report = markdown(outcome)
    write_text(directory / "gate.md", report)
    if summary := os.environ.get("GITHUB_STEP_SUMMARY"):
        with Path(summary).open("a", encoding="utf-8") as file:
            file.write(report)


def block_to_dict(block: Block) -> dict[str, Any]:
    """Return a block with its raw rounds in seconds, by tree, then benchmark."""
    return {
        "order": block.order,
        "cpus": block.cpus,
        "seconds": round(block.seconds, 3),
        "rounds_s": {
            tree: {name: list(sample.rounds_s) for name, sample in samples.items()}
            for tree, samples in block.samples.items()
        },
        "skipped": block.skipped,
    }


def infos(block: Block) -> dict[str, dict[str, dict[str, Any]]]:
    """Return the `extra_info` of a block's benchmarks, by tree, then benchmark."""
    return {
        tree: {name: sample.info for name, sample in samples.items()}
        for tree, samples in block.samples.items()
    }


class Progress:
    """A line that is rewritten on a terminal; elsewhere one line a block.

    It is rewritten between blocks, and by no thread of its own: that would disturb a round.
    """

    def __init__(self, console: Console, max_seconds: float) -> None:
        self._console = console
        self._max_seconds = max_seconds
        self._started = time.monotonic()

    def tell(self, line: str) -> None:
        """Show that something begins."""
        self._show(line)

    def announce(self, line: str) -> None:
        """Show a line that stays."""
        self.close()
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)

    def begin_block(self, number: int, pending: int, suspects: int) -> None:
        """Show what is still open."""
        spent = time.monotonic() - self._started
        what = f"{pending} benchmarks open" if pending else "all benchmarks"
        again = f", {suspects} of them suspected and measured again" if suspects else ""
        self._show(
            f"block {number + 1}: {what}{again} ({spent:.0f} of at most {self._max_seconds:.0f} s)"
        )

    def close(self) -> None:
        """Leave the terminal as it was."""
        if self._console.is_terminal:
            self._console.file.write("\r\033[K")
            self._console.file.flush()

    def _show(self, line: str) -> None:
        if self._console.is_terminal:
            self._console.file.write(f"\r\033[K{line[: self._console.width - 1]}")
        else:
            self._console.file.write(line + "\n")
        self._console.file.flush()
