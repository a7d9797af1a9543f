"""Compare this working tree with other revisions, and fail where it got worse."""

from __future__ import annotations

import argparse
import contextlib
import signal
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Console

from bench.gate.judge.thresholds import read
from bench.gate.judge.verdict import Outcome, fail_closed, status_after
from bench.gate.live import LiveComparison, TimePlan
from bench.gate.measure.controller import Block
from bench.gate.measure.trees import describe, model_files, on_device, resolve, revisions
from bench.gate.measure.worker import HEAD, GateError, Sampling
from bench.gate.show import Progress, infos, print_outcome, write_outcome
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
    if bool(arguments.base) == bool(arguments.base_model):
        raise GateError("give --base REV, or --base-model OLD --model NEW")
    sampling = sampling_of(arguments.device is not None, arguments.rounds, arguments.all,
                           arguments.rest)  # fmt: skip
    thresholds = read().with_min_effect(arguments.min_effect)
    described = describe()
    commits = {revision: resolve(revision) for revision in arguments.base}
    minutes = MINUTES if arguments.device is None else DEVICE_MINUTES
    plan = TimePlan(60 * (arguments.max_minutes or minutes), sampling, arguments.rounds is None)
    progress = Progress(Console(stderr=True), plan.max_seconds)
    blocks: list[Block] = []
    try:
        with contextlib.ExitStack() as stack:
            bases, head = stack.enter_context(
                model_files(arguments.base_model, arguments.model)
                if arguments.base_model
                else revisions(commits, arguments.model, progress.tell)
            )
            if arguments.device is not None:
                sampling = stack.enter_context(
                    on_device(sampling, arguments.device, arguments.device_tool)
                )
            plan.begin()
            comparison = LiveComparison(
                bases, head, sampling, thresholds, plan, progress, arguments.fruits360
            )
            outcome, blocks = comparison.run(), comparison.blocks
    except Exception as error:  # nothing was compared: that is told as an outcome, too
        outcome = Outcome()
        outcome.fail(error)
    finally:
        progress.close()
    named = [f"{revision} ({commit[:8]})" for revision, commit in commits.items()]
    outcome.base = ", ".join([*named, *map(str, arguments.base_model)])
    commit, plus, changes = described.partition("+")
    outcome.head = f"working tree ({commit[:8]}{plus}{changes})"
    if arguments.base_model:
        outcome.head = ", ".join(map(str, arguments.model))
    told(lambda: print_outcome(outcome, terminal()))
    more = {
        "machine": machine_info(), "commits": {HEAD: described, **commits},
        "info": infos(blocks[0]) if blocks else {},
    }  # fmt: skip
    return status_after(outcome, lambda: write_outcome(arguments.output, outcome, blocks, **more))


def sampling_of(
    is_device: bool, rounds: int | None, has_all: bool, rest: Sequence[str]
) -> Sampling:
    """Return how blocks are measured; `rest` is what pytest is told.

    Raises:
        GateError: there are too few rounds.
    """
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
