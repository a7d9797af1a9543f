"""Timing a model's operators with LiteRT's profiler, and the bare call beside it.

`python -m models.running.operator_rounds FILE ROUNDS` prints the times as JSON: a child process,
since a mistake in using the profiler would crash it.
"""

from __future__ import annotations

import gc
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from models.running.compiled_model import signature_inputs
from models.running.litert_profiler import Event, ProfiledModel, ProfilerError
from models.running.runtimes import RUNTIMES, RuntimeUnavailableError
from models.running.samples import fill, sample_elements
from models.running.shaped_files import with_shapes

RUNTIME = "litert"
SIGNATURE_RUNTIME = "litert-compiled"
"""It has the inputs in the order of the file's signature, as the profiled model takes them."""

BLOCKS = 10
"""The bare call and the profiled one take turns in blocks, so that both meet the same machine,
and each finds its own data in the caches."""

WARMUP_ROUNDS = 3
"""At the start of each block, not counted."""

MOST_EVENTS = 5_000
"""Of operators in one block. The profiler has room for 10,240 events, and they are read between
blocks only: reading them between two rounds would push the model's data out of the caches."""


def _measure(content: bytes, rounds: int) -> dict[str, Any]:
    """Return times in microseconds: the bare call's, the profiled call's, each operator's."""
    bare = RUNTIMES[RUNTIME].load(content)
    fill(bare)
    samples = {each.index: sample_elements(each, place) for place, each in enumerate(bare.inputs)}
    content = with_shapes(content, {})  # the profiled model has no buffers for open sizes
    order = signature_inputs(RUNTIMES[SIGNATURE_RUNTIME].import_module(), content)
    bare_us: list[float] = []
    profiled_us: list[float] = []
    operators_us: list[list[int]] = []
    with ProfiledModel(content) as model:
        for number, index in enumerate(order):
            model.set_input(samples[index], number)
        model.start()
        model.invoke()
        first = model.stop()
        if not first:
            raise ProfilerError("the profiler saw no operator")
        each_block = max(1, min(-(-rounds // BLOCKS), MOST_EVENTS // len(first) - WARMUP_ROUNDS))
        gc.disable()
        while len(bare_us) < rounds:
            bare_us += _time_us(bare.invoke, each_block)
            model.start()
            profiled_us += _time_us(model.invoke, each_block)
            operators_us += _rounds(model.stop(), first)[WARMUP_ROUNDS:]
        gc.enable()
    return {
        "rounds": len(bare_us),
        "invoke_us": _mean(bare_us),
        "profiled_us": _mean(profiled_us),
        "operators": [
            {**asdict(event), "microseconds": mean}
            for event, mean in zip(first, operator_means(operators_us), strict=True)
        ],
    }


def operator_means(rounds_us: Sequence[Sequence[float]]) -> list[float]:
    """Return each operator's mean over the middle half of the rounds, by the sum of a round.

    Every operator is averaged over the same rounds, so the means add up to the mean of the sums.

    Args:
        rounds_us: of each round, the microseconds of each operator.
    """
    table = np.array(rounds_us, np.float64)
    return [float(mean) for mean in table[_middle_half(table.sum(axis=1))].mean(axis=0)]


def _time_us(call: Callable[[], object], rounds: int) -> list[float]:
    """Time each round in microseconds, after a warm-up."""
    times_us = []
    for _ in range(WARMUP_ROUNDS + rounds):
        before = time.perf_counter_ns()
        call()
        times_us.append((time.perf_counter_ns() - before) / 1e3)
    return times_us[WARMUP_ROUNDS:]


def _rounds(events: Sequence[Event], first: Sequence[Event]) -> list[list[int]]:
    """Return the microseconds of each round's operators.

    Args:
        events: of many rounds.
        first: of one.
    """
    if [(one.name, one.node) for one in events] != [(one.name, one.node) for one in first] * (
        len(events) // len(first)
    ):
        raise ProfilerError("the profiler saw other operators in another round")
    times_us = [one.microseconds for one in events]
    return [times_us[start : start + len(first)] for start in range(0, len(events), len(first))]


def _middle_half(values: np.ndarray) -> np.ndarray:
    order = np.argsort(values, kind="stable")
    return order[len(order) // 4 : len(order) - len(order) // 4]


def _mean(times_us: list[float]) -> float:
    values = np.array(times_us)
    return float(values[_middle_half(values)].mean())


def _main(path: str, rounds: str) -> int:
    try:
        print(json.dumps(_measure(Path(path).read_bytes(), int(rounds))))
    except (ProfilerError, RuntimeUnavailableError, ValueError, RuntimeError) as error:
        print(" ".join(str(error).split()), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(_main(*sys.argv[1:]))
