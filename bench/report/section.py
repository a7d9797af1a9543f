"""A part of the page: a figure with its words, its numbers and its files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from bench.tables import Table, to_csv

BENCHMARKS = "pytest --benchmark-only --benchmark-autosave"


@dataclass(frozen=True)
class Missing:
    """A part that could not be shown.

    Attributes:
        title: of the part.
        remedy: how to get it, one line.
    """

    title: str
    remedy: str


@dataclass(frozen=True)
class Section:
    """A part of the page.

    Attributes:
        name: in letters and hyphens; part of the page's address.
        title: its heading.
        text: what is shown, in a sentence or two.
        place: the processor that it holds for; empty where the words say more.
        alt: what the figure shows, for those who cannot see it; empty without a figure.
        figure: Matplotlib's; None where there is only a table.
        table: the numbers.
        raw: all that was drawn, heads and rows, where that is more than the table.
        files: names of the files that it comes from.
        is_emulated: whether it shows a device that is no phone.
    """

    name: str
    title: str
    text: str
    table: Table
    place: str = ""
    alt: str = ""
    figure: Any = None
    raw: tuple[Sequence[str], Sequence[Sequence[Any]]] | None = field(default=None, repr=False)
    files: Sequence[str] = ()
    is_emulated: bool = False

    def csv(self) -> str:
        """Return all that was drawn, as comma-separated values."""
        return to_csv(*self.raw) if self.raw else self.table.csv()
