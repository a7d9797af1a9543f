"""Convert trained networks to .tflite files of every precision."""

from __future__ import annotations

import argparse
import os
import time
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

from models import zoo
from models.data.canary_images import canary_images
from models.data.photographs import Photographs, read_labels
from models.files import artifacts, graph
from models.files.artifacts import ArtifactError
from models.files.cards import Card
from models.judging.evaluation import canary, measure_accuracy
from models.preprocessing import Preparation, prepare
from models.preprocessing.pipeline import read_pixels
from models.preprocessing.tensors import TensorSpec
from models.running import runtimes
from models.terminal import options
from models.terminal.screen import bar
from models.training.distortions import evenly_spread, in_other_surroundings
from models.training.records import RunRecord, keras_path, published_record, versions
from models.training.runs import Runs

CALLS = 30
"""Of which the median is told; how files are compared in earnest the benchmarks say."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommand's arguments."""
    options.add_names(parser)
    options.add_precision(parser, "all")
    options.add_task(parser)
    options.add_artifacts(parser, Path)


def run(arguments: argparse.Namespace) -> int:
    """Convert, measure on Test and on the canary images, and then write all files."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    runtimes.preload()
    from models.conversion import convert

    folder = arguments.artifacts
    names = options.chosen_names(arguments, lambda name: keras_path(name, folder))
    records = {name: published_record(name, folder) for name in names}
    models = {name: _network(record, folder) for name, record in records.items()}
    first = records[names[0]]
    runs = Runs(folder, folder, options.chosen_task(arguments, first.task["side"]))
    runs = replace(runs, is_own=first.held_out is not None)
    test = runs.task.load("Test")
    for record in records.values():
        _check(record, runs, test, folder)
    learnt = runs.learnt("whole")
    chosen = learnt.take(evenly_spread(len(learnt)))
    calibration = in_other_surroundings(read_pixels(chosen, runs.task.side))
    made: dict[Path, bytes] = {}
    for name, model in models.items():
        cards = {}
        for precision in arguments.precision or artifacts.PRECISIONS:
            target = artifacts.artifact(name, precision, folder)
            content = made[target.path] = convert(model, precision, calibration)
            card = _card(target, content, model.count_params(), records[name], test, chosen)
            made[target.card_path] = card.to_json().encode()
            cards[precision] = card.accuracy
            print(_told(zoo.find(name).title, card, content, test.paths[0]))
        lost = cards["float32"].correct - cards["int8"].correct if len(cards) == 4 else 0
        if lost > 0 and cards["int8"].fraction < cards["float32"].interval[0]:
            print(f"warning: {name}: int8 loses {lost:,} right answers of {len(test):,}")
    made[folder / "labels.txt"] = "".join(f"{each}\n" for each in test.class_names).encode()
    for path, content in made.items():
        path.write_bytes(content)
    return 0


def _network(record: RunRecord, folder: Path) -> Any:
    import keras

    path = keras_path(record.architecture, folder)
    if artifacts.sha256(path.read_bytes()) != record.keras_sha256:
        raise ArtifactError(f"{path}: is not the network of its record; train it again")
    try:
        return keras.models.load_model(path)
    except ValueError as error:
        raise ArtifactError(f"{path}: Keras {keras.__version__} cannot read it: {error}") from None


def _check(record: RunRecord, runs: Runs, test: Photographs, folder: Path) -> None:
    """Refuse pictures that are not those of a training: its card would tell of others."""
    if (record.task["side"], record.task["classes"]) != (runs.task.side, [*test.class_names]):
        raise ArtifactError(
            f"{record.name}: learnt {len(record.task['classes'])} classes of "
            f"{record.task['side']} pixels, {', '.join(record.task['classes'][:3])}, ...; name its "
            "pictures with --data DIR"
        )
    told = (record.learnt["fingerprint"], record.accuracy.fingerprint)
    if told != (runs.learnt("whole").fingerprint, test.fingerprint):
        raise ArtifactError(f"{record.name}: learnt from other pictures; name them, or train again")
    labels = folder / "labels.txt"
    if labels.is_file() and read_labels(labels) != test.class_names:
        raise ArtifactError(f"{labels}: is of other classes; name another folder with --artifacts")


def _told(title: str, card: Card, content: bytes, picture: Path) -> str:
    """Return one line: bytes, accuracy and its interval, and how long one answer takes here."""
    model = runtimes.RUNTIMES["litert"].load(content)
    tensor = prepare(picture, model.input)
    times = []
    for _ in range(CALLS):
        started = time.perf_counter_ns()
        model.predict(tensor)
        times.append(time.perf_counter_ns() - started)
    low, high = card.accuracy.interval
    return (
        f"{title} {card.precision}: {card.file_bytes:,} bytes; {card.accuracy.fraction:.2%} of "
        f"{card.accuracy.images:,} pictures of Test (95% interval {low:.1%} to {high:.1%}); "
        f"{median(times) / 1000:,.0f} us a classification here"
    )


def _card(
    target: artifacts.Artifact, content: bytes, trained_parameters: int, record: RunRecord,
    test: Photographs, calibration: Photographs,
) -> Card:  # fmt: skip
    from models import conversion

    runtime = runtimes.RUNTIMES["litert"]
    details = graph.read_details(content)
    model = runtime.load(content)
    return Card(
        architecture=record.architecture, precision=str(target.precision),
        parameters=details.parameters, trained_parameters=trained_parameters,
        file_bytes=len(content), sha256=artifacts.sha256(content),
        keras_sha256=str(record.keras_sha256),
        multiply_accumulates=details.multiply_accumulates, operators=details.operators,
        signature=details.signature, labels=test.class_names,
        accuracy=measure_accuracy(model, test, bar(target.name)),
        runtime=f"{runtime.name} {runtime.version}",
        canary=canary(model, canary_images()),
        training={**record.code, "seed": record.seed, "versions": record.versions},
        conversion={
            "source_sha256": artifacts.sha256(Path(conversion.__file__).read_bytes()),
            "versions": versions(("tensorflow", "keras", "ai-edge-litert")),
            "weights": details.weight_types,
            "calibration": {"pictures": len(calibration), "fingerprint": calibration.fingerprint}
            if target.precision == "int8"
            else None,
        },
        preparation=_as_measured(model.input),
    )  # fmt: skip


def _as_measured(spec: TensorSpec) -> Preparation:
    """Return how the photographs became the input of which the card tells the accuracy."""
    plain = Preparation().for_input(spec)
    assert plain.normalisation is not None
    return replace(plain, normalisation=replace(plain.normalisation, told_by="card"))
