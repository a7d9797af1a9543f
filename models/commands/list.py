"""Print the table of architectures with their artifacts."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from statistics import mean
from typing import Any

from rich.table import Table

from models import zoo
from models.files.artifacts import DIRECTORY, PRECISIONS, ArtifactError, artifact
from models.judging.seeds import summarise
from models.terminal.options import add_artifacts
from models.terminal.table import print_table, terminal_table
from models.training.records import read_records

CAPTION = (
    "accuracy on the Test photographs, in brackets the study's parameters and accuracy; on other "
    "series the mean over seeds, in brackets how many"
)
EMPTY = {"missing", "-"}
OWN_CAPTION = "accuracy on the pictures that were kept from training"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommand's arguments."""
    parser.add_argument("--json", action="store_true", help="everything, for programs")
    add_artifacts(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the table; an artifact of the project's that is missing is shown as such.

    A folder of a user's own has other pictures than the study had, and what she trained.
    """
    rows = [_row(architecture, arguments.artifacts) for architecture in zoo.ARCHITECTURES.values()]
    is_ours = arguments.artifacts.resolve() == DIRECTORY.resolve()
    if not is_ours:
        rows = [{**row, "study": None} for row in rows if row["trained_parameters"]]
    if arguments.json:
        print(json.dumps(rows, indent=2))
    elif rows:
        print_table(_table(rows, is_ours=is_ours))
    else:
        print(f"{arguments.artifacts}: no network is trained and converted here")
    return 0


def _row(architecture: zoo.Architecture, directory) -> dict[str, Any]:
    cards: dict[str, Any] = {}
    for precision in PRECISIONS:
        try:
            card = artifact(architecture.name, precision, directory).card
        except ArtifactError:
            card = None
        cards[precision] = card and json.loads(card.to_json())
    parameters = next((card["trained_parameters"] for card in cards.values() if card), None)
    runs = [
        record
        for record in read_records(directory)
        if (record.architecture, record.split) == (architecture.name, "other-series")
    ]
    return {
        "name": architecture.name,
        "title": architecture.title,
        "trained_parameters": parameters,
        "study": asdict(architecture.study) if architecture.study else None,
        "other_series": summarise(runs).accuracies if runs else (),
        "artifacts": cards,
    }


def _table(rows: list[dict[str, Any]], *, is_ours: bool) -> Table:
    """Lay out the rows; of a user's own without the columns that say nothing of any network."""
    cells = []
    for row in rows:
        parameters = f"{row['trained_parameters']:,}" if row["trained_parameters"] else "untrained"
        other_series, study = row["other_series"], row["study"]
        told = f"\n({study['parameters']:,})\n({study['accuracy']:.1%})" if study else "\n"
        cells.append(
            (
                row["title"],
                parameters + told,
                *(_cell(row["artifacts"][precision]) for precision in PRECISIONS),
                f"{mean(other_series):.1%}\n({len(other_series)})" if other_series else "-",
            )
        )
    heads = ("architecture", "parameters", *PRECISIONS, "other series")
    columns = [
        column for column in zip(heads, *cells, strict=True) if is_ours or {*column[1:]} - EMPTY
    ]
    heads, *cells = zip(*columns, strict=True)
    caption = CAPTION if is_ours else OWN_CAPTION
    return terminal_table(heads, cells, range(1, len(heads)), caption=caption)


def _cell(card: dict[str, Any] | None) -> str:
    if card is None:
        return "missing"
    accuracy = card["accuracy"]
    return f"{accuracy['correct'] / accuracy['images']:.2%}\n{card['file_bytes'] / 1000:,.0f} kB"
