"""Compare one model's latency with the others', round by round: ratios NAME [options].

    python -m bench.ratios ROUNDS THREADS RUNTIME MODEL.tflite ...

is one of its processes: it prints a JSON list a model, of its rounds in nanoseconds.
"""

from __future__ import annotations

import argparse
import gc
import json
import math
import random
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from bench.results.session import ResultsError
from bench.statistics.intervals import interleave, one_sample, process_latency
from bench.tables import Table, write_text
from models import ROOT, zoo
from models.files.artifacts import DIRECTORY, Artifact, ArtifactError, artifact, user_model
from models.running.copies import shaped_copies, user_files, with_signature
from models.running.loaded_model import LoadedModel
from models.running.probe import probe
from models.running.runtimes import RUNTIMES, RuntimeUnavailableError
from models.running.samples import fill
from models.terminal.options import add_files, architecture_name, output_file, positive
from models.terminal.screen import bar
from models.terminal.table import print_table

ROUNDS, BLOCKS, WARMUP_ROUNDS = 100, 20, 20
CONFIDENCE = 0.95
FEWEST_BLOCKS = math.ceil(math.log2(2 / (1 - CONFIDENCE)))
"""That have an interval: of fewer even the lowest and the highest make none of `CONFIDENCE`."""


@dataclass(frozen=True)
class Ratio:
    """One model's latency over another's.

    Attributes:
        value: Hodges-Lehmann estimate over the blocks.
        lower, upper: bounds of its 95 % interval; 0 and infinity below `FEWEST_BLOCKS`.
        latency_us: the median over the blocks of the other model's process latency.
    """

    value: float
    lower: float
    upper: float
    latency_us: float

    def __str__(self) -> str:
        """The ratio, and its interval if there is one."""
        known = math.isfinite(self.upper)
        return f"{self.value:.3f} ({f'{self.lower:.3f} to {self.upper:.3f}' if known else '-'})"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommand's arguments."""
    parser.epilog = "Exit status: 0 measured, 1 a model could not be measured, 2 bad usage."
    parser.add_argument(
        "name", type=_model_name, metavar="NAME",
        help="the architecture that is compared, with all others; or a .tflite file, with --model",
    )  # fmt: skip
    add_files(parser, "float32 and int8", "a .tflite file of your own to compare it with as well")
    for option, default, what in (
        ("--blocks", BLOCKS, "processes"),
        ("--rounds", ROUNDS, "rounds of each model in each process"),
        ("--threads", 1, "threads of an interpreter"),
    ):
        parser.add_argument(
            option, type=positive, default=default, metavar="N", help=f"{what}; default: {default}"
        )
    parser.add_argument(
        "--json", type=output_file(), metavar="FILE", help="write every round into this"
    )


def run(arguments: argparse.Namespace) -> int:
    """Measure, print and write; a model that cannot be measured costs no other its row."""
    is_file = isinstance(arguments.name, Path)
    if is_file and (arguments.precision or not arguments.model):
        wrong = "give --model PATH to compare it with"
        wrong = "leave --precision out" if arguments.precision else wrong
        raise ResultsError(f"{arguments.name}: is a file: {wrong}")
    record: dict[str, Any] = {}
    failed = False
    for precision in ("file",) if is_file else arguments.precision or ("float32", "int8"):
        try:
            files = _files(arguments, precision)
            sound = list(_sound(files, arguments.input_shape))
            failed |= len(sound) < len(files)
            with shaped_copies(sound, arguments.input_shape) as copies:
                blocks = _measure(copies, arguments, precision)
        except (ArtifactError, RuntimeUnavailableError) as error:
            print(f"error: {error}", file=sys.stderr)
            failed = True
            continue
        print_table(_table(sound, ratios(blocks), arguments))
        record[precision] = {"models": [each.name for each in sound], "blocks_ns": blocks}
    if arguments.json is not None and record:
        write_text(arguments.json, json.dumps(record))
    return 1 if failed else 0


def _model_name(text: str) -> str | Path:
    """Return a file's path, or an architecture's name."""
    return Path(text).expanduser() if text.endswith(".tflite") else architecture_name(text)


def _files(arguments: argparse.Namespace, precision: str) -> list[Artifact]:
    """Return the one that is compared, then all others; of a folder of one's own, what is there."""
    name, directory = arguments.name, arguments.artifacts
    if isinstance(name, Path):
        files = [with_signature(user_model(name), arguments.signature)]
    else:
        names = [name, *(each for each in zoo.ARCHITECTURES if each != name)]
        files = [artifact(each, precision, directory) for each in names]
        if directory != DIRECTORY:
            files = [files[0], *(each for each in files[1:] if each.path.exists())]
    taken = [each.name for each in files]
    return files + user_files(map(str, arguments.model), taken, arguments.signature)


def _sound(files: list[Artifact], shapes: Sequence[tuple[int, ...]]) -> Iterator[Artifact]:
    """Yield those that LiteRT runs; tell why of each other, and end where the first is one."""
    left = 0
    for number, file in enumerate(files):
        try:
            own_shapes = shapes if file.architecture is None else ()
            probe(file, RUNTIMES["litert"], input_shapes=own_shapes)
        except ArtifactError as error:
            if not number:
                raise
            print(f"error: {error}", file=sys.stderr)
            continue
        left += 1
        yield file
    if left == 1:
        raise ArtifactError(f"{files[0].path}: there is nothing to compare it with")


def _measure(models: list[Artifact], arguments: argparse.Namespace, title: str) -> list[Any]:
    command = [sys.executable, "-m", "bench.ratios"]
    command += [str(arguments.rounds), str(arguments.threads), "litert"]
    command += [str(model.path.resolve()) for model in models]
    blocks = []
    for _ in bar(title)(range(arguments.blocks)):
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode:
            raise ArtifactError(f"the measuring process ended: {done.stderr.strip()[-300:]}")
        blocks.append(json.loads(done.stdout))
    return blocks


def ratios(blocks: Sequence[Sequence[Sequence[int]]]) -> list[Ratio]:
    """Compare the first model of each block with each of the others, and with itself.

    A block is a process, with a list of rounds in nanoseconds for every model. It is the unit of
    repetition, as in the gate, and gives one number a pair: the logarithm of the ratio of two
    process latencies.
    """
    latencies_ns = np.array([[process_latency(rounds) for rounds in block] for block in blocks])
    if not latencies_ns.size:
        raise ValueError("no blocks")
    level = (1 - CONFIDENCE) / 2
    found = []
    for column in latencies_ns.T:
        estimate = one_sample(np.log(latencies_ns[:, 0] / column), level, level)
        value, lower, upper = np.exp([estimate.value, estimate.lower, estimate.upper]).tolist()
        found.append(Ratio(value, lower, upper, float(np.median(column)) / 1e3))
    return found


def _table(models: list[Artifact], found: list[Ratio], arguments: argparse.Namespace):
    rows: list[tuple[Any, ...]] = [
        (model.name, each.latency_us, str(each)) for model, each in zip(models, found, strict=True)
    ]
    rows[0] = (*rows[0][:2], "")
    return Table(("model", "latency us", "share"), rows, ("", ".1f", ".3f")).rich(
        f"{models[0].name}: invoke as a share of the others', interleaved",
        f"{arguments.blocks} processes of {arguments.rounds} rounds, LiteRT, "
        f"{arguments.threads} thread(s); in brackets: 95 % interval"
        + (f" (of {FEWEST_BLOCKS} processes or more)" if arguments.blocks < FEWEST_BLOCKS else ""),
    )


def time_interleaved(models: Sequence[LoadedModel], rounds: int) -> list[list[int]]:
    """Return nanoseconds of `invoke`, of each model's rounds after `WARMUP_ROUNDS`, interleaved."""
    for model in models:
        fill(model)
    times_ns: list[list[int]] = [[] for _ in models]

    def run_round(model: LoadedModel, times: list[int]) -> bool:
        started_ns = time.perf_counter_ns()
        model.invoke()
        times.append(time.perf_counter_ns() - started_ns)
        return len(times) < WARMUP_ROUNDS + rounds

    parties = [partial(run_round, *each) for each in zip(models, times_ns, strict=True)]
    was_collecting = gc.isenabled()
    gc.disable()
    try:
        interleave(parties, random.Random())
    finally:
        if was_collecting:
            gc.enable()
    return [times[WARMUP_ROUNDS:] for times in times_ns]


def _main(rounds: str, threads: str, runtime_name: str, *paths: str) -> int:
    runtime = RUNTIMES[runtime_name]
    loaded = [runtime.load(Path(path).read_bytes(), int(threads)) for path in paths]
    print(json.dumps(time_interleaved(loaded, int(rounds))))
    return 0


if __name__ == "__main__":
    sys.exit(_main(*sys.argv[1:]))
