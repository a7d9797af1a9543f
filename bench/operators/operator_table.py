"""A model's operators on the terminal."""

from __future__ import annotations

from rich.table import Table

from bench.operators.operator_rows import OperatorRow, closing_rows, dropped_us, each_row, kind_rows
from models.running.operator_profile import OperatorProfile


def operator_table(model: str, profile: OperatorProfile, *, each: bool) -> Table:
    """Return a table whose operators and remainder add up to the bare call.

    Args:
        model: its name.
        profile: what was measured.
        each: a row for every operator, not for every kind.
    """
    table = Table(
        title=f"{model}, {profile.runtime}, 1 thread: time by operator",
        title_justify="left",
        caption=(
            f"means over the middle half of {profile.rounds} rounds; of what is outside, up to "
            f"{dropped_us(profile)} us are fractions that the profiler drops; "
            f"a call with the profiler running takes {profile.profiled_us:.1f} us"
        ),
        caption_justify="left",
    )
    if each:
        table.add_column("#", justify="right")
        table.add_column("graph")
    table.add_column("operator")
    table.add_column("runs in")
    for heading in ("count", "us", "share", "MACs", "GFLOP/s, at least"):
        table.add_column(heading, justify="right")
    rows = each_row(profile) if each else kind_rows(profile)
    for number, row in enumerate(rows):
        lead = [str(number), profile.operators[number].node or ""] if each else []
        table.add_row(*lead, *_cells(row), end_section=row is rows[-1])
    for row in closing_rows(profile):
        table.add_row(*(["", ""] if each else []), *_cells(row))
    return table


def _cells(row: OperatorRow) -> list[str]:
    rate, cost = row.least_gflops, row.multiply_accumulates
    return [
        row.name,
        row.runs_in,
        "" if row.count is None else str(row.count),
        f"{row.microseconds:.1f}",
        f"{row.share:.1%}",
        f"{cost:,}" if cost else "",
        f"{rate:.1f}" if rate else "",
    ]
