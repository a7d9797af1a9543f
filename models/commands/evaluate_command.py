"""Measure committed files on the Test photographs through each runtime."""

from __future__ import annotations

import argparse
import functools

from models.commands.arguments import add_artifacts, add_fruits360, add_names
from models.files import artifacts


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommand's arguments."""
    add_names(parser)
    add_fruits360(parser)
    add_artifacts(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print accuracies; fail where one is not what the file's card says."""
    from rich.console import Console
    from rich.progress import track
    from rich.table import Table

    from models.data import fruits360
    from models.judging.accuracy import measure_accuracy
    from models.running import runtimes

    test = fruits360.load("Test", arguments.fruits360)
    table = Table("model", "runtime", "right", "accuracy", "card")
    differs = False
    for name in arguments.names:
        for precision in artifacts.PRECISIONS:
            target = artifacts.artifact(name, precision, arguments.artifacts)
            content, expected = target.read_bytes(), target.require_card().accuracy
            for runtime in runtimes.available():
                model = runtime.load(content)
                progress = functools.partial(track, description=target.name)
                measured = measure_accuracy(model, test, progress)
                if expected.fingerprint != measured.fingerprint:
                    verdict = "of other photographs"
                elif abs(expected.correct - measured.correct) > 0.001 * measured.images:
                    verdict, differs = f"{expected.fraction:.2%}: differs", True
                else:
                    verdict = "agrees"
                table.add_row(
                    target.name,
                    f"{runtime.name} {runtime.version}",
                    f"{measured.correct:,} / {measured.images:,}",
                    f"{measured.fraction:.2%}",
                    verdict,
                )
    Console().print(table)
    return 1 if differs else 0
