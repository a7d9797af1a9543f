"""Train networks from scratch on the Training photographs."""

from __future__ import annotations

import argparse
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from models import ROOT, zoo
from models.commands.training_runs import Runs
from models.data.changes import NAMES, Changes, named
from models.files import artifacts
from models.files.run_records import SPLITS, keras_path, read_runs, write_run
from models.running import runtimes
from models.terminal.options import add_artifacts, add_names, add_task, chosen_task, positive

if TYPE_CHECKING:
    import keras

CHECKPOINTS = ROOT / ".training"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommand's arguments."""
    add_names(parser)
    parser.add_argument(
        "--split",
        choices=SPLITS,
        default="whole",
        help="what is learnt and what is asked. whole: Training, Test (this is published); "
        "other-series: the first rotation series, the others (reported, too); development: the "
        "reverse, arcs: four fifths of each turn, the fifth, and first-arcs: the same of the first "
        "series alone (for making choices)",
    )
    parser.add_argument("--seed", type=positive, default=zoo.PUBLISHED_SEED)
    parser.add_argument("--epochs", type=positive, help="default: the recipe's")
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
    add_task(parser)
    add_artifacts(parser)


def _changes(text: str) -> Changes:
    try:
        return named(*text.split(","))
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def run(arguments: argparse.Namespace) -> int:
    """Train each network, write the run's record, and the network where it is to be published."""
    from models.judging.curve import draw

    runs = prepare_runs(arguments, arguments.epochs)
    for name in arguments.names:
        train_and_publish(runs, zoo.find(name), arguments.split, arguments.seed)
        draw(read_runs(runs.directory), zoo.find(name), runs.directory / f"{name}.png")
    return 0


def prepare_runs(arguments: argparse.Namespace, epochs: int | None = None) -> Runs:
    """Make ready for training, as `add_run_arguments` was told."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    runtimes.preload()
    task = chosen_task(arguments)
    if arguments.changes:
        task = replace(task, changes=arguments.changes)
    arguments.artifacts.mkdir(parents=True, exist_ok=True)
    return Runs(arguments.artifacts, arguments.checkpoints, task, epochs)


def train_and_publish(runs: Runs, architecture: zoo.Architecture, split: str, seed: int) -> None:
    """Train one network; the one with the published seed, on all of Training, is kept whole."""
    model, record = runs.train(architecture, split, seed)
    if split == "whole" and seed == zoo.PUBLISHED_SEED:
        path = keras_path(architecture.name, runs.directory)
        _save_for_inference(model, path)
        record = replace(record, keras_sha256=artifacts.sha256(path.read_bytes()))
    else:
        print(
            f"{record.name}: only its record is kept; to convert a network, train it with seed "
            f"{zoo.PUBLISHED_SEED} on the whole of Training"
        )
    write_run(record, runs.directory)
    accuracy = record.accuracy
    print(f"{record.name}: {accuracy.fraction:.2%} of {accuracy.images:,} photographs", flush=True)


def _save_for_inference(model: keras.Model, path: Path) -> None:
    """Write the network without its optimizer, whose state is twice as large as its weights."""
    bare = model.__class__.from_config(model.get_config())  # a clone would be compiled, too
    bare.set_weights(model.get_weights())
    bare.save(path)
