"""Measure the accuracy: of committed files on Test, or of any file on any labelled pictures."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from models.commands import own_pictures
from models.files import artifacts
from models.terminal.options import (
    add_artifacts,
    add_input_shape,
    add_names,
    add_own_pictures,
    add_runtime,
    add_task,
    chosen_names,
    chosen_task,
    output_file,
)

CARDS_ONLY = ("data", "fruits360")
OWN_ONLY = (
    "input_shape", "labels", "min_accuracy", "mean", "std", "fit", "reference", "json",
)  # fmt: skip
"""Options of one of the two kinds of evaluation, which would do nothing in the other."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommand's arguments."""
    add_names(parser)
    add_runtime(parser, "all that are installed")
    add_task(parser)
    add_artifacts(parser)
    own = parser.add_argument_group("models and pictures of your own")
    own.add_argument(
        "--model", action="append", type=Path, metavar="PATH",
        help="a .tflite file, a folder of them or a pattern; repeatable",
    )  # fmt: skip
    add_input_shape(own)
    add_own_pictures(own)
    own.add_argument(
        "--reference", type=Path, metavar="FILE", help="a .tflite file to compare answers with"
    )
    own.add_argument(
        "--json", nargs="?", const="-", type=_target, metavar="FILE",
        help="for programs; default: to the screen",
    )  # fmt: skip


def _target(text: str) -> str:
    return text if text == "-" else str(output_file()(text))


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
    if arguments.model:
        return own_pictures.run(arguments)
    return _hold_against_cards(arguments)


def _hold_against_cards(arguments: argparse.Namespace) -> int:
    """Print accuracies; fail where one is not what the file's card says."""
    from models.judging.accuracy import measure_accuracy
    from models.running import runtimes
    from models.terminal.screen import bar
    from models.terminal.table import print_table, terminal_table

    task = chosen_task(arguments)
    test = task.load("Test")
    print(f"{len(test):,} photographs in {test.root}: {task.describe()}")
    chosen = [runtimes.RUNTIMES[name] for name in arguments.runtime or ()] or runtimes.available()
    rows, differs = [], False

    def float32(name: str) -> Path:
        return artifacts.artifact(name, "float32", arguments.artifacts).path

    for name in chosen_names(arguments, float32):
        for precision in artifacts.PRECISIONS:
            target = artifacts.artifact(name, precision, arguments.artifacts)
            content, expected = target.read_bytes(), target.require_card().accuracy
            for runtime in chosen:
                model = runtime.load(content)
                measured = measure_accuracy(model, test, bar(target.name))
                if expected.fingerprint != measured.fingerprint:
                    verdict = "of other photographs"
                elif abs(expected.correct - measured.correct) > 0.001 * measured.images:
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
    return 1 if differs else 0
