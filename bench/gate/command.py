"""Compare this working tree with other revisions, and fail where it got worse."""

from __future__ import annotations

import argparse
import contextlib
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NoReturn

from rich.console import Console

from bench.gate.judge.thresholds import read
from bench.gate.judge.verdict import Outcome
from bench.gate.live import LiveComparison, TimePlan
from bench.gate.measure import trees
from bench.gate.measure.controller import Block
from bench.gate.measure.worker import HEAD, GateError, Sampling
from bench.gate.show import Progress, conclude
from bench.results.session import ResultsError, machine_info
from models.terminal.options import positive_number

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
        "Exit status: 0 not worse, 1 worse, 2 could not judge; the last line says why, and what "
        "was not looked at."
    )
    parser.add_argument("--base", metavar="REV", action="append", default=[],
        help="a revision to compare with; repeatable: the parent and the last release")  # fmt: skip
    parser.add_argument("--base-model", type=Path, action="append", default=[], metavar="OLD",
        help="in place of --base: an older version of the --model at the same place, or a folder "
        "of files of the same names; repeatable")  # fmt: skip
    parser.add_argument("--all", action="store_true",
        help="every benchmark; default: inference and classification alone")  # fmt: skip
    parser.add_argument("--model", type=Path, action="append", default=[], metavar="PATH",
        help="a .tflite file of your own, a folder of them or a pattern; in the project, as it is "
        "in each revision; repeatable")  # fmt: skip
    parser.add_argument("--device", metavar="SERIAL", help="benchmarks of an Android device")
    parser.add_argument("--device-tool", type=Path, metavar="PATH", help="benchmark_model for it")
    parser.add_argument("--fruits360", metavar="DIR", help="the photographs, for live accuracy")
    add_min_effect(parser)
    parser.add_argument("--max-minutes", type=positive_number, metavar="M",
        help=f"at most; default: {MINUTES:g}, on a device {DEVICE_MINUTES:g}")  # fmt: skip
    parser.add_argument("--rounds", type=int, metavar="N",
        help=f"timed rounds of a benchmark in each process; default: {ROUNDS} or what time allows, "
        f"on a device {DEVICE_ROUNDS}")  # fmt: skip
    parser.add_argument("--output", type=Path, default=Path(".benchmarks/gate"), metavar="DIR",
        help="where gate.json, gate.md and gate.png go; default: %(default)s")  # fmt: skip
    parser.error = partial(_refuse, parser.format_usage)  # type: ignore[method-assign]


def add_min_effect(parser: argparse.ArgumentParser) -> None:
    """Declare --min-effect."""
    parser.add_argument("--min-effect", type=_share, metavar="SHARE",
        help="smallest slow-down worth failing for: above 0, and below the margin of "
        "thresholds.toml (0.03); default: min_effect of that file (0.01)")  # fmt: skip


def run(arguments: argparse.Namespace) -> int:
    """Compare, print, write, however it ends; return the exit status."""
    with _terminable():
        outcome, blocks, commits = _compare(arguments)
        more = {"machine": machine_info(), "commits": commits}
        return conclude(outcome, arguments.output, blocks, **more)


def _compare(arguments: argparse.Namespace) -> tuple[Outcome, list[Block], dict[str, str]]:
    """Return what it came to, the blocks, and the commits by revision."""
    outcome, blocks, commits = Outcome(), [], {}
    outcome.base = ", ".join([*arguments.base, *map(str, arguments.base_model)])
    outcome.head = ", ".join(map(str, arguments.model)) if arguments.base_model else "working tree"
    progress = Progress(Console(stderr=True))
    try:
        if bool(arguments.base) == bool(arguments.base_model):
            raise GateError("give --base REV, or --base-model OLD --model NEW")
        is_device = arguments.device is not None
        sampling = sampling_of(is_device, arguments.rounds, arguments.all, arguments.rest)
        thresholds = read(min_effect=arguments.min_effect)
        commits = {HEAD: trees.describe(), **{each: trees.resolve(each) for each in arguments.base}}
        named = [f"{each} ({commits[each][:8]})" for each in arguments.base]
        outcome.base = ", ".join(named) or outcome.base
        if arguments.base:
            commit, plus, changes = commits[HEAD].partition("+")
            outcome.head = f"working tree ({commit[:8]}{plus}{changes})"
        trees.check_pins()
        minutes = arguments.max_minutes or (DEVICE_MINUTES if is_device else MINUTES)
        with contextlib.ExitStack() as stack:
            bases_only = {each: commits[each] for each in arguments.base}
            bases, head = stack.enter_context(
                trees.revisions(bases_only, arguments.model, progress.tell)
                if arguments.base
                else trees.model_files(arguments.base_model, arguments.model)
            )
            if is_device:
                device = trees.on_device(sampling, arguments.device, arguments.device_tool)
                sampling = stack.enter_context(device)
            plan = TimePlan(60 * minutes, sampling, arguments.rounds is None)
            comparison = LiveComparison(
                bases, head, sampling, thresholds, plan, progress, arguments.fruits360
            )
            blocks = comparison.blocks
            outcome = replace(comparison.run(), base=outcome.base, head=outcome.head)
    except (Exception, KeyboardInterrupt) as error:  # told as an outcome, too
        outcome.fail(error)
    finally:
        progress.close()
    return outcome, blocks, commits


def _refuse(usage: Callable[[], str], message: str) -> NoReturn:
    """Show the usage as argparse does; what ends the gate is told in its files as well."""
    print(usage(), end="", file=sys.stderr)
    raise ResultsError(message)


def sampling_of(
    is_device: bool, rounds: int | None, has_all: bool, rest: Sequence[str]
) -> Sampling:
    """Return how blocks are measured; `rest` is what pytest is told."""
    if rounds is None:
        rounds = DEVICE_ROUNDS if is_device else ROUNDS
    if rounds < 1 + is_device:
        raise GateError(f"--rounds: a benchmark has at least {1 + is_device} here")
    words = [word for word in rest if word != "--"]
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--threads", nargs="?", default="1")  # pytest says what is wrong with it
    return Sampling(
        rounds=rounds,
        only=() if has_all else DEVICE_ONLY if is_device else ONLY,
        pytest_arguments=tuple(words),
        is_device=is_device,
        shares_core=parser.parse_known_args(words)[0].threads == "1",
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


def _share(text: str) -> float:
    number = positive_number(text)
    if number >= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a share below 1, such as 0.01")
    return number
