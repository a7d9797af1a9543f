"""`python -m bench gate | compare | history | import | operators | ratios | report`."""

from __future__ import annotations

import argparse
import importlib
import sys
import traceback

COMMANDS = {
    "gate": "bench.gate.command",
    "compare": "bench.gate.compare",
    "history": "bench.history.command",
    "import": "bench.brought_in",
    "operators": "bench.operators",
    "ratios": "bench.ratios",
    "report": "bench.report.command",
}
"""The module of each subcommand. It has `add_arguments(parser)` and `run(arguments)`, which returns
the exit status."""

TAKE_MORE = ("gate", "compare")
"""Those that find in `arguments.rest` what they did not declare, and "--" with all that follows."""

NO_ANSWER = 2
"""Whatever ends a command before it has an answer: a gate fails closed, and 1 is a regression."""


def main(argv: list[str] | None = None) -> int:
    """Run a subcommand and return the exit status: 0 done, 1 failed, 2 bad usage or no answer."""
    try:
        return _run(argv)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
    except Exception as error:  # a module of a broken tree that cannot be imported, too
        place = traceback.extract_tb(error.__traceback__)[-1]
        words = " ".join(f"{type(error).__name__}: {error}".split())
        print(f"error: {words} ({place.filename}:{place.lineno})", file=sys.stderr)
    return NO_ANSWER


def _run(argv: list[str] | None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m bench", description="Judging and showing measurements."
    )
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    words = sys.argv[1:] if argv is None else argv
    for name in [words[0]] if words and words[0] in COMMANDS else COMMANDS:  # what it needs alone
        module = importlib.import_module(COMMANDS[name])
        summary = str(module.__doc__).strip().splitlines()[0]
        subparser = subparsers.add_parser(
            name, help=summary, description=summary, allow_abbrev=False
        )
        module.add_arguments(subparser)
        subparser.set_defaults(run=module.run)
    from models.terminal.screen import ending_quietly  # not sooner: a broken tree may have none

    return ending_quietly(lambda: _command(parser, words))


def _command(parser: argparse.ArgumentParser, words: list[str]) -> int:
    from bench.results.session import ResultsError

    end = words.index("--") if "--" in words else len(words)
    arguments, rest = parser.parse_known_args(words[:end])
    arguments.rest = rest + words[end:]
    try:
        if arguments.rest and arguments.command not in TAKE_MORE:
            raise ResultsError(f"unknown argument {arguments.rest[0]}")
        return arguments.run(arguments)
    except ResultsError as error:
        print(f"error: {error}", file=sys.stderr)
        return NO_ANSWER


if __name__ == "__main__":
    sys.exit(main())
