"""Train networks from scratch on the Training photographs."""

from __future__ import annotations

import argparse
import os
from dataclasses import replace
from pathlib import Path

from models import ROOT, zoo
from models.data.changes import NAMES, Changes, named
from models.judging.seeds import circumstances, draw, train_and_ask
from models.running import runtimes
from models.terminal import options
from models.training.records import SPLITS, RunRecord, read_records
from models.training.runs import Runs, check_side

CHECKPOINTS = ROOT / ".training"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommand's arguments."""
    options.add_names(parser)
    parser.add_argument(
        "--split", choices=SPLITS, default="whole",
        help="what is learnt and what is asked. whole: Training, Test (this is published); "
        "other-series: the first rotation series, the others (reported, too); development: the "
        "reverse, arcs: four fifths of each turn, the fifth, and first-arcs: the same of the first "
        "series alone (for making choices)",
    )  # fmt: skip
    parser.add_argument("--seed", type=options.seed, default=zoo.PUBLISHED_SEED)
    parser.add_argument(
        "--epochs", type=options.positive,
        help="at most; default: the recipe's, or for --data as many as make enough steps",
    )  # fmt: skip
    parser.add_argument(
        "--minutes", type=options.positive_number,
        help="a training ends with the epoch that outlasts them",
    )  # fmt: skip
    add_run_arguments(parser)


def add_run_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare where training reads and writes."""
    parser.add_argument(
        "--checkpoints", type=Path, default=CHECKPOINTS, metavar="DIR", help="default: .training"
    )
    parser.add_argument(
        "--changes", type=_changes, metavar="NAME[,...]",
        help="what may change in pictures without changing what they show, so that it is learnt: "
        f"{', '.join(NAMES)}; default: mild for --data, and all of them for the study's",
    )  # fmt: skip
    options.add_task(parser)
    options.add_artifacts(parser, Path)


def _changes(text: str) -> Changes:
    try:
        return named(*text.split(","))
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def run(arguments: argparse.Namespace) -> int:
    """Train each network, write the run's record, and the network where it is to be published."""
    runs = prepare_runs(arguments, arguments.epochs, arguments.minutes)
    for name in arguments.names:
        architecture = zoo.find(name)
        if runs.is_own:
            print("\n".join(runs.situation(architecture)), flush=True)
        record = train_and_ask(runs, architecture, arguments.split, arguments.seed)
        tell(record)
        if runs.is_own:
            print("\n".join(circumstances(runs, record)))
            made = f"--data {arguments.data} --artifacts {arguments.artifacts}"
            print(f"next: python -m models convert {name} {made}", flush=True)
        draw(read_records(runs.directory), architecture, runs.directory / f"{name}.png")
    return 0


def prepare_runs(
    arguments: argparse.Namespace, epochs: int | None = None, minutes: float | None = None
) -> Runs:
    """Make ready for training, as `add_run_arguments` was told."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    runtimes.preload()
    if arguments.data is not None:
        for name in arguments.names:
            check_side(zoo.find(name), arguments.side)
    task = options.chosen_task(arguments)
    if arguments.changes:
        task = replace(task, changes=arguments.changes)
    is_own = arguments.data is not None
    return Runs(arguments.artifacts, arguments.checkpoints, task, epochs, minutes, is_own)


def tell(record: RunRecord) -> None:
    """Print what a run came to."""
    if not record.keras_sha256:
        print(
            f"{record.name}: only its record is kept; to convert a network, train it with seed "
            f"{zoo.PUBLISHED_SEED} on the whole of Training"
        )
    accuracy = record.accuracy
    print(f"{record.name}: {accuracy.fraction:.2%} of {accuracy.images:,} photographs", flush=True)
