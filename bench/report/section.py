"""What a section of the page is made of, read and checked; and what it shows, or why it cannot."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import NoneType
from typing import Any

from bench.operators import OperatorRecord, read_record
from bench.results.rows import DEVICE
from bench.results.session import SUSTAINED, Result, ResultsError, Session, read_sessions, reading
from bench.tables import Table, to_csv
from models.data.fruits360 import SMALLEST_ACCEPTED_ACCURACY

BENCHMARKS = "pytest --benchmark-only --benchmark-autosave"

_MODEL = ("model", "architecture", "precision", "sha256", "file_bytes", "accuracy", "threads")
_RUNTIME = (*_MODEL, "runtime", "runtime_version")
NEEDED: dict[str, tuple[str, ...]] = {
    "test_classify": _RUNTIME,
    "test_invoke": _RUNTIME,
    "test_classify_jpeg": (*_RUNTIME, "source", "dtype", "input_shape"),
    **dict.fromkeys(DEVICE, (*_MODEL, "device", "emulated", "delegate")),
    SUSTAINED: (*_MODEL, "device", "emulated", "delegate", "sustained"),
    "test_matrix_product": ("operations", "threads", "dtype"),
    "test_memory_copy": ("bytes_moved",),
}
"""What the report takes from the `extra_info` of a benchmark function."""

_WORDS: tuple[type, ...] = (str, NoneType)
_NUMBER: tuple[type, ...] = (int, float, NoneType)
TYPES: dict[str, tuple[type, ...]] = {
    "model": (str,),
    **dict.fromkeys(("architecture", "precision", "sha256", "source", "dtype"), _WORDS),
    **dict.fromkeys(("runtime", "runtime_version", "delegate", "process", "pictures"), _WORDS),
    **dict.fromkeys(("file_bytes", "operations", "bytes_moved"), (int, float)),
    **dict.fromkeys(("parameters", "trained_parameters", "multiply_accumulates"), _NUMBER),
    **dict.fromkeys(("operator_count", "accuracy", "footprint_overall_mb", "threads"), _NUMBER),
    **dict.fromkeys(("input_shape", "inputs", "accuracy_interval"), (list, NoneType)),
    **dict.fromkeys(("preparation", "conditions"), (dict, NoneType)),
    "device": (dict,),
    "emulated": (bool,),
}
"""Of which kind each is, where it is there."""

ROBUSTNESS_FORMAT = 1


@dataclass(frozen=True)
class Robustness:
    """A file of `python -m models robustness --json`: accuracies under changes of pictures."""

    name: str
    content: bytes = field(repr=False)
    images: int  # that each accuracy was counted on
    accuracies: dict[str, dict[str, float]]  # by change, then model; 0..1
    mild: frozenset[str]  # changes that a model must stand
    accepted: float | None  # what it must reach under these; None of pictures of one's own

    @property
    def models(self) -> list[str]:
        """The models' names."""
        return list(next(iter(self.accuracies.values())))


@dataclass(frozen=True)
class Inputs:
    """All that the sections of a page are made of; the oldest session first."""

    sessions: Sequence[Session]
    robustness: Robustness | None = None
    operators: OperatorRecord | None = None

    def newest(self, *quantities: str) -> list[Session]:
        """Return each processor's newest session that holds all of these benchmark functions."""
        found: dict[str, Session | None] = {}
        for session in self.sessions:  # a processor keeps the place of its oldest session
            holds = {*quantities} <= {result.quantity for result in session.results}
            found[session.processor] = session if holds else found.get(session.processor)
        return [session for session in found.values() if session is not None]


@dataclass(frozen=True)
class Section:
    """A part of the page."""

    name: str  # in letters and hyphens; part of the page's address
    title: str
    text: str  # what is shown, in a sentence or two
    table: Table  # the numbers
    place: str = ""  # the processor that it holds for; empty where the words say more
    alt: str = ""  # what the figure shows, for those who cannot see it
    figure: Any = None  # Matplotlib's; None where there is only a table
    raw: tuple[Sequence[str], Sequence[Sequence[Any]]] | None = field(default=None, repr=False)
    """All that was drawn, heads and rows, where that is more than the table."""
    files: Sequence[str] = ()  # names of those that it comes from
    is_emulated: bool = False  # whether it shows a device that is no phone

    def csv(self) -> str:
        """Return all that was drawn, as comma-separated values."""
        return to_csv(*self.raw) if self.raw else self.table.csv()


@dataclass(frozen=True)
class Missing:
    """A part that could not be shown: its title, and in one line how to get it."""

    title: str
    remedy: str


def read_inputs(
    results: Iterable[Path], robustness: Path | None = None, operators: Path | None = None
) -> Inputs:
    """Read all files; raises `ResultsError` where one is damaged, or lacks what a section needs."""
    sessions = read_sessions(results)
    record = read_record(operators) if operators else None
    for session in sessions:
        for result in (*session.results, *session.sustained):
            if result.quantity in NEEDED:
                _check(session, result)
    shown = [result for each in sessions for result in (*each.results, *each.sustained)]
    if not any(result.quantity in NEEDED for result in shown):
        files = ", ".join(str(session.path) for session in sessions)
        raise ResultsError(f"nothing to show: no benchmark of this suite is in {files}")
    changes = read_robustness(robustness) if robustness else None
    names = {session.name for session in sessions}
    if changes and changes.name in names:  # the page keeps each file under its name
        changes = replace(changes, name=f"robustness-{changes.name}")
    if record and record.name in names | ({changes.name} if changes else set()):
        record = replace(record, name=f"operators-{record.name}")
    return Inputs(sessions, changes, record)


def _check(session: Session, result: Result) -> None:
    where = f"{session.path}: {result.name}"
    for key in NEEDED[result.quantity]:
        if key not in result.info:
            raise ResultsError(
                f"{where} has no {key} in its extra_info; it was measured by another version of "
                "this suite, or by another suite: measure again"
            )
    for key, value in result.info.items():
        if not isinstance(value, TYPES.get(key, object)):
            words = " or ".join(each.__name__ for each in TYPES[key])
            raise ResultsError(f"{where}: {key} in its extra_info is {value!r}, not {words}")


def read_robustness(path: Path) -> Robustness:
    """Read the file; raises `ResultsError` where it cannot be read, or is no such file."""
    with reading(path, "python -m models robustness --json"):
        content = path.read_bytes()
        data = json.loads(content)
        if data["format"] != ROBUSTNESS_FORMAT:
            raise ValueError(f"its format is {data['format']!r}, not {ROBUSTNESS_FORMAT}")
        table = {
            str(change["name"]): {
                str(model): _fraction(**counts) for model, counts in change["accuracy"].items()
            }
            for change in data["changes"]
        }
        models = {tuple(row) for row in table.values()}
        if len(models) != 1 or () in models:
            raise ValueError("its changes do not hold the same models")
        mild = frozenset(str(change["name"]) for change in data["changes"] if change["is_mild"])
        accepted = data.get("accepted", SMALLEST_ACCEPTED_ACCURACY)
        return Robustness(path.name, content, int(data["images"]), table, mild, accepted)


def _fraction(correct: int, images: int) -> float:
    if not 0 <= correct <= images or not images:
        raise ValueError(f"{correct} of {images} is no share")
    return correct / images
