"""A table on a terminal, as narrow as it can be: no cell and no heading of it is ever cut."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from models.terminal.screen import Screen

NARROWEST_WORDS = 11
"""Characters of a column of words, at least: it is folded where the terminal is narrow."""


def escaped(text: str) -> str:
    """Return a text that does nothing to a terminal: control characters escaped, lines kept."""
    return "".join(
        character
        if character.isprintable() or character == "\n"
        else character.encode("unicode_escape").decode()
        for character in text
    )


def terminal_table(
    heads: Sequence[str],
    rows: Iterable[Sequence[str]],
    numbers: Iterable[int],
    title: str | None = None,
    caption: str | None = None,
) -> Table:
    """Return a table whose headings are folded to the width of what stands below them.

    Square brackets in a cell are text, not markup, and control characters are shown escaped.

    Args:
        heads: of the columns.
        rows: of cells; a cell may have several lines.
        numbers: which columns, counted from 0, are set to the right and never folded.
        title, caption: what stands above the table and below it.
    """
    rows, numbers = [list(map(escaped, row)) for row in rows], set(numbers)
    table = Table(
        title=title, title_justify="left", caption=caption, caption_justify="left",
        box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0),
    )  # fmt: skip
    for place, head in enumerate(heads):
        lines = [line for row in rows for line in row[place].splitlines()]
        width = max(map(len, [*lines, *head.split()]), default=1)
        if place in numbers:
            head = textwrap.fill(head, width)
            table.add_column(head, justify="right", no_wrap=True, min_width=width)
        else:
            table.add_column(head, overflow="fold", min_width=min(width, NARROWEST_WORDS))
    for row in rows:
        table.add_row(*map(Text, row))
    return table


def print_table(table: Table, console: Console | None = None) -> None:
    """Print a table; on a terminal that is narrower than its numbers, wider than the terminal."""
    console = console or Screen(highlight=False, markup=False)
    least = sum((column.min_width or 0) + 2 for column in table.columns)
    console.width = max(console.width, least)
    console.print(table)
