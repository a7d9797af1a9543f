"""Convert trained networks to .tflite files of every precision."""

from __future__ import annotations

import argparse
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from models import zoo
from models.data.canary_images import canary_images
from models.files import artifacts, graph
from models.files.cards import Card
from models.judging.evaluation import canary, measure_accuracy
from models.preprocessing import Preparation
from models.preprocessing.tensors import TensorSpec
from models.running import runtimes
from models.terminal.options import (
    add_artifacts,
    add_names,
    add_precision,
    add_task,
    chosen_names,
    chosen_task,
)
from models.terminal.screen import bar
from models.training.distortions import evenly_spread, in_other_surroundings
from models.training.records import keras_path, published_record, versions


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommand's arguments."""
    add_names(parser)
    add_precision(parser, "all")
    add_task(parser)
    add_artifacts(parser, Path)


def run(arguments: argparse.Namespace) -> int:
    """Write each file with its card: measured on Test and on the canary images."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    runtimes.preload()
    import keras

    from models.conversion import convert
    from models.preprocessing.pipeline import read_pixels

    names = chosen_names(arguments, lambda name: keras_path(name, arguments.artifacts))
    task = chosen_task(arguments)
    training, test = task.load("Training"), task.load("Test")
    chosen = training.take(evenly_spread(len(training)))
    calibration = in_other_surroundings(read_pixels(chosen, task.side))
    labels = arguments.artifacts / "labels.txt"
    labels.write_text("\n".join(task.class_names) + "\n", encoding="utf-8")
    for name in names:
        architecture = zoo.find(name)
        keras_file = keras_path(name, arguments.artifacts)
        model = keras.models.load_model(keras_file)
        for precision in arguments.precision or artifacts.PRECISIONS:
            target = artifacts.artifact(name, precision, arguments.artifacts)
            target.path.write_bytes(convert(model, precision, calibration))
            card = _card(target, model.count_params(), keras_file, test, chosen)
            target.card_path.write_text(card.to_json(), encoding="utf-8")
            print(
                f"{architecture.title} {precision}: {card.file_bytes:,} bytes, "
                f"{card.accuracy.fraction:.2%} of {card.accuracy.images:,} Test photographs"
            )
    return 0


def _card(target, trained_parameters: int, keras_file: Path, test, calibration) -> Card:
    from models import conversion

    runtime = runtimes.RUNTIMES["litert"]
    content = target.path.read_bytes()
    details = graph.read_details(content)
    model = runtime.load(content)
    return Card(
        architecture=target.architecture,
        precision=target.precision,
        parameters=details.parameters,
        trained_parameters=trained_parameters,
        file_bytes=len(content),
        sha256=artifacts.sha256(content),
        keras_sha256=artifacts.sha256(keras_file.read_bytes()),
        multiply_accumulates=details.multiply_accumulates,
        operators=details.operators,
        signature=details.signature,
        labels=test.class_names,
        accuracy=measure_accuracy(model, test, bar(target.name)),
        runtime=f"{runtime.name} {runtime.version}",
        canary=canary(model, canary_images()),
        training=_provenance(target.architecture, keras_file.parent),
        conversion={
            "source_sha256": artifacts.sha256(Path(conversion.__file__).read_bytes()),
            "versions": versions(("tensorflow", "keras", "ai-edge-litert")),
            "weights": details.weight_types,
            "calibration": {
                "pictures": len(calibration),
                "fingerprint": calibration.fingerprint,
            }
            if target.precision == "int8"
            else None,
        },
        preparation=_as_measured(model.input),
    )


def _as_measured(spec: TensorSpec) -> Preparation:
    """Return how the photographs became the input of which the card tells the accuracy."""
    plain = Preparation().for_input(spec)
    assert plain.normalisation is not None
    return replace(plain, normalisation=replace(plain.normalisation, told_by="card"))


def _provenance(architecture: str, directory: Path) -> dict[str, Any]:
    run = published_record(architecture, directory)
    return {**run.code, "seed": run.seed, "versions": run.versions}
