"""How results are written: tables on a terminal, in Markdown, on a page; files that are whole."""

from __future__ import annotations

import csv
import io
import os
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.table import Table as RichTable

from bench.results.session import ResultsError
from models.terminal.screen import Screen
from models.terminal.table import terminal_table


@dataclass(frozen=True)
class Table:
    """Rows of numbers and words."""

    heads: Sequence[str]
    rows: Sequence[Sequence[Any]]  # of cells; None is unknown
    formats: Sequence[str]  # of each column's numbers, such as ".2%"; empty for words

    def cells(self) -> list[list[str]]:
        """Return the text of each cell; "-" where it is unknown."""
        return [
            [_text(value, form) for value, form in zip(row, self.formats, strict=True)]
            for row in self.rows
        ]

    def rich(self, title: str, caption: str | None = None) -> RichTable:
        """Return it for `print_table`."""
        numbers = [place for place, form in enumerate(self.formats) if form]
        return terminal_table(self.heads, self.cells(), numbers, title, caption)

    def markdown(self) -> str:
        """Return it as Markdown, in which no cell is read as markup."""
        rule = ["---:" if form else "---" for form in self.formats]
        lines = [self.heads, rule, *(map(plain, row) for row in self.cells())]
        return "".join(f"| {' | '.join(line)} |\n" for line in lines)

    def csv(self) -> str:
        """Return exact values, comma-separated."""
        return to_csv(self.heads, self.rows)


def to_csv(heads: Iterable[str], rows: Iterable[Iterable[Any]]) -> str:
    """Return exact values, comma-separated."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(heads)
    writer.writerows(rows)
    return text.getvalue()


def terminal() -> Screen:
    """Return the terminal on stdout; square brackets in a name are text, not markup."""
    return Screen(highlight=False, markup=False)


def plain(text: str) -> str:
    """Keep text from being read as Markdown (a link, a cell's end) or HTML."""
    for mark, escaped in (
        ("&", "&amp;"), ("<", "&lt;"), ("\\", "\\\\"), ("|", "\\|"), ("](", "]\\("), ("`", "'"),
    ):  # fmt: skip
        text = text.replace(mark, escaped)
    return " ".join(text.split())


def write(path: Path, make: Callable[[Path], object]) -> None:
    """Let `make` write a file beside `path`, which takes its place when it is whole.

    Raises `ResultsError` where it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".writing-") as directory:
            temporary = Path(directory, path.name)
            make(temporary)
            os.replace(temporary, path)
    except OSError as error:
        raise ResultsError(f"{path}: cannot be written: {error.strerror or error}") from None


def write_text(path: Path, text: str) -> None:
    """Write a text file in UTF-8; raises as `write` does."""
    write(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))


def _text(value: Any, form: str) -> str:
    if value is None:
        return "-"
    return format(value, form) if form and isinstance(value, (int, float)) else str(value)
