"""Run in a process of its own: `invoke` of several models, one round of each in turn.

    python -m bench.ratios.in_turns ROUNDS THREADS MODEL.tflite ...

It prints a JSON list a model, of its rounds in nanoseconds.
"""

from __future__ import annotations

import gc
import json
import sys
import time
from pathlib import Path

from models.runtimes import RUNTIMES
from models.samples import sample_pixels

WARMUP_ROUNDS = 20


def main(words: list[str]) -> int:
    """Measure and print; return 0."""
    rounds, threads = int(words[0]), int(words[1])
    loaded = [RUNTIMES["litert"].load(Path(path).read_bytes(), threads) for path in words[2:]]
    for model in loaded:
        model.predict(sample_pixels(model.input))  # puts the input in place, too
    times_ns: list[list[int]] = [[] for _ in loaded]
    gc.disable()
    for number in range(WARMUP_ROUNDS + rounds):
        # Whoever begins changes, and everyone's predecessor stays the same: each finds the caches
        # as that one left them in all of its rounds.
        for position in range(len(loaded)):
            index = (number + position) % len(loaded)
            invoke = loaded[index].invoke
            started = time.perf_counter_ns()
            invoke()
            times_ns[index].append(time.perf_counter_ns() - started)
    print(json.dumps([each[WARMUP_ROUNDS:] for each in times_ns]))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
