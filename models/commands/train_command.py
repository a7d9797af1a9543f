"""Train networks from scratch on the Training photographs."""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models import ROOT, zoo
from models.commands.arguments import add_artifacts, add_fruits360, add_names, positive
from models.files import artifacts
from models.files.plain_json import write_json
from models.files.training_records import keras_path, training_record, training_record_path
from models.running import runtimes
from models.training import provenance

if TYPE_CHECKING:
    import keras
    import numpy as np

    from models.data.photographs import Photographs
    from models.training.train import Examples, Recipe

CHECKPOINTS = ROOT / ".training"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommand's arguments."""
    add_names(parser)
    parser.add_argument(
        "--series",
        choices=("all", "held-out", "development"),
        default="all",
        help="all: train what is published; held-out: train on the first rotation series and "
        "measure on the others (the harder split); development: the reverse, for making choices",
    )
    parser.add_argument("--epochs", type=positive, help="default: the recipe's")
    parser.add_argument("--seed", type=positive, help="default: the recipe's")
    parser.add_argument(
        "--checkpoints", type=Path, default=CHECKPOINTS, metavar="DIR", help="default: .training"
    )
    add_fruits360(parser)
    add_artifacts(parser)


def run(arguments: argparse.Namespace) -> int:
    """Train each network, write its `.keras` file, its record and its curve."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    runtimes.preload()
    from models.data import fruits360
    from models.preprocessing.pixels import read_pixels

    training = fruits360.load("Training", arguments.fruits360)
    test = fruits360.load("Test", arguments.fruits360)
    pixels = read_pixels(training, fruits360.SIDE)
    arguments.artifacts.mkdir(parents=True, exist_ok=True)
    for name in arguments.names:
        _train(zoo.find(name), training, pixels, test, arguments)
    return 0


def _train(
    architecture: zoo.Architecture,
    training: Photographs,
    pixels: np.ndarray,
    test: Photographs,
    arguments: argparse.Namespace,
) -> None:
    from models.judging.accuracy import accuracy, is_right, keras_predict_all
    from models.training.curve import draw

    examples, validation = _split(training, pixels, arguments.series)
    recipe, teacher = _recipe(architecture, arguments), None
    started = time.monotonic()
    if architecture.teacher:
        teacher = _teacher(zoo.find(architecture.teacher), training, pixels, arguments)
    model, history = _learn(architecture, examples, validation, recipe, teacher, arguments)
    result: dict[str, Any] = {
        "recipe": vars(recipe),
        "photographs": len(examples.labels),
        "seconds": round(time.monotonic() - started),
        "commit": provenance.commit(),
        "versions": provenance.versions(("tensorflow", "keras")),
        "history": {key: [round(row[key], 5) for row in history] for key in history[0]},
    }
    record_path = training_record_path(architecture.name, arguments.artifacts)
    record = {"architecture": architecture.name, "parameters": model.count_params()}
    if record_path.is_file():
        old = training_record(architecture.name, arguments.artifacts)
        record |= {key: value for key, value in old.items() if key not in record}
    if validation is None:
        path = keras_path(architecture.name, arguments.artifacts)
        _save_for_inference(model, path)
        measured = accuracy(keras_predict_all(model, test.paths), test)
        result["keras_sha256"] = artifacts.sha256(path.read_bytes())
        result["test"] = {**vars(measured)}
        record["training"] = result
        print(
            f"{architecture.title}: {measured.fraction:.2%} of {measured.images:,} Test photographs"
        )
    else:
        probabilities = keras_predict_all(model, validation.images)
        right = is_right(probabilities, validation.labels)
        result |= {"correct": int(right.sum()), "images": len(right)}
        record[arguments.series.replace("-", "_")] = result
        print(f"{architecture.title}: {right.mean():.2%} of {len(right):,} from other series")
    write_json(record_path, record)
    draw(record, architecture.title, record_path.with_suffix(".png"))


def _split(
    training: Photographs, pixels: np.ndarray, series: str
) -> tuple[Examples, Examples | None]:
    """Return what is learnt, and what is asked about if that is a part of Training."""
    from models.data import series as splits
    from models.training.train import Examples

    if series == "all":
        return Examples(pixels, training.labels), None
    split = (splits.held_out if series == "held-out" else splits.development)(training)
    return (
        Examples(pixels[split.learnt], training.labels[split.learnt]),
        Examples(pixels[split.asked], training.labels[split.asked]),
    )


def _learn(
    architecture: zoo.Architecture,
    examples: Examples,
    validation: Examples | None,
    recipe: Recipe,
    teacher: keras.Model | None,
    arguments: argparse.Namespace,
) -> tuple[keras.Model, list[dict[str, float]]]:
    """Train with a progress bar, from the architecture's checkpoint if there is one."""
    import keras

    from models.training.train import train

    keras.utils.set_random_seed(recipe.seed)
    with _Bars(architecture.title, recipe, len(examples.labels)) as bars:
        return train(
            architecture.build(),
            examples,
            validation,
            recipe,
            arguments.checkpoints / f"{architecture.name}-{arguments.series}",
            teacher=teacher,
            on_epoch=bars.on_epoch,
            on_batch=bars.on_batch,
        )


def _teacher(
    teacher: zoo.Architecture,
    training: Photographs,
    pixels: np.ndarray,
    arguments: argparse.Namespace,
) -> keras.Model:
    """Return the trained teacher: of a part of Training one that has seen that part only.

    Raises:
        ArtifactError: the teacher's `.keras` file is missing.
    """
    import keras

    if arguments.series == "all":
        path = keras_path(teacher.name, arguments.artifacts)
        if not path.is_file():
            raise artifacts.ArtifactError(
                f"{path}: no such file, but it is the teacher's; "
                f"train it first with `python -m models train {teacher.name}`"
            )
        return keras.models.load_model(path)
    examples, validation = _split(training, pixels, arguments.series)
    recipe = _recipe(teacher, arguments)
    return _learn(teacher, examples, validation, recipe, None, arguments)[0]


def _save_for_inference(model, path: Path) -> None:
    """Write the network without its optimizer, whose state is twice as large as its weights."""
    bare = model.__class__.from_config(model.get_config())  # a clone would be compiled, too
    bare.set_weights(model.get_weights())
    bare.save(path)


def _recipe(architecture: zoo.Architecture, arguments: argparse.Namespace) -> Recipe:
    from models.training.train import Recipe

    chosen = {"epochs": arguments.epochs or architecture.epochs, "seed": arguments.seed}
    chosen["teacher"] = architecture.teacher
    return Recipe(**{key: value for key, value in chosen.items() if value is not None})


class _Bars:
    """A progress bar over the steps of a training, with its latest figures."""

    def __init__(self, title: str, recipe: Recipe, examples: int):
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

        self._steps = max(1, examples // recipe.batch_size)
        self._progress = Progress(
            "{task.description}",
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            "{task.fields[figures]}",
        )
        self._bar = self._progress.add_task(title, total=recipe.epochs * self._steps, figures="")
        self._done = 0

    def __enter__(self) -> _Bars:
        self._progress.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._progress.stop()

    def on_epoch(self, epochs_done: int, logs: dict[str, float]) -> None:
        self._done = epochs_done * self._steps
        figures = f"accuracy {logs['accuracy']:.1%}"
        if "val_accuracy" in logs:
            figures += f", other series {logs['val_accuracy']:.1%}"
        self._progress.update(self._bar, completed=self._done, figures=figures)

    def on_batch(self, steps_of_epoch: int) -> None:
        self._progress.update(self._bar, completed=self._done + steps_of_epoch)
