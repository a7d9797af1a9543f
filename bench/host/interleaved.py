"""Timing several models in one process, in turns, so that all meet the same machine."""

from __future__ import annotations

import gc
import time
from collections.abc import Sequence

from models.running.runtimes import LoadedModel
from models.running.samples import sample_pixels

WARMUP_ROUNDS = 20


def take_turns(models: Sequence[LoadedModel], rounds: int) -> list[list[int]]:
    """Time `invoke` of the first, the second ... and again, `rounds` times each.

    The order stays, so each has the same predecessor in all of its rounds, and finds the caches as
    that one left them. Garbage is not collected meanwhile.

    Args:
        models: their inputs are set to sample pixels.
        rounds: timed ones, after `WARMUP_ROUNDS` that are not.

    Returns:
        The rounds of each model, in nanoseconds.
    """
    for model in models:
        model.set_input(sample_pixels(model.input).astype(model.input.dtype))
    times_ns: list[list[int]] = [[] for _ in models]
    was_collecting = gc.isenabled()
    gc.disable()
    try:
        for _ in range(WARMUP_ROUNDS + rounds):
            for model, times in zip(models, times_ns, strict=True):
                started = time.perf_counter_ns()
                model.invoke()
                times.append(time.perf_counter_ns() - started)
    finally:
        if was_collecting:
            gc.enable()
    return [times[WARMUP_ROUNDS:] for times in times_ns]
