"""Time every operator of every model, by LiteRT's own profiler: operators [options]."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from bench.operators.operator_record import measured, to_json
from bench.operators.operator_table import captions, each_table, kinds_table
from bench.tables import write_text
from models import zoo
from models.files.artifacts import PRECISIONS, Artifact, ArtifactError, artifact
from models.files.user_models import find_user_models
from models.running.operator_profile import profile_operators
from models.running.runtimes import RuntimeUnavailableError
from models.running.shaped_files import shaped_copies
from models.terminal.options import (
    add_input_shape,
    add_precision,
    architecture_name,
    positive,
)
from models.terminal.table import print_table

ROUNDS = 500


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommand's arguments."""
    parser.epilog = "Exit status: 0 measured, 1 a model could not be measured, 2 bad usage."
    parser.add_argument(
        "--architecture", action="append", type=architecture_name, metavar="NAME",
        help="one of the project's, repeatable; default: all, or none beside --model",
    )  # fmt: skip
    add_precision(parser, "all")
    parser.add_argument(
        "--model", type=Path, action="append", default=[], metavar="PATH",
        help="a .tflite file of your own, a folder of them or a pattern; repeatable",
    )  # fmt: skip
    add_input_shape(parser)
    parser.add_argument(
        "--rounds", type=positive, default=ROUNDS, metavar="N",
        help="calls of each model, without the profiler and with it; default: %(default)s",
    )  # fmt: skip
    parser.add_argument(
        "--each", action="store_true", help="a row for every operator, not for every kind"
    )
    parser.add_argument(
        "--json", type=Path, metavar="FILE",
        help="write what was measured, for python -m bench report --operators FILE",
    )  # fmt: skip


def run(arguments: argparse.Namespace) -> int:
    """Measure, print and write; a model that cannot be measured costs no other its row."""
    try:
        targets = _targets(arguments)
    except ArtifactError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    found, failed = [], False
    for target in targets:
        try:
            with shaped_copies([target], arguments.input_shape) as (copy,):
                profile = profile_operators(copy, arguments.rounds)
                found.append(measured(target, profile, copy))
        except (ArtifactError, RuntimeUnavailableError) as error:
            print(f"error: {error}", file=sys.stderr)
            failed = True
            continue
        table = each_table(profile) if arguments.each else kinds_table(profile)
        print_table(table.rich(*captions(target.name, profile)))
    if arguments.json is not None and found:
        write_text(arguments.json, to_json(found))
    return 1 if failed or not found else 0


def _targets(arguments: argparse.Namespace) -> list[Artifact]:
    """Return what was asked for; of what was not, only files that exist."""
    names = arguments.architecture or ([] if arguments.model else list(zoo.ARCHITECTURES))
    ours = [
        artifact(name, precision)
        for name in dict.fromkeys(names)
        for precision in PRECISIONS
        if precision in (arguments.precision or PRECISIONS)
    ]
    if not arguments.architecture:
        ours = [each for each in ours if each.path.exists()]
    return ours + find_user_models(map(str, arguments.model), [each.name for each in ours])
