"""`python -m models list | download | train | seeds | convert | evaluate | robustness`."""

from __future__ import annotations

import argparse
import importlib
import sys
import traceback
from pathlib import Path

from models import ROOT
from models.data.photographs import DatasetError
from models.files.artifacts import ArtifactError
from models.preprocessing import PreprocessingError
from models.running.runtimes import RuntimeUnavailableError
from models.terminal.screen import ending_quietly

STATUS = (
    "Exit status: 0 done and as promised; 1 judged, and not as promised; 2 could not be done or "
    "judged, the reason in one line."
)
COMMANDS = ("list", "download", "train", "seeds", "convert", "evaluate", "robustness")


def main(argv: list[str] | None = None) -> int:
    """Run a subcommand and return its exit status: see `STATUS`."""
    parser = argparse.ArgumentParser(
        prog="python -m models", description="What is measured.", epilog=STATUS
    )
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name in COMMANDS:
        module = importlib.import_module(f"models.commands.{name}")
        summary = str(module.__doc__).strip().splitlines()[0]
        subparser = subparsers.add_parser(name, help=summary, description=summary, epilog=STATUS)
        module.add_arguments(subparser)
        subparser.set_defaults(run=module.run)
    return ending_quietly(lambda: _command(parser, argv))


def _command(parser: argparse.ArgumentParser, argv: list[str] | None) -> int:
    arguments = parser.parse_args(argv)
    try:
        return arguments.run(arguments)
    except BrokenPipeError:
        raise  # `ending_quietly` knows what it means
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except Exception as error:
        print(f"error: {_told(error)}", file=sys.stderr)
        return 2


def _told(error: Exception) -> str:
    """Return one line: an expected error's own, and of any other what it is and where it arose."""
    expected = (
        ArtifactError, DatasetError, PreprocessingError, RuntimeUnavailableError, OSError,
    )  # fmt: skip
    text = " ".join(str(error).split())
    if isinstance(error, expected):
        return text
    frames = traceback.extract_tb(error.__traceback__)
    place = next(
        (each for each in reversed(frames) if Path(each.filename).is_relative_to(ROOT)), frames[-1]
    )
    return f"{type(error).__name__}: {text} ({Path(place.filename).name}, line {place.lineno})"


if __name__ == "__main__":
    sys.exit(main())
