"""Reading `thresholds.toml`: what a change may cost before it fails."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path

from bench.gate.measure.worker import GateError
from models import zoo

FILE = Path(__file__).with_name("thresholds.toml")


@dataclass(frozen=True)
class Thresholds:
    """What is allowed for one architecture; the attributes are explained in `thresholds.toml`."""

    min_effect: float
    margin: float
    floor_us: float
    parameters: float
    file_bytes: float
    multiply_accumulates: float
    delegated_partitions: float
    operators: float
    accuracy: float


class ThresholdTable:
    """Thresholds by architecture.

    Args:
        default: of every architecture that has none of its own.
        special: those of single architectures.
    """

    def __init__(self, default: Thresholds, special: Mapping[str, Thresholds]) -> None:
        self.default = default
        self._special = special

    def of(self, architecture: str | None) -> Thresholds:
        """Return the thresholds of an architecture, or of a model without one."""
        return self._special.get(architecture or "", self.default)

    def with_min_effect(self, min_effect: float | None) -> ThresholdTable:
        """Return a table in which this one is everywhere; None leaves all as it is.

        Raises:
            GateError: it contradicts another value.
        """
        if min_effect is None:
            return self
        default = replace(self.default, min_effect=min_effect)
        _check(default, "--min-effect")
        special = {name: replace(own, min_effect=min_effect) for name, own in self._special.items()}
        for name, own in special.items():
            _check(own, name)
        return ThresholdTable(default, special)


def read(path: Path = FILE) -> ThresholdTable:
    """Read the file.

    Raises:
        GateError: it is missing or wrong; the message says where.
    """
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
        default = Thresholds(**{key: float(value) for key, value in tables.pop("default").items()})
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise GateError(f"{path}: cannot be used: {error}") from None
    known = {field.name for field in fields(Thresholds)}
    special = {}
    for name, values in tables.items():
        if name not in zoo.ARCHITECTURES:
            names = ", ".join(zoo.ARCHITECTURES)
            raise GateError(f"{path}: [{name}]: no such architecture; known are {names}")
        if not isinstance(values, dict) or (unknown := values.keys() - known):
            wrong = ", ".join(sorted(unknown)) if isinstance(values, dict) else "not a table"
            raise GateError(f"{path}: [{name}]: {wrong}; known are {', '.join(sorted(known))}")
        try:
            own = {key: float(value) for key, value in values.items()}
        except (TypeError, ValueError) as error:
            raise GateError(f"{path}: [{name}]: {error}") from None
        special[name] = replace(default, **own)
    for name, own_thresholds in {"default": default, **special}.items():
        _check(own_thresholds, f"{path}: [{name}]")
    return ThresholdTable(default, special)


def _check(thresholds: Thresholds, where: str) -> None:
    if not all(0 <= getattr(thresholds, field.name) < float("inf") for field in fields(thresholds)):
        raise GateError(f"{where}: thresholds are numbers of 0 or more")
    if not 0 < thresholds.min_effect < thresholds.margin:
        raise GateError(
            f"{where}: min_effect ({thresholds.min_effect:g}) must be above 0 and below "
            f"margin ({thresholds.margin:g})"
        )
