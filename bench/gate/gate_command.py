"""Compare this working tree with other revisions, and fail where it got worse."""

from __future__ import annotations

import argparse
import contextlib
import signal
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console

from bench.gate.closed import fail_closed, one_line, status_after
from bench.gate.judge.outcome import Outcome
from bench.gate.judge.thresholds import read
from bench.gate.live_comparison import LiveComparison
from bench.gate.measure.block import HEAD, Block, Settings
from bench.gate.measure.checkout import describe, resolve
from bench.gate.measure.compared_trees import model_files, revisions
from bench.gate.measure.gate_error import GateError
from bench.gate.measure.one_device import on_device
from bench.gate.measure.time_plan import TimePlan
from bench.gate.show.gate_progress import TerminalReporter
from bench.gate.show.outcome_files import infos, write_outcome
from bench.gate.show.tables import print_outcome
from bench.results.session import machine_info
from bench.tables import terminal
from models.terminal.options import positive_number
from models.terminal.screen import told

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
ONLY = ("bench/test_host_inference.py",)
DEVICE_ONLY = ("bench/test_device_inference.py::test_device_inference",)
ROUNDS, DEVICE_ROUNDS = 30, 10
MINUTES, DEVICE_MINUTES = 5.0, 15.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommand's arguments."""
    parser.epilog = (
        "Other arguments go to pytest in all trees, such as --architecture mobilenet_v2, "
        "--runtime litert or --threads 2. "
        "Exit status: 0 not worse, 1 worse, 2 could not judge."
    )
    parser.add_argument(
        "--base", metavar="REV", action="append", default=[],
        help="the revision to compare with; repeatable, such as the parent and the last release",
    )  # fmt: skip
    parser.add_argument(
        "--base-model", type=Path, action="append", default=[], metavar="OLD",
        help="in place of --base: an older version of the --model at the same place, or a folder "
        "of files of the same names; repeatable",
    )  # fmt: skip
    parser.add_argument(
        "--all", action="store_true",
        help="every benchmark; default: inference and classification alone",
    )  # fmt: skip
    parser.add_argument(
        "--model", type=Path, action="append", default=[], metavar="PATH",
        help="a .tflite file of your own, a folder of them or a pattern; in the project, as it is "
        "in each revision; repeatable",
    )  # fmt: skip
    parser.add_argument("--device", metavar="SERIAL", help="benchmarks of an Android device")
    parser.add_argument("--device-tool", type=Path, metavar="PATH", help="benchmark_model for it")
    parser.add_argument("--fruits360", metavar="DIR", help="the photographs, for live accuracy")
    parser.add_argument(
        "--min-effect", type=_share, metavar="SHARE",
        help="smallest slow-down worth failing for; default: that of thresholds.toml (1 %%)",
    )  # fmt: skip
    parser.add_argument(
        "--max-minutes", type=positive_number, metavar="M",
        help=f"how long to measure at most; default: {MINUTES:g}, on a device {DEVICE_MINUTES:g}",
    )  # fmt: skip
    parser.add_argument(
        "--rounds", type=int, metavar="N",
        help=f"timed rounds of a benchmark in each process; default: {ROUNDS} or what time allows, "
        f"on a device {DEVICE_ROUNDS}",
    )  # fmt: skip
    parser.add_argument(
        "--output", type=Path, default=Path(".benchmarks") / "gate", metavar="DIR",
        help="where gate.json, gate.md and gate.png go; default: %(default)s",
    )  # fmt: skip


def run(arguments: argparse.Namespace) -> int:
    """Compare, print, write; return the exit status."""
    with _terminable():
        return fail_closed(lambda: _gate(arguments))


def _gate(arguments: argparse.Namespace) -> int:
    outcome, blocks, commits = _compare(arguments, settings(arguments, arguments.rest))
    told(lambda: print_outcome(outcome, terminal()))
    more = {"commits": commits, "info": infos(blocks[0]) if blocks else {}}
    return status_after(
        outcome,
        lambda: write_outcome(arguments.output, outcome, blocks, machine=machine_info(), **more),
    )


def _compare(
    arguments: argparse.Namespace, how: Settings
) -> tuple[Outcome, list[Block], dict[str, str]]:
    """Compare; return what it came to, the blocks, and the commits by revision."""
    if bool(arguments.base) == bool(arguments.base_model):
        raise GateError("give --base REV, or --base-model OLD --model NEW")
    thresholds = read().with_min_effect(arguments.min_effect)
    commits = {revision: resolve(revision) for revision in arguments.base}
    named = [f"{revision} ({commit[:8]})" for revision, commit in commits.items()]
    named += map(str, arguments.base_model)
    outcome = Outcome(", ".join(named), _head(arguments, describe()))
    minutes = MINUTES if arguments.device is None else DEVICE_MINUTES
    seconds = 60 * (arguments.max_minutes or minutes)
    reporter = TerminalReporter(Console(stderr=True), seconds)
    plan = TimePlan(seconds, how, arguments.rounds is None)
    blocks: list[Block] = []
    try:
        with contextlib.ExitStack() as stack:
            bases, head = stack.enter_context(
                model_files(arguments.base_model, arguments.model)
                if arguments.base_model
                else revisions(commits, arguments.model, reporter.tell)
            )
            if arguments.device is not None:
                how = stack.enter_context(on_device(how, arguments.device, arguments.device_tool))
            plan.begin()
            LiveComparison(
                bases, head, how, thresholds, plan, reporter, outcome, arguments.fruits360, blocks
            ).run()
    except Exception as error:  # what was found until then is still told
        outcome.problems.append(one_line(error))
        outcome.details = error.details if isinstance(error, GateError) else ""
    finally:
        reporter.close()
    return outcome, blocks, {HEAD: describe(), **commits}


def settings(arguments: argparse.Namespace, rest: list[str]) -> Settings:
    """Return how blocks are measured.

    Raises:
        GateError: `--rounds` is too small.
    """
    is_device = arguments.device is not None
    default = DEVICE_ROUNDS if is_device else ROUNDS
    rounds = default if arguments.rounds is None else arguments.rounds
    if rounds < 1 + is_device:
        raise GateError(f"--rounds: a benchmark has at least {1 + is_device} here")
    words = [word for word in rest if word != "--"]
    return Settings(
        rounds=rounds,
        only=() if arguments.all else DEVICE_ONLY if is_device else ONLY,
        pytest_arguments=tuple(words),
        is_device=is_device,
        shares_core=_threads(words) == "1",
    )


def _threads(words: list[str]) -> str | None:
    """Return the number of threads that pytest will find among its arguments."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--threads", nargs="?", default="1")  # pytest says what is wrong with it
    return parser.parse_known_args(words)[0].threads


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


def _head(arguments: argparse.Namespace, described: str) -> str:
    """Return what people call head: the new model files, or the working tree."""
    if arguments.base_model:
        return ", ".join(map(str, arguments.model))
    commit, plus, changes = described.partition("+")
    return f"working tree ({commit[:8]}{plus}{changes})"


def _share(text: str) -> float:
    number = positive_number(text)
    if number >= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a share below 1, such as 0.01")
    return number
