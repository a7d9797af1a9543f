"""Showing a comparison: how it goes, then its outcome as tables, Markdown, JSON and a picture."""

from __future__ import annotations

import contextlib
import json
import math
import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from bench.gate.judge.verdict import CANNOT_JUDGE, FAIL, PASS, Figure, Latency, Outcome, one_line
from bench.gate.measure.controller import Block
from bench.statistics.sequential import Verdict
from bench.tables import Table, plain, terminal, write, write_text
from models.terminal.screen import told
from models.terminal.table import print_table

STYLES = {
    Verdict.REGRESSED: ("bold red", "#c0392b", "🔴"),
    Verdict.NONE: ("yellow", "#d68910", "🟡"),
    Verdict.IMPROVED: ("green", "#1e8449", "🟢"),
    Verdict.SAME: ("dim", "#5d6d7e", "⚪"),
}
"""The worst first: on the terminal, in the picture, in Markdown."""

STATUS_COLOURS = {PASS: "bold green", FAIL: "bold red", CANNOT_JUDGE: "bold yellow"}
ORDER = list(STYLES)
LATENCY_HEADS = ("benchmark", "base", "head", "change", "interval", "verdict")
COLUMNS = (
    "base, head: the median of each one's processes, of all blocks; change, interval: head over "
    "base within a block, of the blocks that decided"
)
FIGURE_HEADS = ("model", "figure", "base", "head", "verdict")
DETAILS_CHARACTERS = 5000


def conclude(
    outcome: Outcome, directory: Path | None, blocks: Sequence[Block] = (), **more: Any
) -> int:
    """Print and write an outcome; return its exit status, no pass where it cannot be written.

    A regression was measured, and stays one. Arguments are those of `write_outcome`.
    """
    told(lambda: print_outcome(outcome, terminal()))
    try:
        if directory is not None:
            write_outcome(directory, outcome, blocks, **more)
    except Exception as error:
        outcome.problems.append(f"the outcome is not written: {one_line(error)}")
        print(outcome.problems[-1], file=sys.stderr)
        with contextlib.suppress(OSError):  # a part of the files would say something else
            for name in ("gate.json", "gate.md", "gate.png"):
                Path(directory or "", name).unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            _add_to_summary(markdown(outcome))
    return outcome.exit_status


def print_outcome(outcome: Outcome, console: Console) -> None:
    """Print tables of what changed, one line for the rest, and the verdict last."""
    if figures := _differing(outcome):
        title = "static metrics that differ"
        print_table(_coloured(_figure_table(figures), figures, title), console)
    if rows := ordered(outcome.latencies):
        title = f"latency, {outcome.base} to {outcome.head}"
        print_table(_coloured(_latency_table(rows), rows, title, COLUMNS), console)
    for note in outcome.notes:
        console.print(f"note: {note}", style="dim", markup=False)
    for problem in _untold(outcome):
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
    parts += _items(_untold(outcome))
    if outcome.details:
        parts.append(f"```\n{outcome.details.replace('```', '…')[-DETAILS_CHARACTERS:]}\n```")
    if figures := _differing(outcome):
        parts.append(_figure_table(figures, True).markdown())
    rows = ordered(outcome.latencies)
    same = [row for row in rows if row.verdict is Verdict.SAME]
    if changed := [row for row in rows if row.verdict is not Verdict.SAME]:
        parts.append(_latency_table(changed, True).markdown())
    if same:
        folded = _latency_table(same, True).markdown()
        parts.append(f"<details>\n<summary>{len(same)} benchmarks are the same</summary>\n\n"
                     f"{folded}\n</details>")  # fmt: skip
    if rows:
        parts.append(f"{COLUMNS[0].upper()}{COLUMNS[1:]}.")
    parts += [*_items(outcome.notes), plain(summary(outcome))]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def summary(outcome: Outcome) -> str:
    """Return one line: how many benchmarks have which verdict, in how many blocks."""
    counts = ", ".join(f"{count} {word}" for word, count in outcome.counts().items() if count)
    names = f"{outcome.base} to {outcome.head}: " if outcome.base else ""
    line = names + (counts or "no latency compared")
    measured = f"; {outcome.blocks} blocks in {outcome.seconds:.0f} s"
    return line + (measured if outcome.seconds else "")


def _untold(outcome: Outcome) -> list[str]:
    """Return the problems that the reason does not name."""
    return [problem for problem in outcome.problems if problem not in outcome.reason]


def ordered(rows: Iterable[Latency]) -> list[Latency]:
    """Sort rows by verdict, the worst first, then by name."""
    return sorted(rows, key=lambda row: (ORDER.index(row.verdict), row.name, row.against))


def _differing(outcome: Outcome) -> list[Figure]:
    return [row for row in outcome.figures if row.verdict is not Verdict.SAME]


def _figure_table(figures: Iterable[Figure], has_signs: bool = False) -> Table:
    rows = [
        (
            f"{row.subject} against {row.against}" if row.against else row.subject,
            row.quantity, row.base, row.head, _word(row.verdict, has_signs),
        )
        for row in figures
    ]  # fmt: skip
    return Table(FIGURE_HEADS, rows, ("", "", "", "", ""))


def _latency_table(rows: Iterable[Latency], has_signs: bool = False) -> Table:
    cells = [
        (
            row.short_name, 1e6 * row.base_s, 1e6 * row.head_s, row.changes[0], row.interval_text,
            _word(row.verdict, has_signs) + _remark(row),
        )
        for row in rows
    ]  # fmt: skip
    heads = [f"{head}, us" if head in ("base", "head") else head for head in LATENCY_HEADS]
    return Table(heads, cells, ("", ",.1f", ",.1f", "+.1%", "", ""))


def _remark(row: Latency) -> str:
    if row.is_of_upper_half:
        return f": {row.change_text}"
    return ", measured again" if row.decision.typical.is_confirmed else ""


def _word(verdict: Verdict, has_signs: bool) -> str:
    return f"{STYLES[verdict][2]} {verdict}" if has_signs else str(verdict)


def _coloured(
    table: Table, rows: Iterable[Figure | Latency], title: str, caption: str | None = None
) -> RichTable:
    """Return a table for the terminal, each row in its verdict's colour."""
    shown = table.rich(title, caption)
    for row, drawn in zip(rows, shown.rows, strict=True):
        drawn.style = STYLES[row.verdict][0]
    return shown


def _items(lines: list[str]) -> list[str]:
    return ["\n".join(f"- {plain(line)}" for line in lines)] if lines else []


WIDEST = 25.0
"""Per cent; what lies further out is drawn at the edge."""


def draw(outcome: Outcome, path: Path) -> None:
    """Draw one line a benchmark: the change of its latency and its interval, by verdict."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context({"text.parse_math": False}):  # a dollar sign in a name is one
        rows = ordered(outcome.latencies)[::-1]
        figure = Figure(figsize=(9, 1.4 + 0.2 * len(rows)), layout="constrained")
        axes = figure.subplots()
        reach = min(WIDEST, max(4.0, *(1.1 * _farthest(row.changes) for row in rows)))
        for height, row in enumerate(rows):
            value, lower, upper = (_percent(change, reach) for change in row.changes)
            colour = STYLES[row.verdict][1]
            axes.plot([lower, upper], [height, height], color=colour, linewidth=1.5)
            axes.plot(value, height, "o", color=colour, markersize=4)
        effects = {100 * math.expm1(row.decision.typical.margins.effect) for row in rows}
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


FORMAT = 3


def write_outcome(
    directory: Path, outcome: Outcome, blocks: Sequence[Block] = (), **more: Any
) -> None:
    """Write gate.json with every raw round, gate.md, and gate.png where there are latencies.

    `GITHUB_STEP_SUMMARY` names a file that the Markdown is appended to.
    """
    picture = directory / "gate.png"
    picture.unlink(missing_ok=True)
    if outcome.latencies:
        try:
            write(picture, lambda temporary: draw(outcome, temporary))
        except Exception as error:  # whatever it is, it says nothing of the latencies
            outcome.notes.append(f"no picture: {type(error).__name__}: {error}")
    info = {
        tree: {name: sample.info for name, sample in samples.items()}
        for tree, samples in (blocks[0].samples if blocks else {}).items()
    }
    record = {"format": FORMAT, **outcome.to_dict(), **more, "info": info}
    record["blocks"] = [_block(block) for block in blocks]
    write_text(directory / "gate.json", json.dumps(record, allow_nan=False) + "\n")
    report = markdown(outcome)
    write_text(directory / "gate.md", report)
    _add_to_summary(report)


def _add_to_summary(report: str) -> None:
    if summary := os.environ.get("GITHUB_STEP_SUMMARY"):
        with Path(summary).open("a", encoding="utf-8") as file:
            file.write(report)


def _block(block: Block) -> dict[str, Any]:
    """Return a block with its raw rounds in seconds, by tree, then benchmark."""
    rounds_s = {
        tree: {name: list(sample.rounds_s) for name, sample in samples.items()}
        for tree, samples in block.samples.items()
    }
    return {
        "order": block.order, "cpus": block.cpus, "load": block.load,
        "seconds": round(block.seconds, 3), "rounds_s": rounds_s, "skipped": block.skipped,
    }  # fmt: skip


class Progress:
    """A line that is rewritten on a terminal; elsewhere one line a block.

    It is rewritten between blocks, and by no thread of its own: that would disturb a round.
    """

    def __init__(self, console: Console) -> None:
        self._console = console

    def announce(self, line: str) -> None:
        """Show a line that stays."""
        self.close()
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)

    def close(self) -> None:
        """Leave the terminal as it was."""
        if self._console.is_terminal:
            self._console.file.write("\r\033[K")
            self._console.file.flush()

    def tell(self, line: str) -> None:
        """Show that something begins."""
        if self._console.is_terminal:
            self._console.file.write(f"\r\033[K{line[: self._console.width - 1]}")
        else:
            self._console.file.write(line + "\n")
        self._console.file.flush()
