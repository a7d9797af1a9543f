"""Show results on one page that opens offline: report [JSON ...] -o report.html."""

from __future__ import annotations

import argparse
from pathlib import Path

from bench.report.page import render
from bench.report.section import read_inputs
from bench.report.tradeoff import QUANTITY, draw_picture
from bench.results.session import ResultsError
from bench.tables import write, write_text


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommand's arguments."""
    parser.epilog = "Exit status: 0 written, 2 bad input, or a file could not be written."
    parser.add_argument(
        "results", nargs="*", type=Path, metavar="JSON",
        help="files of pytest-benchmark; default: all that it saved",
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


def run(arguments: argparse.Namespace) -> int:
    """Write what was asked for; return 0."""
    if arguments.output is None and arguments.picture is None:
        raise ResultsError("nothing to write: give -o report.html, or --picture FILE.png")
    inputs = read_inputs(arguments.results, arguments.robustness, arguments.operators)
    host = inputs.newest(QUANTITY)
    if arguments.picture is not None and not host:
        raise ResultsError("no picture: the results hold no inference on this machine")
    page = render(inputs) if arguments.output is not None else ""
    if arguments.picture is not None:
        newest = max(host, key=lambda session: session.time.timestamp())
        write(arguments.picture, lambda path: draw_picture(newest, path))
        print(f"{arguments.picture}: {arguments.picture.stat().st_size:,} bytes")
    if arguments.output is not None:
        write_text(arguments.output, page)
        print(f"{arguments.output}: {arguments.output.stat().st_size:,} bytes")
    return 0
