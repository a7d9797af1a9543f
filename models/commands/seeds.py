"""Show what several seeds of each network say together; --train trains those that are missing."""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.table import Table

from models import zoo
from models.commands.train import add_run_arguments, prepare_runs, tell
from models.files.artifacts import ArtifactError
from models.judging.seeds import ask_baseline, compare, holm, summarise, train_and_ask
from models.terminal.options import add_names
from models.terminal.table import print_table, terminal_table
from models.training import records
from models.training.runs import BASELINE

SEEDS = (zoo.PUBLISHED_SEED, 1, 2, 3, 4)
WANTED = {"other-series": SEEDS, "whole": SEEDS[:3]}
"""Which seeds are trained on which split."""

HEADS = (
    "network", "seeds", "mean", "lowest to highest", "95 % interval",
    "above baseline", "p",
)  # fmt: skip
NOTE = """Means over what was filmed: of the other series the fruits, of Test the turns.
95 % intervals and p hold for any distribution over so few; p is Holm's."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommand's arguments."""
    add_names(parser)
    parser.add_argument(
        "--train", action="store_true",
        help="train every network of which a run has no record of the recipe, seed by seed; it may "
        "be interrupted at any time, and goes on when it is called again",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="for programs")
    add_run_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print a row for each network and split that has records."""
    if arguments.train:
        _run_missing(arguments)
    rows = _rows(records.read_records(arguments.artifacts), [BASELINE, *arguments.names])
    if not rows:
        raise ArtifactError(f"{arguments.artifacts}: no training has left a record; see --train")
    if arguments.json:
        print(json.dumps(rows, indent=2))
    else:
        for split in records.SPLITS:
            if found := [row for row in rows if row["split"] == split]:
                print_table(_table(found, split))
        print(NOTE)
    return 0


def missing(
    names: list[str], directory: Path, splits: Iterable[str] = records.REPORTED
) -> Iterator[tuple[str, str, int]]:
    """Yield (network, split, seed) of the runs that are to be made, in the order of the queue."""
    for seed in SEEDS:
        for split in splits:
            for name in names:
                path = records.record_path(records.run_name(name, split, seed), directory)
                if seed in WANTED[split] and not _is_done(name, path):
                    yield name, split, seed


def _is_done(name: str, path: Path) -> bool:
    """Return whether a run has a record, of the table's recipe where pictures are the study's."""
    record = records.read_record(path) if path.is_file() else None
    return record is not None and (record.held_out is not None or all(
        record.recipe.get(key, 0.0) == value  # a share that an old record does not name was 0
        for key, value in zoo.find(name).recipe.items() if key != "epochs"  # few pictures: more
    ))  # fmt: skip


def _run_missing(arguments: argparse.Namespace) -> None:
    runs = prepare_runs(arguments)
    splits = records.REPORTED if arguments.data is None else ("whole",)  # folders: no series
    for split in splits:
        name = records.run_name(BASELINE, split, 0)
        if not records.record_path(name, arguments.artifacts).is_file():
            ask_baseline(runs, split)
    for name, split, seed in missing(arguments.names, arguments.artifacts, splits):
        tell(train_and_ask(runs, zoo.find(name), split, seed))


def _rows(found: list[records.RunRecord], names: list[str]) -> list[dict[str, Any]]:
    runs: dict[tuple[str, str], list[records.RunRecord]] = defaultdict(list)
    for record in found:
        runs[record.split, record.architecture].append(record)
    rows = []
    for split in records.SPLITS:
        for name in names:
            found = sorted(runs[split, name], key=lambda record: record.seed)
            if not found:
                continue
            summary = summarise(found)
            row = {**asdict(summary), "mean": summary.mean, "above_baseline": None}
            if name != BASELINE and runs[split, BASELINE]:
                row["above_baseline"] = asdict(compare(found, runs[split, BASELINE]))
            rows.append(row)
        compared = [
            row["above_baseline"] for row in rows
            if row["split"] == split and row["above_baseline"]
        ]  # fmt: skip
        for above, p in zip(compared, holm([each["p"] for each in compared]), strict=True):
            above["p"] = p
    return rows


def _table(rows: list[dict[str, Any]], split: str) -> Table:
    cells = []
    for row in rows:
        above = row["above_baseline"]
        cells.append(
            (
                row["architecture"],
                str(len(row["seeds"])),
                f"{row['mean']:.2%}",
                f"{min(row['accuracies']):.2%}\nto {max(row['accuracies']):.2%}",
                _span(row["interval"]).replace(" ", "\n", 1),
                f"{above['mean']:+.1%}\n{_span(above['interval'])}" if above else "-",
                f"{above['p']:.2g}" if above else "-",
            )
        )
    return terminal_table(HEADS, cells, range(1, len(HEADS)), f"accuracy, split {split}")


def _span(interval: tuple[float, float]) -> str:
    low, high = interval
    return f"{low:.1%} to {high:.1%}"
