"""Evaluating any model on any labelled pictures: what `evaluate --images` does."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from models.data.folders import read_labels, read_pictures
from models.files.artifacts import Artifact, find_user_models, user_model
from models.files.obstacles import no_classifier
from models.judging.evaluation import CONFIDENCE, Comparison, Evaluation, compare, evaluate
from models.running import runtimes
from models.running.loaded_model import CannotRunError
from models.running.probe import probe
from models.terminal.options import chosen_preparation
from models.terminal.screen import bar

MOST_CONFUSIONS = 5
"""Rows of the table of confusions; the JSON has them all."""


def run(arguments: argparse.Namespace) -> int:
    """Print how each model answers in each runtime; 1 where one is below --min-accuracy."""
    chosen = arguments.runtime or [runtime.name for runtime in runtimes.available()]
    files = find_user_models(map(str, arguments.model))
    reference = None
    if arguments.reference:
        reference = evaluate_file(
            user_model(arguments.reference.expanduser()), chosen[0], arguments
        )
    results: list[dict[str, Any]] = []
    too_low = []
    for file in files:
        for name in chosen:
            evaluation = evaluate_file(file, name, arguments)
            beside = compare(reference, evaluation) if reference else None
            results.append(_record(file, name, evaluation, beside))
            if not arguments.json:
                _print(file, name, evaluation, beside)
            if evaluation.top_1.fraction < arguments.min_accuracy:
                too_low.append(f"{file.path} in {name}: {evaluation.top_1.fraction:.2%}")
    if arguments.json:
        _write_json(arguments.json, {"format": 1, "results": results})
    for line in too_low:
        print(f"error: {line}, below {arguments.min_accuracy:.2%}", file=sys.stderr)
    return 1 if too_low else 0


def evaluate_file(file: Artifact, runtime_name: str, arguments: argparse.Namespace) -> Evaluation:
    """Classify the pictures of `--images`.

    Args:
        file: a classifier.
        runtime_name: of `models.running.runtimes.RUNTIMES`.
        arguments: what `models.terminal.options.add_own_pictures` declares.

    Raises:
        ArtifactError: the file is no classifier, or cannot be run.
        DatasetError: the pictures cannot be read, or the labels are not the model's.
    """
    shapes = arguments.input_shape
    details = file.details.reshaped(shapes)
    reason = no_classifier(details)
    if reason:
        raise CannotRunError(f"{file.path}: is no classifier of pictures: {reason}")
    runtime = runtimes.RUNTIMES[runtime_name]
    probe(file, runtime, input_shapes=shapes)
    labels = _labels(file, arguments.labels)
    photographs = read_pictures(arguments.images.expanduser(), labels)
    model = runtime.load(file.path, input_shapes=shapes)
    preparation = chosen_preparation(file, model.input, arguments)
    if preparation.normalisation and preparation.normalisation.warning:
        print(f"warning: {file.name}: {preparation.normalisation.warning}", file=sys.stderr)
    progress = bar(f"{file.name}, {runtime_name}")
    evaluation = evaluate(model, photographs, preparation=preparation, progress=progress)
    count = np.isnan(evaluation.probabilities).any(axis=1).sum()
    if count:
        print(f"warning: {file.name}: {count:,} answers hold NaN, and are wrong", file=sys.stderr)
    for name, damage in evaluation.damaged.items():
        print(f"not classified: {name}: {damage}", file=sys.stderr)
    return evaluation


def _labels(file: Artifact, named: Path | None) -> tuple[str, ...]:
    """Return the labels: of --labels, of the file's metadata, of labels.txt beside it, or none."""
    if named:
        return read_labels(named.expanduser())
    told = file.metadata.labels
    beside = file.path.with_name("labels.txt")
    return told or (read_labels(beside) if beside.is_file() else ())


def _record(
    file: Artifact, runtime_name: str, evaluation: Evaluation, beside: Comparison | None
) -> dict[str, Any]:
    runtime = runtimes.RUNTIMES[runtime_name]
    return {
        "model": file.name,
        "sha256": file.sha256,
        "runtime": runtime.name,
        "runtime_version": runtime.version,
        "fingerprint": evaluation.photographs.fingerprint,
        **evaluation.to_dict(),
        "beside_reference": beside.to_dict() if beside else None,
    }


def _print(
    file: Artifact, runtime_name: str, evaluation: Evaluation, beside: Comparison | None
) -> None:
    from models.terminal.table import print_table, terminal_table

    one, five = evaluation.top_1, evaluation.top_5
    low, high = one.interval
    title = f"{file.name} in {runtime_name}"
    print(
        f"{title}: {one.correct:,} of {one.images:,} right, {one.fraction:.2%} "
        f"({CONFIDENCE:.0%} interval {low:.2%} to {high:.2%}); among the top five: "
        f"{five.fraction:.2%}; damaged: {len(evaluation.damaged)}"
    )
    if beside:
        print(
            f"beside the reference: the same class for {beside.same:,} of {beside.images:,}; right "
            f"alone: {beside.only_second}, the reference alone: {beside.only_first} (McNemar's "
            f"exact p = {beside.mcnemar_p:.3g})"
        )
    rows = [
        (
            name, f"{share.correct:,} / {share.images:,}", f"{share.fraction:.1%}",
            "{:.1%} to {:.1%}".format(*share.interval),
        )
        for name, share in evaluation.by_class().items()
    ]  # fmt: skip
    print_table(terminal_table(("class", "right", "share", "interval"), rows, (1, 2, 3)))
    for right, answered, count in evaluation.confusion()[:MOST_CONFUSIONS]:
        print(f"{count:,} of {right} were taken for {answered}")


def _write_json(target: str, data: dict[str, Any]) -> None:
    text = json.dumps(data, indent=2)
    if target == "-":
        print(text)
    else:
        Path(target).write_text(text + "\n", encoding="utf-8")
