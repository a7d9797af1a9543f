"""`python -m bench gate | compare | history | import | operators | ratios | report`."""

from __future__ import annotations

import argparse
import contextlib
import importlib
import json
import os
import sys
import traceback
from pathlib import Path

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


class _NoAnswerError(Exception):
    """Why there is none, in one line."""


def main(argv: list[str] | None = None) -> int:
    """Run a subcommand and return the exit status: 0 done, 1 failed, 2 bad usage or no answer."""
    words = sys.argv[1:] if argv is None else argv
    judges = words[:1] in (["gate"], ["compare"]) and not {"-h", "--help"} & set(words)
    if judges:  # what kills it leaves this
        _judge_nothing(words, "it ended before it could say why")
    try:
        return _run(words)
    except KeyboardInterrupt:
        why = "interrupted"
    except _NoAnswerError as error:
        why = str(error)
    except Exception as error:  # a module of a broken tree that cannot be imported, too
        frames = traceback.extract_tb(error.__traceback__)
        last = [each for each in frames if each.filename[0] != "<"][-1]
        file, line = last.filename, last.lineno
        if isinstance(error, SyntaxError):
            file, line = str(error.filename), error.lineno
        why = " ".join(f"{type(error).__name__}: {error} ({file}:{line})".split())
    with contextlib.suppress(OSError):  # the disk may be full, and 1 is a regression
        print(f"error: {why}", file=sys.stderr)
    if judges:
        _judge_nothing(words, why, os.environ.get("GITHUB_STEP_SUMMARY"))
    return NO_ANSWER


def _judge_nothing(words: list[str], why: str, summary: str | None = None) -> None:
    """Replace an older verdict's files, by nothing of the tree's: any module may be broken."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--output", nargs="?")
    own = words[: words.index("--")] if "--" in words else words
    output = parser.parse_known_args(own)[0].output
    output = output or (".benchmarks/gate" if words[0] == "gate" else None)
    report = f"## ⚠️ Benchmarks: could not judge\n\n    {why}\n"
    record = {"exit_status": NO_ANSWER, "verdict": "could not judge", "reason": why}
    if output is not None:
        for name in ("gate.json", "gate.md", "gate.png"):  # before a full disk takes nothing more
            with contextlib.suppress(OSError):
                Path(output, name).unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            Path(output).mkdir(parents=True, exist_ok=True)
            Path(output, "gate.json").write_text(json.dumps(record) + "\n", "utf-8")
            Path(output, "gate.md").write_text(report, "utf-8")
    if summary:
        with contextlib.suppress(OSError), Path(summary).open("a", encoding="utf-8") as file:
            file.write(report)


def _run(words: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m bench", description="Judging and showing measurements."
    )
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name in [words[0]] if words and words[0] in COMMANDS else COMMANDS:  # what it needs alone
        try:
            module = importlib.import_module(COMMANDS[name])
        except SystemExit as error:  # its status would be a verdict
            raise _NoAnswerError(f"{COMMANDS[name]} ends while it is imported: {error}") from None
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
    try:
        arguments, rest = parser.parse_known_args(words[:end])
        arguments.rest = rest + words[end:]
        if arguments.rest and arguments.command not in TAKE_MORE:
            raise ResultsError(f"unknown argument {arguments.rest[0]}")
        return arguments.run(arguments)
    except ResultsError as error:
        raise _NoAnswerError(str(error)) from None


if __name__ == "__main__":
    sys.exit(main())
