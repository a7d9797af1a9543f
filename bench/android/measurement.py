"""How a model is measured on a device, and what comes of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.android.phone.control import COOL_DOWN_TIMEOUT_S
from bench.android.session import Round, Session


@dataclass(frozen=True)
class Settings:
    """How a model is measured.

    Attributes:
        rounds: number of rounds, each a process of its own.
        threads: of the tool.
        delegate: one of `bench.android.tool.tool_flags.DELEGATE_FLAGS`.
        cpu_mask: cores to run on (hexadecimal); None for those of the highest frequency.
        retries: how often it is measured again when the device was throttled.
        timeout_s: how long one process may take.
        cool_down_s: how long the device may take to cool down when it is throttled.
        apk: the benchmark app, inside which it is measured; None for a process of the shell.
        libraries: folder of a vendor's libraries, which are pushed beside the tool; None for none.
        rest_s: how long the device rests before each model, throttled or not.
    """

    rounds: int = 100
    threads: int = 1
    delegate: str = "cpu"
    cpu_mask: str | None = None
    retries: int = 2
    timeout_s: float = 120.0
    cool_down_s: float = COOL_DOWN_TIMEOUT_S
    rest_s: float = 0.0
    libraries: Path | None = None
    apk: Path | None = None


@dataclass(frozen=True)
class Measurement:
    """What was measured of one model on one device.

    Attributes:
        session: the rounds.
        info: all that a later comparison needs to know.
    """

    session: Session
    info: dict[str, Any] = field(repr=False)

    @property
    def inference_s(self) -> list[float]:
        """Mean inference of each round, in seconds."""
        return [each.run.inference_ns / 1e9 for each in self.session.rounds]

    @property
    def first_inference_s(self) -> list[float]:
        """First inference of each round's process, in seconds."""
        return [each.run.first_inference_ns / 1e9 for each in self.session.rounds]

    @property
    def load_s(self) -> list[float]:
        """Loading the model in each round's process, in seconds."""
        return [each.run.load_ns / 1e9 for each in self.session.rounds]


def durations(rounds: Sequence[Round]) -> dict[str, list[float]]:
    """Return what results carry of each round's times."""
    quantities = ("inference_ns", "first_inference_ns", "load_ns")
    return {name: [getattr(each.run, name) for each in rounds] for name in quantities}


def describe_session(session: Session) -> dict[str, Any]:
    """Return what results carry of the rounds."""
    runs = [each.run for each in session.rounds]
    return {
        "tick_ns": runs[0].tick_ns,
        "rounds_with_background_apps_killed": session.killed_background_apps,
        "rounds_with_caches_dropped": session.dropped_caches,
        "overhead": {
            "whole_s": session.whole_s,
            "processes_s": session.processes_s,
            "ratio": session.overhead_ratio,
        },
        "footprint_init_mb": _mean([run.footprint_init_mb for run in runs]),
        "footprint_overall_mb": _mean([run.footprint_overall_mb for run in runs]),
        "per_round": {
            **durations(session.rounds),
            "footprint_overall_mb": [run.footprint_overall_mb for run in runs],
            "process_s": [each.process_s for each in session.rounds],
        },
    }


def _mean(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return math.fsum(known) / len(known) if known else None
