"""Compare one model's latency with the others', round by round: ratios NAME [options]."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from bench.ratio.ratio import Ratio, ratios
from bench.results.session import ResultsError
from bench.tables import Table, write_text
from models import zoo
from models.files.artifacts import Artifact, ArtifactError, artifact, user_model
from models.files.user_models import find_user_models
from models.running.probe import probe
from models.running.runtimes import RUNTIMES, RuntimeUnavailableError
from models.running.shaped_files import shaped_copies
from models.terminal.options import (
    add_input_shape,
    add_precision,
    architecture_name,
    positive,
)
from models.terminal.screen import bar
from models.terminal.table import print_table

ROOT = Path(__file__).parents[2]
ROUNDS, BLOCKS = 100, 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommand's arguments."""
    parser.epilog = "Exit status: 0 measured, 1 a model could not be measured, 2 bad usage."
    parser.add_argument(
        "name", type=_model_name, metavar="NAME",
        help="the architecture that is compared, with all others; or a .tflite file, with --model",
    )  # fmt: skip
    add_precision(parser, "float32 and int8")
    parser.add_argument(
        "--model", type=Path, action="append", default=[], metavar="PATH",
        help="a .tflite file of your own to compare it with as well, a folder of them or a "
        "pattern; repeatable",
    )  # fmt: skip
    add_input_shape(parser)
    for option, default, what in (
        ("--blocks", BLOCKS, "processes"),
        ("--rounds", ROUNDS, "rounds of each model in each process"),
        ("--threads", 1, "threads of an interpreter"),
    ):
        parser.add_argument(
            option, type=positive, default=default, metavar="N", help=f"{what}; default: {default}"
        )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every round into this")


def run(arguments: argparse.Namespace) -> int:
    """Measure, print and write."""
    record: dict[str, Any] = {}
    if isinstance(arguments.name, Path) and (arguments.precision or not arguments.model):
        wrong = (
            "leave --precision out"
            if arguments.precision
            else "give --model PATH to compare it with"
        )
        raise ResultsError(f"{arguments.name}: is a file: {wrong}")
    try:
        precisions = arguments.precision or ("float32", "int8")
        for precision in ("file",) if isinstance(arguments.name, Path) else precisions:
            models = _models(arguments.name, precision, arguments.model)
            with shaped_copies(models, arguments.input_shape) as copies:
                blocks = _measure(copies, arguments, precision)
            print_table(_table(models, ratios(blocks), arguments))
            record[precision] = {"models": [each.name for each in models], "blocks_ns": blocks}
        if arguments.json is not None:
            write_text(arguments.json, json.dumps(record))
    except (ArtifactError, RuntimeUnavailableError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _model_name(text: str) -> str | Path:
    """Return a file's path, or an architecture's name."""
    return Path(text).expanduser() if text.endswith(".tflite") else architecture_name(text)


def _models(name: str | Path, precision: str, others: list[Path]) -> list[Artifact]:
    """Return the one that is compared, then all others.

    Raises:
        ArtifactError: a file is missing or damaged.
    """
    if isinstance(name, Path):
        models = [user_model(name)]
    else:
        names = [name, *(each for each in zoo.ARCHITECTURES if each != name)]
        models = [artifact(each, precision) for each in names]
    return models + find_user_models(map(str, others), [each.name for each in models])


def _measure(models: list[Artifact], arguments: argparse.Namespace, title: str) -> list[Any]:
    for model in models:
        model.read_bytes()
        probe(model.path, RUNTIMES["litert"])
    command = [sys.executable, "-m", "bench.ratio.worker"]
    command += [str(arguments.rounds), str(arguments.threads), "litert"]
    command += [str(model.path.resolve()) for model in models]
    blocks = []
    for _ in bar(title)(range(arguments.blocks)):
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode:
            raise ArtifactError(f"the measuring process ended: {done.stderr.strip()[-300:]}")
        blocks.append(json.loads(done.stdout))
    return blocks


def _table(models: list[Artifact], found: list[Ratio], arguments: argparse.Namespace):
    rows = [
        (model.name, each.latency_us, f"{each.value:.3f} ({each.lower:.3f} to {each.upper:.3f})")
        for model, each in zip(models, found, strict=True)
    ]
    rows[0] = (*rows[0][:2], "")
    return Table(("model", "latency us", "share"), rows, ("", ".1f", ".3f")).rich(
        f"{models[0].name}: invoke as a share of the others', interleaved",
        f"{arguments.blocks} processes of {arguments.rounds} rounds, LiteRT, "
        f"{arguments.threads} thread(s); in brackets: 95 % interval",
    )
