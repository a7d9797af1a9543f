"""What one run of `benchmark_model` came to."""

from __future__ import annotations

from dataclasses import dataclass

TICK_NS = 1_000
"""What the interpreter tool's clock is read in: microseconds."""

SUMMARY_TICK_NS = 10_000
"""What the CompiledModel tool's summary is printed in: 0.01 ms."""


@dataclass(frozen=True)
class Statistics:
    """What the tool says of one series of inferences.

    Attributes:
        count: number of inferences.
        first_ns: duration of the first.
        mean_ns: mean duration.
        min_ns: the shortest.
    """

    count: int
    first_ns: float
    mean_ns: float
    min_ns: float


@dataclass(frozen=True)
class Delegation:
    """Whether a delegate took the graph.

    Attributes:
        delegate: its name.
        part: "whole", "part" or "none".
        kernels: number of delegate kernels, where it took a part.
    """

    delegate: str
    part: str
    kernels: int | None = None


@dataclass(frozen=True)
class ToolRun:
    """One run of `benchmark_model`.

    Attributes:
        load_ns: from nothing to a model that can be invoked.
        first_inference_ns: the first inference after it.
        inference_ns: mean of the inferences after the warm-up.
        inferences: how many those were.
        warmups: how many inferences the warm-up was, the first one included.
        measured_ns: what all of them took together, the load included.
        tick_ns: the smallest difference that the printed durations can show.
        footprint_init_mb: growth of the process until the model was loaded; None where unsaid.
        footprint_overall_mb: its growth until the end; None where unsaid.
        delegation: how much of the graph a delegate took that was asked for; None where the tool
            says nothing of one.
        generation: "interpreter" or "compiled".
    """

    load_ns: float
    first_inference_ns: float
    inference_ns: float
    inferences: int
    warmups: int
    measured_ns: float
    tick_ns: int
    footprint_init_mb: float | None
    footprint_overall_mb: float | None
    delegation: Delegation | None
    generation: str
