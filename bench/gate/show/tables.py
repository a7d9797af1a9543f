"""An outcome as a terminal table and as Markdown."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from bench.gate.judge.outcome import CANNOT_JUDGE, FAIL, PASS, Figure, Latency, Outcome
from bench.statistics.verdict import Verdict
from bench.tables import Table, plain
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
