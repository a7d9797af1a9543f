"""Show results on one page that opens offline: report [JSON ...] -o report.html."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from bench.report.inputs import ReportError

STORAGE = Path(".benchmarks")
"""Where pytest-benchmark keeps what `--benchmark-autosave` saves."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommand's arguments."""
    parser.epilog = "Exit status: 0 written, 2 bad input; then nothing is written."
    parser.add_argument(
        "results", nargs="*", type=Path, metavar="JSON",
        help=f"files of pytest-benchmark; default: all of {STORAGE}/",
    )  # fmt: skip
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="the page")
    parser.add_argument(
        "--robustness", type=Path, metavar="FILE",
        help="the file that python -m models robustness --json wrote",
    )  # fmt: skip
    parser.add_argument(
        "--operators", type=Path, metavar="FILE",
        help="the file that python -m bench operators --json wrote",
    )  # fmt: skip
    parser.add_argument(
        "--picture", type=Path, metavar="FILE.png",
        help="draw latency, size and accuracy of all models into one picture",
    )  # fmt: skip


def run(arguments: argparse.Namespace, rest: list[str]) -> int:
    """Write what was asked for; return the exit status."""
    try:
        _report(arguments, rest)
    except ReportError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"error: {error.filename}: cannot be written: {error.strerror}", file=sys.stderr)
        return 2
    return 0


def _report(arguments: argparse.Namespace, rest: list[str]) -> None:
    from bench.output.whole_file import write, write_text
    from bench.report import picture
    from bench.report.inputs import read_inputs
    from bench.report.page import render

    if rest:
        raise ReportError(f"unknown argument {rest[0]}")
    if arguments.output is None and arguments.picture is None:
        raise ReportError("nothing to write: give -o report.html, or --picture FILE.png")
    results = arguments.results or sorted(STORAGE.rglob("*.json"))
    inputs = read_inputs(results, arguments.robustness, arguments.operators)
    host = inputs.newest(picture.QUANTITY)
    if arguments.picture is not None and not host:
        raise ReportError("no picture: the results hold no inference on this machine")
    if arguments.output is not None:
        write_text(arguments.output, render(inputs))
        print(f"{arguments.output}: {arguments.output.stat().st_size:,} bytes")
    if arguments.picture is not None:
        write(arguments.picture, lambda path: picture.draw(host[-1], path))
        print(f"{arguments.picture}: {arguments.picture.stat().st_size:,} bytes")
