"""`python -m models list | download | train | seeds | convert | evaluate | robustness`."""

from __future__ import annotations

import argparse
import importlib
import sys

from models.data.photographs import DatasetError
from models.files.artifacts import ArtifactError
from models.preprocessing import PreprocessingError
from models.running.runtimes import RuntimeUnavailableError
from models.terminal.screen import ending_quietly

COMMANDS = ("list", "download", "train", "seeds", "convert", "evaluate", "robustness")


def main(argv: list[str] | None = None) -> int:
    """Run a subcommand and return the exit status: 0 done, 1 refused or failed, 2 bad usage."""
    parser = argparse.ArgumentParser(prog="python -m models", description="What is measured.")
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name in COMMANDS:
        module = importlib.import_module(f"models.commands.{name}")
        summary = str(module.__doc__).strip().splitlines()[0]
        subparser = subparsers.add_parser(name, help=summary, description=summary)
        module.add_arguments(subparser)
        subparser.set_defaults(run=module.run)
    return ending_quietly(lambda: _command(parser, argv))


def _command(parser: argparse.ArgumentParser, argv: list[str] | None) -> int:
    arguments = parser.parse_args(argv)
    try:
        return arguments.run(arguments)
    except BrokenPipeError:
        raise  # `ending_quietly` knows what it means
    except (
        ArtifactError, DatasetError, PreprocessingError, RuntimeUnavailableError, OSError,
    ) as error:  # fmt: skip
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
