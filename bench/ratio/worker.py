"""Run in a process of its own: `invoke` of several models, interleaved.

    python -m bench.ratio.worker ROUNDS THREADS RUNTIME MODEL.tflite ...

It prints a JSON list a model, of its rounds in nanoseconds.
"""

from __future__ import annotations

import gc
import json
import random
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from bench.statistics.interleaving import interleave
from models.running.loaded_model import LoadedModel
from models.running.runtimes import RUNTIMES
from models.running.samples import fill

WARMUP_ROUNDS = 20


def time_interleaved(models: Sequence[LoadedModel], rounds: int) -> list[list[int]]:
    """Time `invoke` of several models; garbage is not collected meanwhile.

    Args:
        models: their inputs are filled with samples.
        rounds: timed ones of each, after `WARMUP_ROUNDS` that are not.

    Returns:
        The rounds of each model, in nanoseconds.
    """
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


def main(words: list[str]) -> int:
    """Measure and print; return 0."""
    rounds, threads = int(words[0]), int(words[1])
    runtime = RUNTIMES[words[2]]
    loaded = [runtime.load(Path(path).read_bytes(), threads) for path in words[3:]]
    print(json.dumps(time_interleaved(loaded, rounds)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
