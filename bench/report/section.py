"""A part of the page: a figure with its words, its numbers and its files."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Table:
    """Numbers as people read them, and as they were.

    Attributes:
        heads: of the columns.
        rows: of cells. A number is written as its column's format says.
        formats: a format specification for the numbers of each column, such as ".2%"; empty for
            text.
    """

    heads: Sequence[str]
    rows: Sequence[Sequence[Any]]
    formats: Sequence[str]

    def cells(self) -> list[list[tuple[str, str | None]]]:
        """Return each cell's text and, where it is a number, its exact value."""
        return [
            [_cell(value, form) for value, form in zip(row, self.formats, strict=True)]
            for row in self.rows
        ]


@dataclass(frozen=True)
class Section:
    """A part of the page.

    Attributes:
        name: in letters and hyphens; part of the page's address.
        title: its heading.
        text: what is shown, in a sentence or two.
        alt: what the figure shows, for those who cannot see it; empty without a figure.
        figure: Matplotlib's; None where there is only a table.
        table: the numbers; None where there are too many to read.
        csv_heads, csv_rows: all that was drawn.
        files: names of the files that it comes from.
        is_emulated: whether it shows a device that is no phone.
    """

    name: str
    title: str
    text: str
    alt: str = ""
    figure: Any = None
    table: Table | None = None
    csv_heads: Sequence[str] = ()
    csv_rows: Sequence[Sequence[Any]] = field(default=(), repr=False)
    files: Sequence[str] = ()
    is_emulated: bool = False

    def csv(self) -> str:
        """Return all that was drawn, as comma-separated values."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(self.csv_heads)
        writer.writerows(self.csv_rows)
        return text.getvalue()


def _cell(value: Any, form: str) -> tuple[str, str | None]:
    if value is None:
        return "-", None
    if isinstance(value, (int, float)) and form:
        return format(value, form), repr(value)
    return str(value), None
