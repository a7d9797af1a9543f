"""Reading `thresholds.toml`: what a change may cost before it fails."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from bench.gate.measure.worker import GateError
from bench.statistics.sequential import Margins
from models import zoo

FILE = Path(__file__).with_name("thresholds.toml")


@dataclass(frozen=True)
class Thresholds:
    """What is allowed for one architecture; the attributes are explained in `thresholds.toml`."""

    min_effect: float
    margin: float
    upper_effect: float
    upper_margin: float
    floor_us: float
    parameters: float
    file_bytes: float
    multiply_accumulates: float
    delegated_partitions: float
    operators: float
    accuracy: float

    def margins(self, latency_s: float) -> tuple[Margins, Margins]:
        """Return what matters for a latency, and for the upper half of its rounds."""
        return (
            Margins.of(self.min_effect, self.margin, self.floor_us, latency_s),
            Margins.of(self.upper_effect, self.upper_margin, self.floor_us, latency_s),
        )


@dataclass(frozen=True)
class ThresholdTable:
    """Thresholds by architecture: the default's, but for those that have their own."""

    default: Thresholds
    special: Mapping[str, Thresholds]

    def of(self, architecture: str | None) -> Thresholds:
        """Return the thresholds of an architecture, or of a model without one."""
        return self.special.get(architecture or "", self.default)


def read(path: Path = FILE, min_effect: float | None = None) -> ThresholdTable:
    """Read the file; a `min_effect` that is given stands for all of its own."""
    given = {} if min_effect is None else {"min_effect": min_effect}
    name, found = "default", {}
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
        default = Thresholds(**_numbers(tables.pop("default")) | given)
        _check(default)
        for name, values in tables.items():
            if name not in zoo.ARCHITECTURES:
                known = ", ".join(zoo.ARCHITECTURES)
                raise ValueError(f"no such architecture; known are {known}")
            found[name] = replace(default, **_numbers(values) | given)
            _check(found[name])
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        given_by = f"--min-effect {min_effect}" if given else "cannot be used"
        raise GateError(f"{path}: [{name}]: {given_by}: {error}") from None
    return ThresholdTable(default, found)


def _numbers(values: Mapping[str, Any]) -> dict[str, float]:
    return {key: float(value) for key, value in values.items()}


def _check(thresholds: Thresholds) -> None:
    if not all(0 <= getattr(thresholds, field.name) < float("inf") for field in fields(thresholds)):
        raise ValueError("thresholds are numbers of 0 or more")
    for effect, margin in (("min_effect", "margin"), ("upper_effect", "upper_margin")):
        if not 0 < getattr(thresholds, effect) < getattr(thresholds, margin):
            raise ValueError(f"{effect} must be above 0 and below {margin}")
