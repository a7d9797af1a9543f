"""The record of one training run and of what it answered: a small JSON file a run."""

from __future__ import annotations

import base64
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from models.files.artifacts import DIRECTORY, ArtifactError
from models.files.cards import Accuracy, to_json
from models.zoo import PUBLISHED_SEED

SPLITS = ("whole", "other-series", "development", "arcs", "first-arcs")
"""What is learnt from -> what is asked about:

    whole: all of Training -> Test;
    other-series: Training's first rotation series -> its others;
    development: the others -> the first;
    arcs: four fifths of each of Training's turns -> the fifth.

The first two are reported, the last two are for making choices.
"""
REPORTED = SPLITS[:2]


@dataclass(frozen=True)
class RunRecord:
    """A run.

    Attributes:
        architecture: its name in `models.zoo`, or the baseline's.
        split: one of `SPLITS`.
        seed: of its first weights, batches and augmentation.
        parameters: number of Keras parameters.
        recipe: the hyperparameters.
        learnt: how many photographs it learnt from, and their fingerprint.
        accuracy: on what it was asked about.
        groups: right answers and photographs of each fruit and rotation series.
        right: which photographs were classified rightly, in order: bits, base64.
        history: loss and accuracy on what it learnt, by epoch.
        seconds: that this process trained.
        commit: that was checked out.
        versions: of Python, the system and what trained.
        keras_sha256: of the `.keras` file, if it is committed.
        earlier: accuracy, recipe and commit of records that this one replaced, so that each look
            at a reported figure is told.
    """

    architecture: str
    split: str
    seed: int
    parameters: int
    recipe: dict[str, Any]
    learnt: dict[str, Any]
    accuracy: Accuracy
    groups: dict[str, tuple[int, int]]
    right: str
    history: dict[str, list[float]]
    seconds: int
    commit: str
    versions: dict[str, str]
    keras_sha256: str | None = None
    earlier: tuple[dict[str, Any], ...] = field(default=())

    @property
    def name(self) -> str:
        """What the file is called, without its suffix."""
        return run_name(self.architecture, self.split, self.seed)

    def right_answers(self) -> np.ndarray:
        """Return which photographs were classified rightly: bool, shape (images,)."""
        return unpack(self.right, self.accuracy.images)


def run_name(architecture: str, split: str, seed: int) -> str:
    """Return the name of a run."""
    return f"{architecture}-{split}-seed{seed}"


def pack(right: np.ndarray) -> str:
    """Return bool values, shape (count,), as text."""
    return base64.b64encode(np.packbits(right).tobytes()).decode()


def unpack(text: str, count: int) -> np.ndarray:
    """Return what `pack` was given."""
    bits = np.frombuffer(base64.b64decode(text), np.uint8)
    return np.unpackbits(bits, count=count).astype(bool)


def count_by_group(right: np.ndarray, groups: tuple[str, ...]) -> dict[str, tuple[int, int]]:
    """Return the right answers and the photographs of each group, in the order of its first."""
    names = np.array(groups)
    return {
        name: (int(right[names == name].sum()), int((names == name).sum()))
        for name in dict.fromkeys(groups)
    }


def run_path(name: str, directory: Path = DIRECTORY) -> Path:
    """Return where the record of a run is."""
    return directory / "runs" / f"{name}.json"


def keras_path(architecture: str, directory: Path = DIRECTORY) -> Path:
    """Return where the trained Keras model of an architecture is committed."""
    return directory / f"{architecture}.keras"


def published_run(architecture: str, directory: Path = DIRECTORY) -> RunRecord:
    """Read the record of the run whose network is committed.

    Raises:
        ArtifactError: it is missing or damaged.
    """
    return read_run(run_path(run_name(architecture, "whole", PUBLISHED_SEED), directory))


def write_run(record: RunRecord, directory: Path = DIRECTORY) -> None:
    """Write a record; one that it replaces is told in it."""
    path = run_path(record.name, directory)
    path.parent.mkdir(parents=True, exist_ok=True)
    data = asdict(record)
    if path.is_file():
        old = read_run(path)
        told = {"accuracy": asdict(old.accuracy), "recipe": old.recipe, "commit": old.commit}
        data["earlier"] = [*old.earlier, told]
    path.write_text(to_json(data), encoding="utf-8")


def read_run(path: Path) -> RunRecord:
    """Read a record.

    Raises:
        ArtifactError: it is missing or damaged.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        data["accuracy"] = Accuracy(**data["accuracy"])
        data["groups"] = {name: tuple(counts) for name, counts in data["groups"].items()}
        data["earlier"] = tuple(data["earlier"])
        return RunRecord(**data)
    except FileNotFoundError:
        raise ArtifactError(f"{path}: the run's record is missing") from None
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise ArtifactError(f"{path}: not the record of a run ({error})") from error


def read_runs(directory: Path = DIRECTORY) -> list[RunRecord]:
    """Read all records, by name.

    Raises:
        ArtifactError: one of them is damaged.
    """
    return [read_run(path) for path in sorted((directory / "runs").glob("*.json"))]
