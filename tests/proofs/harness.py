"""Our loop beside LiteRT's own benchmark tool, process by process: `tox -e harness -- [options]`.

Both run a file in processes of their own, in random order. The ratio of the medians has an
interval; the tool's figures are taken before it rounds them.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import subprocess
import sys
from pathlib import Path

from bench.ratios import ROUNDS, WARMUP_ROUNDS, ratios
from models import ROOT
from models.files.artifacts import DIRECTORY, ArtifactError, user_model
from models.running.probe import probe
from models.running.runtimes import RUNTIMES
from models.terminal.options import positive

PROCESSES = 20
RUNTIME = "litert-compiled"
MODEL = DIRECTORY / "alexnet-float32.tflite"
TOOL = """
import json, sys
from ai_edge_litert.tools import benchmark_litert_model as tool
tool.round = lambda value, digits: value  # its report would be in hundredths of a millisecond
print(json.dumps(tool.run_benchmark(tool.parse_args())["latency"]["median_ms"]))
"""
"""Google's `litert-benchmark` of the same wheel, with the figures that it measures unrounded."""


def main(argv: list[str] | None = None) -> int:
    """Measure and print; return 1 where a process failed."""
    parser = argparse.ArgumentParser(prog="harness", description=str(__doc__).splitlines()[0])
    parser.add_argument("--model", type=Path, default=MODEL, metavar="PATH")
    parser.add_argument("--processes", type=positive, default=PROCESSES, metavar="N")
    parser.add_argument("--rounds", type=positive, default=ROUNDS, metavar="N")
    options = parser.parse_args(argv)
    path = options.model.resolve()
    try:
        probe(user_model(path), RUNTIMES[RUNTIME])
    except ArtifactError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    blocks = []
    for _ in range(options.processes):
        parties = [("ours", _ours_ns), ("tool", _tool_ns)]
        random.shuffle(parties)
        found = {name: measure(path, options.rounds) for name, measure in parties}
        blocks.append([[found["ours"]], [found["tool"]]])
    ratio = ratios(blocks)[1]
    print(
        f"{path.name}: our loop's median inference is {ratio}, 95 %, of litert-benchmark's, which "
        f"is {ratio.latency_us:.1f} us; {options.processes} processes of {options.rounds} rounds"
    )
    return 0


def _ours_ns(path: Path, rounds: int) -> int:
    (rounds_ns,) = _run(["-m", "bench.ratios", str(rounds), "1", RUNTIME, str(path)])
    return round(statistics.median(rounds_ns))


def _tool_ns(path: Path, rounds: int) -> int:
    options = {
        "model": path, "num_runs": rounds, "warmup_runs": WARMUP_ROUNDS, "num_threads": 1,
    }  # fmt: skip
    return round(1e6 * _run(["-c", TOOL, *(f"--{name}={each}" for name, each in options.items())]))


def _run(words: list[str]):
    """Run Python and return what it prints in its last line, read as JSON."""
    done = subprocess.run(
        [sys.executable, *words], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True
    )
    return json.loads(done.stdout.strip().splitlines()[-1])


if __name__ == "__main__":
    sys.exit(main())
