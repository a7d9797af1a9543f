"""The record of one run, a training and what it answered: a small JSON file a run."""

from __future__ import annotations

import base64
import importlib.metadata
import json
import platform
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from models import ROOT
from models.files.artifacts import DIRECTORY, ArtifactError
from models.files.cards import Share, write_json
from models.zoo import PUBLISHED_SEED

FORMAT = 2
"""Of the JSON; it changes when a reader of the old one would misread the new one."""

SPLITS = ("whole", "other-series", "development", "arcs", "first-arcs")
"""What is learnt from -> what is asked about:

    whole: all of Training -> Test;
    other-series: Training's first rotation series -> its others;
    development: the others -> the first;
    arcs: four fifths of each of Training's turns -> the fifth;
    first-arcs: the same of the first series alone.

The first two are reported, the others are for making choices.
"""
REPORTED = SPLITS[:2]


@dataclass(frozen=True)
class RunRecord:
    """A run.

    Attributes:
        architecture: its name in `models.zoo`, or the baseline's.
        task: "name", "side" of the network's input in pixels, and "classes" in its order.
        split: one of `SPLITS`.
        seed: of its first weights, batches and augmentation.
        trained_parameters: Keras' count, trainable or not; of the baseline, the numbers it keeps.
        recipe: the hyperparameters, and what changed in the pictures.
        budget: "epochs" and "minutes" that it was allowed, None where it had no such limit.
        learnt: "pictures" that it learnt from, and their "fingerprint".
        held_out: of the pictures of the split that were kept from learning to tell when to stop:
            how many "groups" and "pictures", and their "fingerprint"; None where there were none.
        accuracy: on what it was asked about.
        groups: right answers and photographs of each group.
        right: which photographs were classified rightly, in order: bits, base64.
        history: by epoch: loss and accuracy on what it learnt, and on what was held out.
        epochs: that were run. With pictures held out the best one's weights are kept: "best".
        seconds: that this process trained.
        code: "commit" that was checked out, and "tree", the state of `models/` in it; the tree is
            None where the files differed from it.
        versions: of Python, the system and what trained.
        keras_sha256: of the `.keras` file, if it is kept.
        earlier: accuracy, recipe and code of records that this one replaced, so that each look
            at a reported figure is told.
    """

    architecture: str
    task: dict[str, Any]
    split: str
    seed: int
    trained_parameters: int
    recipe: dict[str, Any]
    budget: dict[str, float | None]
    learnt: dict[str, Any]
    held_out: dict[str, Any] | None
    accuracy: Share
    groups: dict[str, tuple[int, int]]
    right: str
    history: dict[str, list[float]]
    epochs: dict[str, int]
    seconds: int
    code: dict[str, str | None]
    versions: dict[str, str]
    keras_sha256: str | None = None
    earlier: tuple[dict[str, Any], ...] = ()

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


def count_by_group(right: np.ndarray, groups: Sequence[str]) -> dict[str, tuple[int, int]]:
    """Return the right answers and the photographs of each group, in the order of its first."""
    counts: dict[str, list[int]] = {}
    for is_right, name in zip(right, groups, strict=True):
        count = counts.setdefault(name, [0, 0])
        count[0] += bool(is_right)
        count[1] += 1
    return {name: (correct, images) for name, (correct, images) in counts.items()}


def record_path(name: str, directory: Path = DIRECTORY) -> Path:
    """Return where the record of a run is."""
    return directory / "runs" / f"{name}.json"


def keras_path(architecture: str, directory: Path = DIRECTORY) -> Path:
    """Return where the trained Keras model of an architecture is committed."""
    return directory / f"{architecture}.keras"


def published_record(architecture: str, directory: Path = DIRECTORY) -> RunRecord:
    """Read the record of the run whose network is committed.

    Raises:
        ArtifactError: it is missing or damaged.
    """
    return read_record(record_path(run_name(architecture, "whole", PUBLISHED_SEED), directory))


def write_record(record: RunRecord, directory: Path = DIRECTORY) -> None:
    """Write a record; one that it replaces is told in it."""
    path = record_path(record.name, directory)
    path.parent.mkdir(parents=True, exist_ok=True)
    data = {"format": FORMAT, **asdict(record)}
    if path.is_file():
        old = read_record(path)
        told = {"accuracy": asdict(old.accuracy), "recipe": old.recipe, "code": old.code}
        data["earlier"] = [*old.earlier, told]
    write_json(path, data)


def read_record(path: Path) -> RunRecord:
    """Read a record.

    Raises:
        ArtifactError: it is missing or damaged, or of another format.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        found = data.pop("format", 1)
        if found != FORMAT:
            raise ValueError(f"its format is {found}, and {FORMAT} is read; train it again")
        data["accuracy"] = Share(**data["accuracy"])
        data["groups"] = {name: tuple(counts) for name, counts in data["groups"].items()}
        data["earlier"] = tuple(data["earlier"])
        return RunRecord(**data)
    except FileNotFoundError:
        raise ArtifactError(f"{path}: the run's record is missing") from None
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise ArtifactError(f"{path}: not the record of a run ({error})") from error


def read_records(directory: Path = DIRECTORY) -> list[RunRecord]:
    """Read all records, by name.

    Raises:
        ArtifactError: one of them is damaged.
    """
    return [read_record(path) for path in sorted((directory / "runs").glob("*.json"))]


def state_of_the_code() -> dict[str, str | None]:
    """Return the "commit" that is checked out, and the "tree": git's name of `models/` in it.

    The tree can be found again after the history was rewritten. It is None where the files of
    `models/` differ from it, but for `models/artifacts`, where a training writes; both are None
    where there is no git, or no repository.
    """
    try:
        commit, tree = _git("rev-parse", "HEAD", "HEAD:models").split()
        code = ("models", ":(exclude)models/artifacts")
        changed = _git("status", "--porcelain", "--untracked-files=all", "--", *code)
    except (OSError, subprocess.CalledProcessError):
        return {"commit": None, "tree": None}
    return {"commit": commit, "tree": None if changed else tree}


def _git(*arguments: str) -> str:
    command = ["git", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


def versions(packages: Iterable[str]) -> dict[str, str]:
    """Return the versions of Python, the system and those packages that are installed."""
    found = {"python": platform.python_version(), "system": platform.platform()}
    for name in packages:
        # TensorFlow has a distribution for processors alone, too.
        for distribution in (name, f"{name}-cpu"):
            try:
                found[name] = importlib.metadata.version(distribution)
            except importlib.metadata.PackageNotFoundError:
                continue
    return found
