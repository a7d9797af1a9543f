"""Measure the accuracy: of committed files on Test, or of any file on any labelled pictures."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from models.data.photographs import DatasetError
from models.files import artifacts
from models.files.artifacts import Artifact, ArtifactError, user_model
from models.files.cards import CONFIDENCE
from models.judging.evaluation import (
    Comparison,
    Evaluation,
    compare,
    draw_confusion,
    evaluate_file,
    measure_accuracy,
)
from models.running.copies import user_files, with_signature
from models.running.runtimes import RUNTIMES, Runtime, available
from models.terminal import options
from models.terminal.screen import bar
from models.terminal.table import print_table, terminal_table

CARDS_ONLY = ("data", "fruits360")
OWN_ONLY = (
    "signature", "input_shape", "labels", "min_accuracy", "mean", "std", "prepare", "reference",
    "json", "picture",
)  # fmt: skip
"""Options of one of the two kinds of evaluation, which would do nothing in the other."""
MOST_CONFUSIONS = 5
"""Rows of the table of confusions; the JSON has them all."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommand's arguments."""
    options.add_names(parser)
    options.add_runtime(parser, "all that are installed")
    options.add_task(parser)
    options.add_artifacts(parser, Path)
    own = parser.add_argument_group("models and pictures of your own")
    own.add_argument(
        "--model", action="append", type=Path, metavar="PATH",
        help="a .tflite file, a folder of them or a pattern; repeatable",
    )  # fmt: skip
    options.add_signature(own.add_argument)
    options.add_input_shape(own.add_argument)
    options.add_own_pictures(own.add_argument)
    own.add_argument(
        "--reference", type=Path, metavar="FILE", help="a .tflite file to compare answers with"
    )
    own.add_argument(
        "--json", nargs="?", const="-", type=_target, metavar="FILE",
        help="for programs; without FILE: to the screen, in place of the summary",
    )  # fmt: skip
    own.add_argument(
        "--picture", type=options.output_file(".png", ".svg", ".pdf"), metavar="FILE",
        help="draw which class was taken for which; of several models, a file each",
    )  # fmt: skip


def _target(text: str) -> str:
    return text if text == "-" else str(options.output_file()(text))


def run(arguments: argparse.Namespace) -> int:
    """Measure; fail where an accuracy is not what was promised."""
    if bool(arguments.model) != bool(arguments.images):
        print("error: --model and --images go together", file=sys.stderr)
        return 2
    for option in CARDS_ONLY if arguments.model else OWN_ONLY:
        if getattr(arguments, option):
            rule = "without" if arguments.model else "with"
            name = option.replace("_", "-")
            print(f"error: --{name} goes {rule} --model and --images", file=sys.stderr)
            return 2
    chosen = [RUNTIMES[name] for name in arguments.runtime or ()] or available()
    return (_evaluate if arguments.model else _hold_against_cards)(arguments, chosen)


def _hold_against_cards(arguments: argparse.Namespace, chosen: list[Runtime]) -> int:
    """Print accuracies; fail where one is not what the file's card says."""
    task = options.chosen_task(arguments)
    test = task.load("Test")
    print(f"{len(test):,} photographs in {test.root}: {task.describe()}")
    rows, differs, is_other = [], False, False

    def float32(name: str) -> Path:
        return artifacts.artifact(name, "float32", arguments.artifacts).path

    for name in options.chosen_names(arguments, float32):
        for precision in artifacts.PRECISIONS:
            target = artifacts.artifact(name, precision, arguments.artifacts)
            content, expected = target.read_bytes(), target.require_card().accuracy
            for runtime in chosen:
                measured = measure_accuracy(runtime.load(content), test, bar(target.name))
                if expected.fingerprint != measured.fingerprint:
                    verdict, is_other = "of other photographs", True
                elif not expected.may_be(measured):
                    verdict, differs = f"{expected.fraction:.2%}: differs", True
                else:
                    verdict = "agrees"
                rows.append(
                    (
                        target.name,
                        f"{runtime.name} {runtime.version}",
                        f"{measured.correct:,} / {measured.images:,}",
                        f"{measured.fraction:.2%}",
                        verdict,
                    )
                )
    print_table(terminal_table(("model", "runtime", "right", "accuracy", "card"), rows, (2, 3)))
    if is_other:
        print("error: a card is of other photographs: nothing to hold it to", file=sys.stderr)
    return 1 if differs else 2 if is_other else 0


def _evaluate(arguments: argparse.Namespace, chosen: list[Runtime]) -> int:
    """Print how each model answers in each runtime.

    A file that cannot be evaluated costs no other its turn. Return 1 where one is below
    --min-accuracy, else 2 where one could not be judged.
    """
    files = user_files(map(str, arguments.model), signature=arguments.signature)
    reference = None
    if arguments.reference:
        file = with_signature(user_model(arguments.reference.expanduser()), arguments.signature)
        reference = _answers(file, chosen[0], arguments)
    results: list[dict[str, Any]] = []
    too_low: list[str] = []
    refused: dict[str, None] = {}
    for file in files:
        for runtime in chosen:
            try:
                evaluation = _answers(file, runtime, arguments)
            except (ArtifactError, DatasetError) as error:
                refused[str(error)] = None
                continue
            beside = compare(reference, evaluation) if reference else None
            results.append(_record(file, runtime, evaluation, beside))
            if arguments.json != "-":
                _print(file, runtime, evaluation, beside)
            if arguments.picture:
                title, path = f"{file.name} in {runtime.name}", arguments.picture
                is_one = len(files) * len(chosen) == 1
                own = path.with_stem(f"{path.stem}-{file.name}-{runtime.name}")
                draw_confusion(evaluation, title, path if is_one else own)
            if evaluation.held_to_bound.fraction < arguments.min_accuracy:
                too_low.append(
                    f"{file.path} in {runtime.name}: {evaluation.held_to_bound.fraction:.2%}"
                    + (" with unreadable pictures as wrong" if evaluation.damaged else "")
                    + f", below {arguments.min_accuracy:.2%}"
                )
    if arguments.json and results:
        _write_json(arguments.json, {"format": 1, "results": results})
    for line in (*refused, *too_low):
        print(f"error: {line}", file=sys.stderr)
    return 1 if too_low else 2 if refused else 0


def _answers(file: Artifact, runtime: Runtime, arguments: argparse.Namespace) -> Evaluation:
    found = evaluate_file(
        file,
        runtime,
        arguments.images.expanduser(),
        arguments.labels and arguments.labels.expanduser(),
        options.told_preparation(arguments.mean, arguments.std, arguments.prepare),
        arguments.input_shape,
        bar(f"{file.name}, {runtime.name}"),
    )
    for remark in filter(None, [file.details.remark, *found.remarks]):
        print(remark, file=sys.stderr)
    return found


def _record(
    file: Artifact, runtime: Runtime, evaluation: Evaluation, beside: Comparison | None
) -> dict[str, Any]:
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
    file: Artifact, runtime: Runtime, evaluation: Evaluation, beside: Comparison | None
) -> None:
    one, five = evaluation.top_1, evaluation.top_5
    low, high = one.interval
    print(
        f"{file.name} in {runtime.name}: {one.correct:,} of {one.images:,} right, "
        f"{one.fraction:.2%} ({CONFIDENCE:.0%} interval {low:.2%} to {high:.2%}); among the top "
        f"five: {five.fraction:.2%}; damaged: {len(evaluation.damaged)}"
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
