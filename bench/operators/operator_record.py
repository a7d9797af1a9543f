"""The file that `python -m bench operators --json FILE` writes: measured, written, read back."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.results.session import machine_info, reading
from models.files.artifacts import Artifact
from models.running.operator_profile import OperatorProfile, OperatorTime

FORMAT = 1


@dataclass(frozen=True)
class Measured:
    """A model and its operators.

    Attributes:
        info: the model's name, architecture, precision, sha256 and so on, as results carry them.
        profile: what was measured.
    """

    info: dict[str, Any]
    profile: OperatorProfile


@dataclass(frozen=True)
class Record:
    """Models that were measured together.

    Attributes:
        name: the file's.
        content: the file's bytes.
        time: when it was measured.
        machine: as pytest-benchmark's `machine_info`.
        models: in the order of the file.
    """

    name: str
    content: bytes = field(repr=False)
    time: datetime
    machine: dict[str, Any] = field(repr=False)
    models: tuple[Measured, ...]


def measured(artifact: Artifact, profile: OperatorProfile, copy: Artifact) -> Measured:
    """Put a model's identity beside its profile.

    Args:
        copy: what was measured: the artifact, or it with other input shapes.

    Raises:
        ArtifactError: the file is missing or damaged.
    """
    return Measured(artifact.describe(copy.read_bytes()), profile)


def to_json(models: Sequence[Measured]) -> str:
    """Return what the file holds."""
    data = {
        "format": FORMAT,
        "datetime": datetime.now(UTC).isoformat(),
        "machine_info": machine_info(),
        "operators": [{**each.info, **asdict(each.profile)} for each in models],
    }
    return json.dumps(data, indent=1, allow_nan=False) + "\n"


def read_record(path: Path) -> Record:
    """Read a file.

    Raises:
        ResultsError: it is missing, or no such record.
    """
    with reading(path, "python -m bench operators --json"):
        content = path.read_bytes()
        data = json.loads(content)
        if data["format"] != FORMAT:
            raise ValueError(f"its format is {data['format']!r}, not {FORMAT}")
        record = Record(
            path.name,
            content,
            datetime.fromisoformat(data["datetime"]),
            dict(data["machine_info"]),
            tuple(_model(dict(each)) for each in data["operators"]),
        )
        if not record.models:
            raise ValueError("it holds no model")
    return record


def _model(data: dict[str, Any]) -> Measured:
    profile = OperatorProfile(
        str(data.pop("runtime")),
        int(data.pop("rounds")),
        _time(data.pop("invoke_us")),
        _time(data.pop("profiled_us")),
        tuple(OperatorTime(**each) for each in data.pop("operators")),
    )
    for each in profile.operators:
        _time(each.microseconds)
        if not isinstance(each.name, str) or not isinstance(each.multiply_accumulates, int | None):
            raise ValueError(f"{each.name!r} is no operator")
    if not isinstance(data["model"], str) or not profile.operators or not profile.invoke_us:
        raise ValueError("a model without a name, operators or a time")
    return Measured(data, profile)


def _time(value: Any) -> float:
    if not isinstance(value, (int, float)) or not 0 <= value < math.inf:
        raise ValueError(f"{value!r} is no time")
    return float(value)
