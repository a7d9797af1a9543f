"""The table that `python -m models robustness` prints, read back."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from bench.report.errors import ReportError


@dataclass(frozen=True)
class Robustness:
    """Accuracies under changes of the photographs.

    Attributes:
        name: the file's.
        content: the file's bytes.
        accuracies: by change, then model; 0..1.
        mild: the changes that a model must stand; the table has them in bold.
    """

    name: str
    content: bytes
    accuracies: dict[str, dict[str, float]]
    mild: frozenset[str]

    @property
    def models(self) -> list[str]:
        """The models' names."""
        return list(next(iter(self.accuracies.values())))


def read_robustness(path: Path) -> Robustness:
    """Read a Markdown table: a row a change, a column a model, percentages in the cells.

    Raises:
        ReportError: the file holds no such table.
    """
    try:
        content = path.read_bytes()
        lines = content.decode("utf-8").splitlines()
    except OSError as error:
        raise ReportError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise ReportError(f"{path}: not text ({error.reason})") from None
    rows = [
        [cell.strip() for cell in line.strip().strip("|").split("|")]
        for line in lines
        if line.lstrip().startswith("|")
    ]
    try:
        head, _, *body = rows
        if head[0] != "change" or not body:
            raise ValueError("its first column is not called change")
        table = {
            row[0].strip("*"): dict(zip(head[1:], map(_percentage, row[1:]), strict=True))
            for row in body
        }
    except (ValueError, IndexError) as error:
        raise ReportError(
            f"{path}: not the table of python -m models robustness ({error})"
        ) from None
    mild = frozenset(row[0].strip("*") for row in body if row[0].startswith("**"))
    return Robustness(path.name, content, table, mild)


def _percentage(cell: str) -> float:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)%(?: \(too low\))?", cell)
    if match is None or not 0 <= float(match[1]) <= 100:
        raise ValueError(f"{cell!r} is no percentage")
    return float(match[1]) / 100
