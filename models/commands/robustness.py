"""Measure the accuracy under rotation, scale, shift, light, compression and other grounds."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from models.data.changes import Changes
from models.files import artifacts
from models.files.cards import write_json
from models.judging import robustness
from models.running import runtimes
from models.terminal import options
from models.terminal.screen import bar
from models.training.records import published_record


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommand's arguments."""
    options.add_names(parser)
    options.add_precision(parser, "float32 and int8")
    parser.add_argument(
        "--runtime", choices=[runtime.name for runtime in runtimes.available()], default="litert",
        help="default: %(default)s",
    )  # fmt: skip
    parser.add_argument(
        "--every", type=options.positive, default=1, metavar="N",
        help="only every Nth photograph; default: all",
    )  # fmt: skip
    parser.add_argument(
        "--json", type=options.output_file(), metavar="FILE",
        help="write the counts into this, for the report",
    )  # fmt: skip
    options.add_task(parser)
    options.add_artifacts(parser, Path)


def run(arguments: argparse.Namespace) -> int:
    """Print the table; exit status 1 where a model falls too low under a mild change.

    Pictures of one's own have no such bound. Their grounds are changed where that was learnt.
    """
    task, is_own = options.chosen_task(arguments), arguments.data is not None
    photographs = task.load("Test").take(slice(None, None, arguments.every))
    runtime = runtimes.RUNTIMES[arguments.runtime]
    precisions = arguments.precision or ("float32", "int8")

    def file(name: str, precision: str = precisions[0]) -> artifacts.Artifact:
        return artifacts.artifact(name, precision, arguments.artifacts)

    names = options.chosen_names(arguments, lambda name: file(name).path)
    files = [file(name, precision) for name in names for precision in precisions]
    models = {file.name: runtime.load(file.read_bytes()) for file in files}
    if is_own:  # what may change in them was told when they were learnt
        records = [published_record(name, arguments.artifacts) for name in names]
        learnt = [Changes(**record.recipe["changes"]) for record in records]
        task = replace(task, changes=max(learnt, key=lambda each: each.ground))
    changes = robustness.suited(task.changes)
    results = robustness.measure(models, photographs, changes, bar("photographs"))
    print(robustness.markdown(results, is_own=is_own))
    if arguments.json:
        accepted = None if is_own else robustness.SMALLEST_ACCEPTED_ACCURACY
        write_json(arguments.json, robustness.to_dict(results, photographs, accepted))
    refused = [result for result in results if not (is_own or result.is_accepted)]
    for result in refused:
        print(
            f"error: {result.model} is right on {result.right.fraction:.2%} of the photographs "
            f"{result.change.name}, less than {robustness.SMALLEST_ACCEPTED_ACCURACY:.0%}; "
            "train it with stronger augmentation",
            file=sys.stderr,
        )
    return 1 if refused else 0
