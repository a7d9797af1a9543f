"""A study's trials as plain records: for files, tables and pictures."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from models.search.space import Candidate

_STATES = {
    TrialState.COMPLETE: "finished",
    TrialState.PRUNED: "rejected",
    TrialState.FAIL: "failed",
    TrialState.RUNNING: "running",
    TrialState.WAITING: "waiting",
}


@dataclass(frozen=True)
class Record:
    """What is known of a trial; None where it did not come so far.

    Attributes:
        number: of the trial within the study.
        state: "finished", "rejected", "failed", "running" or "waiting".
        reason: why it was rejected or failed.
        is_on_front: whether no finished trial is at least as accurate and as fast, and better in
            one of these.
        candidate: as `Candidate.to_dict` returns it.
        shape: the same in one line.
        parameters: Keras parameters, trainable or not.
        accuracy: share of the held-out photographs that were classified rightly, 0..1.
        correct: photographs that were classified rightly, by fold.
        asked: photographs that were held out, by fold.
        latency_ratio: time of `invoke` divided by the reference's.
        invoke_us: time of `invoke`, in microseconds.
        reference_us: the reference's, measured in turns with it.
        file_bytes: size of the float32 `.tflite` file.
        seconds: that the trial took.
        seed: of its training.
        commit: that was checked out, with "+changes" where files differed from it.
        versions: of Python, the libraries and the machine's system.
        host: name of the machine.
    """

    number: int
    state: str
    reason: str | None = None
    is_on_front: bool = False
    candidate: dict[str, Any] | None = None
    shape: str | None = None
    parameters: int | None = None
    accuracy: float | None = None
    correct: Sequence[int] | None = None
    asked: Sequence[int] | None = None
    latency_ratio: float | None = None
    invoke_us: float | None = None
    reference_us: float | None = None
    file_bytes: int | None = None
    seconds: float | None = None
    seed: int | None = None
    commit: str | None = None
    versions: dict[str, str] | None = None
    host: str | None = None


def records(study: optuna.Study) -> list[Record]:
    """Return a record for each trial, in order."""
    front = {trial.number for trial in study.best_trials}
    return [_record(trial, trial.number in front) for trial in study.get_trials(deepcopy=False)]


def front(records: Sequence[Record]) -> list[Record]:
    """Return those on the Pareto front, the fastest first."""
    return sorted(
        (record for record in records if record.is_on_front),
        key=lambda record: record.latency_ratio or 0.0,
    )


def write(study: optuna.Study, records: Sequence[Record], directory: Path) -> None:
    """Write `trials.json` (all there is) and `trials.csv` (a row a trial)."""
    directory.mkdir(parents=True, exist_ok=True)
    data = {
        "study": study.study_name,
        "identity": study.user_attrs["identity"],
        "trials": [asdict(record) for record in records],
    }
    (directory / "trials.json").write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    columns = [
        field.name for field in fields(Record) if field.name not in ("candidate", "versions")
    ]
    with (directory / "trials.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, extrasaction="ignore")
        writer.writeheader()
        for record in records:
            lists = {"correct": record.correct, "asked": record.asked}
            sums = {name: sum(values) for name, values in lists.items() if values is not None}
            writer.writerow(asdict(record) | sums)


def _record(trial: FrozenTrial, is_on_front: bool) -> Record:
    attributes = trial.user_attrs
    reason = attributes.get("reason")
    if trial.state == TrialState.FAIL and reason is None:
        reason = "its process ended before it did"
    candidate = attributes.get("candidate")
    finished: dict[str, Any] = {}
    if trial.state == TrialState.COMPLETE:
        finished = {**attributes["outcome"], "accuracy": trial.values[0]}
    return Record(
        trial.number,
        _STATES[trial.state],
        reason,
        is_on_front,
        candidate,
        None if candidate is None else str(Candidate.from_dict(candidate)),
        attributes.get("parameters"),
        seconds=trial.duration.total_seconds() if trial.duration else None,
        seed=attributes.get("seed"),
        commit=attributes.get("commit"),
        versions=attributes.get("versions"),
        host=attributes.get("process", {}).get("host"),
        **finished,
    )
