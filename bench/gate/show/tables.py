"""An outcome as a terminal table and as Markdown."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bench.gate.judge.outcome import Latency, Outcome
from bench.gate.judge.verdict import CANNOT_JUDGE, FAIL, PASS, Verdict
from bench.output.table import plain

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
LATENCY_HEADINGS = ("benchmark", "base", "head", "change", "interval", "verdict")
FIGURE_HEADINGS = ("model", "figure", "base", "head", "verdict")


def print_outcome(outcome: Outcome, console: Console) -> None:
    """Print tables of what changed, one line for the rest, and the verdict last."""
    figures = [row for row in outcome.figures if row.verdict is not Verdict.SAME]
    if figures:
        table = Table(*FIGURE_HEADINGS, title="exact figures that differ", title_justify="left")
        for figure in figures:
            word = Text(str(figure.verdict), COLOURS[figure.verdict])
            cells = (figure.subject, figure.quantity, figure.base, figure.head)
            table.add_row(*map(Text, cells), word)
        console.print(table)
    if outcome.latencies:
        table = Table(
            title=Text(f"latency, {outcome.base} to {outcome.head}"), title_justify="left"
        )
        for heading in LATENCY_HEADINGS:
            is_number = heading in ("base", "head", "change", "interval")
            table.add_column(heading, justify="right" if is_number else "left", no_wrap=True)
        for row in ordered(outcome.latencies):
            *texts, verdict = _cells(row)
            table.add_row(*map(Text, texts), Text(verdict, COLOURS[row.verdict]))
        console.print(table)
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
    heading = {PASS: "✅", FAIL: "❌", CANNOT_JUDGE: "⚠️"}[outcome.exit_status]
    lines = [f"## {heading} Benchmarks: {outcome.word}", "", plain(outcome.reason), ""]
    lines += [f"- {plain(problem)}" for problem in outcome.problems] + [""]
    if outcome.details:
        lines += ["```", outcome.details.replace("```", "'''")[-5000:], "```", ""]
    figures = [row for row in outcome.figures if row.verdict is not Verdict.SAME]
    if figures:
        rows = (
            (row.subject, row.quantity, row.base, row.head, f"{SIGNS[row.verdict]} {row.verdict}")
            for row in figures
        )
        lines += [*_table(FIGURE_HEADINGS, rows), ""]
    changed = [row for row in outcome.latencies if row.verdict is not Verdict.SAME]
    same = [row for row in outcome.latencies if row.verdict is Verdict.SAME]
    if changed:
        lines += [*_latency_table(changed), ""]
    if same:
        lines += ["<details>", f"<summary>{len(same)} benchmarks are the same</summary>", ""]
        lines += [*_latency_table(same), "", "</details>", ""]
    lines += [f"- {plain(note)}" for note in outcome.notes]
    lines += ["", plain(summary(outcome))]
    return "\n".join(lines).strip() + "\n"


def summary(outcome: Outcome) -> str:
    """Return one line: how many benchmarks have which verdict, in how many blocks."""
    counts = ", ".join(f"{count} {word}" for word, count in outcome.counts().items() if count)
    return (
        f"{outcome.base} to {outcome.head}: {counts or 'no latency compared'}; "
        f"{outcome.blocks} blocks in {outcome.seconds:.0f} s"
    )


def ordered(rows: Iterable[Latency]) -> list[Latency]:
    """Sort rows by verdict, the worst first, then by name."""
    return sorted(rows, key=lambda row: (ORDER.index(row.verdict), row.name))


def _cells(row: Latency) -> tuple[str, ...]:
    change, *_ = row.changes
    return (
        row.short_name,
        f"{row.base_s * 1e6:,.1f} us",
        f"{row.head_s * 1e6:,.1f} us",
        f"{change:+.1%}",
        row.interval_text,
        str(row.verdict) + (", measured again" if row.decision.is_confirmed else ""),
    )


def _latency_table(rows: Iterable[Latency]) -> list[str]:
    cells = ((row, _cells(row)) for row in ordered(rows))
    return _table(
        LATENCY_HEADINGS,
        ((*texts[:-1], f"{SIGNS[row.verdict]} {texts[-1]}") for row, texts in cells),
    )


def _table(headings: Iterable[str], rows: Iterable[Iterable[str]]) -> list[str]:
    headings = list(headings)
    return [
        "| " + " | ".join(headings) + " |",
        "|" + " --- |" * len(headings),
        *("| " + " | ".join(plain(cell) for cell in row) + " |" for row in rows),
    ]
