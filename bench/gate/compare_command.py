"""Compare stored runs: compare BASE ... -- HEAD.json ..."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from bench.gate import baselines
from bench.gate.closed import fail_closed, status_after
from bench.gate.judge.outcome import PASS
from bench.gate.judge.thresholds import read
from bench.gate.measure.gate_error import GateError
from bench.gate.show.outcome_files import write_outcome
from bench.gate.show.tables import print_outcome
from bench.gate.stored import compare_runs
from bench.results.session import read_session
from bench.tables import terminal
from models.terminal.screen import told


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommand's arguments."""
    parser.usage = "python -m bench compare [options] BASE [BASE ...] -- HEAD.json [HEAD.json ...]"
    parser.epilog = (
        "Make each file with a process of its own: pytest --benchmark-only --benchmark-json=FILE. "
        "Exit status: 0 not worse, 1 worse, 2 could not judge."
    )
    parser.add_argument(
        "base", nargs="*", metavar="BASE",
        help="a file of pytest-benchmark, or the name or commit of a stored baseline",
    )  # fmt: skip
    parser.add_argument(
        "--save-as", metavar="NAME",
        help="store head's runs as a baseline of that name if they pass; with no BASE at all, "
        "store the first one",
    )  # fmt: skip
    parser.add_argument(
        "--min-effect", type=float, metavar="SHARE",
        help="smallest slow-down worth failing for; default: that of thresholds.toml (1 %%)",
    )  # fmt: skip
    parser.add_argument(
        "--output", type=Path, metavar="DIR", help="where gate.json, gate.md and gate.png go"
    )


def run(arguments: argparse.Namespace) -> int:
    """Compare, print, and write and store where asked to; return the exit status."""
    return fail_closed(lambda: _compare(arguments))


def _compare(arguments: argparse.Namespace) -> int:
    rest = arguments.rest
    if "--" not in rest or rest[0] != "--":
        unknown = f"unknown argument {rest[0]}; " if rest and rest[0] != "--" else ""
        raise GateError(f'{unknown}give the files of base, then "--", then those of head')
    base_files = [path for word in arguments.base for path in baselines.find(word)]
    head_files = [Path(word) for word in rest[1:]]
    base, head = ([read_session(path) for path in files] for files in (base_files, head_files))
    seen: dict[bytes, Path] = {}
    for each in (*base, *head):
        if (other := seen.setdefault(each.content, each.path)) is not each.path:
            raise GateError(f"{each.path}: holds the same session as {other}: give each once")
    thresholds = read().with_min_effect(arguments.min_effect)
    outcome = compare_runs(base, head, thresholds)
    told(lambda: print_outcome(outcome, terminal()))
    if arguments.save_as is not None:
        if outcome.exit_status == PASS or (not base and head):
            print(f"stored as {baselines.store(arguments.save_as, head)}")
        else:
            print(f"not stored as {arguments.save_as}: {outcome.word}", file=sys.stderr)
    if arguments.output is None:
        return outcome.exit_status
    return status_after(outcome, lambda: write_outcome(arguments.output, outcome))
