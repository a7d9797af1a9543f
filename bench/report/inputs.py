"""What a report is made of, read and checked."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from bench.operators import OperatorRecord, read_record
from bench.results.rows import DEVICE
from bench.results.session import ResultsError, Session, newest_with, read_sessions, reading

_MODEL = ("model", "architecture", "precision", "sha256", "file_bytes", "accuracy", "threads")
NEEDED: dict[str, tuple[str, ...]] = {
    "test_classify": (*_MODEL, "runtime", "runtime_version"),
    "test_invoke": (*_MODEL, "runtime", "runtime_version"),
    "test_classify_jpeg": (*_MODEL, "runtime", "runtime_version", "source", "dtype", "input_shape"),
    **dict.fromkeys(DEVICE, (*_MODEL, "device", "emulated", "delegate")),
    "test_matrix_product": ("operations", "threads", "dtype"),
    "test_memory_copy": ("bytes_moved",),
}
"""What the report takes from the `extra_info` of a benchmark function."""

ROBUSTNESS_FORMAT = 1


@dataclass(frozen=True)
class Robustness:
    """Accuracies under changes of the photographs, by `python -m models robustness --json`.

    Attributes:
        name: the file's.
        content: the file's bytes.
        images: how many photographs each accuracy was counted on.
        accuracies: by change, then model; 0..1.
        mild: the changes that a model must stand.
    """

    name: str
    content: bytes = field(repr=False)
    images: int
    accuracies: dict[str, dict[str, float]]
    mild: frozenset[str]

    @property
    def models(self) -> list[str]:
        """The models' names."""
        return list(next(iter(self.accuracies.values())))


@dataclass(frozen=True)
class Inputs:
    """All that the sections of a page are made of.

    Attributes:
        runs: by their time, the oldest first.
        robustness: None where no file of it was given.
        operators: time by operator; None where no file of it was given.
    """

    runs: Sequence[Session]
    robustness: Robustness | None = None
    operators: OperatorRecord | None = None

    def newest(self, *quantities: str) -> list[Session]:
        """Return each processor's newest run that holds all of these benchmark functions."""
        by_processor: dict[str, list[Session]] = {}
        for run in self.runs:
            by_processor.setdefault(run.processor, []).append(run)
        found = (newest_with(runs, *quantities) for runs in by_processor.values())
        return [run for run in found if run is not None]


def read_inputs(
    results: Iterable[Path], robustness: Path | None = None, operators: Path | None = None
) -> Inputs:
    """Read all files.

    Raises:
        ResultsError: there are no results, a file is damaged, two are the same, or one lacks what
            a section needs.
    """
    runs = read_sessions(results)
    record = read_record(operators) if operators else None
    for run in runs:
        for result in run.results:
            missing = [key for key in NEEDED.get(result.quantity, ()) if key not in result.info]
            if missing:
                raise ResultsError(
                    f"{run.path}: {result.name} has no {missing[0]} in its extra_info; it was "
                    "measured by another version of this suite, or by another suite: measure again"
                )
    changes = read_robustness(robustness) if robustness else None
    names = {run.name for run in runs}
    if changes and changes.name in names:  # the page keeps each file under its name
        changes = replace(changes, name=f"robustness-{changes.name}")
    if record and record.name in names | ({changes.name} if changes else set()):
        record = replace(record, name=f"operators-{record.name}")
    return Inputs(runs, changes, record)


def read_robustness(path: Path) -> Robustness:
    """Read the file.

    Raises:
        ResultsError: it cannot be read, or is no such file.
    """
    with reading(path, "python -m models robustness --json"):
        content = path.read_bytes()
        data = json.loads(content)
        if data["format"] != ROBUSTNESS_FORMAT:
            raise ValueError(f"its format is {data['format']!r}, not {ROBUSTNESS_FORMAT}")
        changes: list[Mapping[str, Any]] = data["changes"]
        table = {
            str(change["name"]): {
                str(model): _fraction(**counts) for model, counts in change["accuracy"].items()
            }
            for change in changes
        }
        models = {tuple(row) for row in table.values()}
        if len(models) != 1 or () in models:
            raise ValueError("its changes do not hold the same models")
        mild = frozenset(str(change["name"]) for change in changes if change["is_mild"])
        images = int(data["images"])
    return Robustness(path.name, content, images, table, mild)


def _fraction(correct: int, images: int) -> float:
    if not 0 <= correct <= images or not images:
        raise ValueError(f"{correct} of {images} is no share")
    return correct / images
