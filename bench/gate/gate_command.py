"""Compare this working tree with another revision, and fail where it got worse."""

from __future__ import annotations

import argparse
import contextlib
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.gate.errors import GateError
from models.commands.arguments import positive_number

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
DEFAULT_FILES = ("bench/test_host_inference.py",)
ROUNDS, DEVICE_ROUNDS = 30, 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommand's arguments."""
    parser.epilog = (
        "Other arguments go to pytest on both sides, such as --architecture mobilenet_v2, "
        "--runtime litert or --threads 2. "
        "Exit status: 0 pass, 1 regressed, 2 could not judge."
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--base", metavar="REV", help="the revision to compare with")
    what.add_argument(
        "--self-check",
        action="store_true",
        help="measure the gate itself: how often it is wrong on this machine",
    )
    parser.add_argument(
        "--all",
        action="store_true",
        help=f"every benchmark of the host; default: those of {', '.join(DEFAULT_FILES)}",
    )
    parser.add_argument(
        "--model", type=Path, action="append", default=[], metavar="PATH",
        help="a .tflite file of your own joins the benchmarks of both sides; repeatable",
    )  # fmt: skip
    parser.add_argument("--device", metavar="SERIAL", help="benchmarks of an Android device")
    parser.add_argument("--device-tool", type=Path, metavar="PATH", help="benchmark_model for it")
    parser.add_argument("--fruits360", metavar="DIR", help="the photographs, for live accuracy")
    parser.add_argument(
        "--min-effect", type=_share, metavar="SHARE",
        help="smallest slow-down worth failing for; default: that of thresholds.toml (1 %%)",
    )  # fmt: skip
    parser.add_argument(
        "--max-minutes", type=positive_number, default=5.0, metavar="M",
        help="how long to measure at most; default: %(default)g",
    )  # fmt: skip
    parser.add_argument(
        "--rounds", type=int, metavar="N",
        help="timed rounds of a benchmark in each process; default: "
        f"{ROUNDS}, on a device {DEVICE_ROUNDS}",
    )  # fmt: skip
    parser.add_argument(
        "--output", type=Path, default=Path(".benchmarks") / "gate", metavar="DIR",
        help="where gate.json, gate.md and gate.png go; default: %(default)s",
    )  # fmt: skip
    check = parser.add_argument_group("self-check")
    check.add_argument("--load", action="store_true", help="while all cores are busy")
    check.add_argument(
        "--comparisons", type=int, default=20, metavar="N",
        help="live comparisons of each condition; default: %(default)s",
    )  # fmt: skip
    check.add_argument(
        "--blocks", type=int, default=200, metavar="N",
        help="recorded blocks to resample from; default: %(default)s",
    )  # fmt: skip
    check.add_argument(
        "--resample-only", action="store_true",
        help="measure nothing; repeat the figures from the recorded blocks",
    )  # fmt: skip


def run(arguments: argparse.Namespace, rest: list[str]) -> int:
    """Compare, print, write; return the exit status."""
    with _terminable():
        try:
            if arguments.self_check:
                from bench.gate.selfcheck import self_check

                return self_check(arguments, settings(arguments, rest))
            return _gate(arguments, rest)
        except GateError as error:
            print(f"could not judge: {error.message}", file=sys.stderr)
            if error.details:
                print(error.details, file=sys.stderr)
            return 2


def _gate(arguments: argparse.Namespace, rest: list[str]) -> int:
    from rich.console import Console

    from bench.gate.comparison import Comparison
    from bench.gate.judge.outcome import Outcome
    from bench.gate.judge.thresholds import read
    from bench.gate.measure.checkout import ROOT, checked_out, describe, python_for, resolve
    from bench.gate.measure.controller import BASE, HEAD, Side
    from bench.gate.measure.one_device import on_device
    from bench.gate.show.outcome_files import infos, write_outcome
    from bench.gate.show.progress import TerminalReporter
    from bench.gate.show.tables import print_outcome
    from bench.output.table import terminal

    thresholds = read().with_latency(min_effect=arguments.min_effect)
    commit = resolve(arguments.base)
    outcome = Outcome(f"{arguments.base} ({commit[:8]})", _short(describe()))
    reporter = TerminalReporter(Console(stderr=True), 60 * arguments.max_minutes)
    head = Side(HEAD, ROOT, sys.executable)
    blocks: list = []
    try:
        reporter.tell(f"checking out {commit[:8]}")
        with contextlib.ExitStack() as stack:
            tree = stack.enter_context(checked_out(commit, ROOT.name))
            python = stack.enter_context(python_for(tree, reporter.tell))
            how = settings(arguments, rest)
            if arguments.device is not None:
                how = stack.enter_context(on_device(how, arguments.device, arguments.device_tool))
            comparison = Comparison(
                Side(BASE, tree, python),
                head,
                how,
                thresholds,
                60 * arguments.max_minutes,
                reporter,
                outcome,
                arguments.fruits360,
                blocks,
            )
            comparison.run()
    except GateError as error:
        outcome.problems.append(error.message)
        outcome.details = error.details
    finally:
        reporter.close()
    write_outcome(
        arguments.output,
        outcome,
        blocks,
        base_commit=commit,
        head_commit=describe(),
        machine=_machine(),
        info=infos(blocks[0]) if blocks else {},
    )
    print_outcome(outcome, terminal())
    return outcome.exit_status


def settings(arguments: argparse.Namespace, rest: list[str]) -> Any:
    """Return how blocks are measured.

    Raises:
        GateError: an argument contradicts another.
    """
    from bench.gate.measure.controller import Settings

    is_device = arguments.device is not None
    default_rounds = DEVICE_ROUNDS if is_device else ROUNDS
    rounds = default_rounds if arguments.rounds is None else arguments.rounds
    if rounds < 1 + is_device:
        raise GateError(f"--rounds: a benchmark has at least {1 + is_device} here")
    models = [f"--model={path.expanduser().resolve()}" for path in arguments.model]
    is_threaded = any(each.startswith("--threads") for each in rest)
    return Settings(
        rounds=rounds,
        files=() if arguments.all or is_device else DEFAULT_FILES,
        pytest_arguments=(*models, *(word for word in rest if word != "--")),
        shares_core=not is_threaded,
    )


@contextlib.contextmanager
def _terminable() -> Iterator[None]:
    """Let the first request to end clean up, whatever signal it is, and ignore those after it."""

    def interrupt(*_: object) -> None:
        for number in ENDING:
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    # What is ignored stays ignored, as under nohup.
    before = {
        number: signal.signal(number, interrupt)
        for number in ENDING
        if signal.getsignal(number) is not signal.SIG_IGN
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _machine() -> dict[str, Any]:
    """Return pytest-benchmark's description of this machine."""
    from pytest_benchmark.plugin import pytest_benchmark_generate_machine_info

    return pytest_benchmark_generate_machine_info()


def _short(described: str) -> str:
    commit, plus, changes = described.partition("+")
    return f"working tree ({commit[:8]}{plus}{changes})"


def _share(text: str) -> float:
    number = positive_number(text)
    if number >= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a share below 1, such as 0.01")
    return number
