"""Compare this harness with LiteRT's own benchmark tool, process by process: harness [options]."""

from __future__ import annotations

import argparse
import json
import random
import statistics
import subprocess
import sys
from pathlib import Path

from bench.ratio.ratio import ratios
from models.files.artifacts import DIRECTORY, ArtifactError, user_model
from models.running.probe import probe
from models.running.runtimes import RUNTIMES, RuntimeUnavailableError
from models.running.shaped_files import shaped_copies
from models.terminal.options import add_input_shape, positive

ROOT = Path(__file__).parents[2]
PROCESSES, ROUNDS, WARMUP_ROUNDS = 20, 300, 20
MODEL = DIRECTORY / "alexnet-float32.tflite"
TOOL = """
import json, sys
from ai_edge_litert.tools import benchmark_litert_model as tool
tool.round = lambda value, digits: value  # its report would be in hundredths of a millisecond
print(json.dumps(tool.run_benchmark(tool.parse_args())["latency"]["median_ms"]))
"""
"""Google's `litert-benchmark` of the same wheel, with the figures that it measures unrounded."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommand's arguments."""
    parser.epilog = "Exit status: 0 measured, 1 a process failed, 2 bad usage."
    parser.add_argument(
        "--model", type=Path, default=MODEL, metavar="PATH",
        help=f"a .tflite file; default: {MODEL.name}",
    )  # fmt: skip
    add_input_shape(parser)
    for option, default, what in (
        ("--processes", PROCESSES, "processes of each"),
        ("--rounds", ROUNDS, "inferences in each process"),
        ("--threads", 1, "threads"),
    ):
        parser.add_argument(
            option, type=positive, default=default, metavar="N", help=f"{what}; default: {default}"
        )


def run(arguments: argparse.Namespace) -> int:
    """Measure and print."""
    blocks = []
    try:
        with shaped_copies([user_model(arguments.model)], arguments.input_shape) as (copy,):
            probe(copy.path, RUNTIMES["litert"])
            for _ in range(arguments.processes):
                parties = [("harness", _harness_ns), ("tool", _tool_ns)]
                random.shuffle(parties)
                found = {name: measure(copy.path, arguments) for name, measure in parties}
                blocks.append([[found["harness"]], [found["tool"]]])
    except (ArtifactError, RuntimeUnavailableError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as error:
        last = (error.stderr.strip().splitlines() or ["it said nothing"])[-1]
        print(f"error: {arguments.model}: {last}", file=sys.stderr)
        return 1
    ratio = ratios(blocks)[1]
    print(
        f"{arguments.model.name}: the harness's median inference is {ratio.value:.3f} "
        f"({ratio.lower:.3f} to {ratio.upper:.3f}, 95 %) of litert-benchmark's, which is "
        f"{ratio.latency_us:.1f} us; {arguments.processes} processes of {arguments.rounds} "
        f"inferences each, {arguments.threads} thread(s)"
    )
    return 0


def _harness_ns(path: Path, arguments: argparse.Namespace) -> int:
    words = ["-m", "bench.ratio.worker", str(arguments.rounds), str(arguments.threads)]
    (rounds_ns,) = _run([*words, "litert-compiled", str(path.resolve())])
    return round(statistics.median(rounds_ns))


def _tool_ns(path: Path, arguments: argparse.Namespace) -> int:
    options = {
        "model": path.resolve(),
        "num_runs": arguments.rounds,
        "warmup_runs": WARMUP_ROUNDS,
        "num_threads": arguments.threads,
    }
    return round(1e6 * _run(["-c", TOOL, *(f"--{name}={each}" for name, each in options.items())]))


def _run(words: list[str]):
    """Run Python and return what it prints in its last line, read as JSON."""
    done = subprocess.run(
        [sys.executable, *words], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout.strip().splitlines()[-1])
