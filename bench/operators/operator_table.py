"""A model's operators as a table, on the terminal and on a page."""

from __future__ import annotations

from typing import Any

from bench.operators.operator_rows import (
    WHOLE,
    OperatorRow,
    closing_rows,
    dropped_us,
    each_row,
    kind_rows,
)
from bench.tables import Table
from models.running.operator_profile import OperatorProfile

HEADS = ("operator", "runs in", "count", "us", "share", "MACs", "GFLOP/s, at least")
FORMATS = ("", "", ",", ".1f", ".1%", ",", ".1f")
EACH_HEADS, EACH_FORMATS = ("number", "graph", *HEADS), (",", "", *FORMATS)


def kinds_table(profile: OperatorProfile) -> Table:
    """Return a row for each kind of operator, then those that make up the bare call."""
    rows = [*kind_rows(profile), *closing_rows(profile)]
    return Table(HEADS, [_cells(row) for row in rows], FORMATS)


def each_table(profile: OperatorProfile) -> Table:
    """Return a row for each operator as it runs, then those that make up the bare call."""
    rows = [
        [number, operator.node, *_cells(row)]
        for number, (operator, row) in enumerate(
            zip(profile.operators, each_row(profile), strict=True)
        )
    ]
    rows += [[None, None, *_cells(row)] for row in closing_rows(profile)]
    return Table(EACH_HEADS, rows, EACH_FORMATS)


def captions(model: str, profile: OperatorProfile) -> tuple[str, str]:
    """Return what stands above such a table, and below it."""
    return (
        f"{model}, {profile.runtime}, 1 thread: time by operator",
        f"means over the middle half of {profile.rounds} rounds; of what is outside, up to "
        f"{dropped_us(profile)} us are fractions that the profiler drops; "
        f"a call with the profiler running takes {profile.profiled_us:.1f} us",
    )


def _cells(row: OperatorRow) -> list[Any]:
    return [
        row.name if row.name != WHOLE else f"{WHOLE}, the whole",
        row.runs_in or None,
        row.count,
        row.microseconds,
        row.share,
        row.multiply_accumulates or None,
        row.least_gflops,
    ]
