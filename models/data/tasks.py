"""What is learnt: classes, pictures, how they are split. Fruits-360 is one, a folder another."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np

from models.data import fruits360
from models.data.changes import FRUIT, Changes, named
from models.data.photographs import DatasetError, Photographs, plain_name, read_pictures

Split = Literal["Training", "Test"]
FOLDERS: dict[Split, tuple[str, ...]] = {
    "Training": ("Training", "training", "train"),
    "Test": ("Test", "test", "val", "valid", "validation"),
}
"""What the parts of a data set are called."""

PARTS = 5
"""Of pictures that come without a split, one of so many groups is Test."""

FOLDER_SIDE = 100
"""Input of a network that is trained on a folder of pictures, unless told otherwise, in pixels."""

MILD = named("mild")


@dataclass(frozen=True)
class Task:
    """A task that networks are trained for and judged by.

    Attributes:
        class_names: in the order of a model's outputs.
        side: height and width of a network's input, in pixels.
        load: lists the photographs of a split. Their groups say what belongs together.
        describe: says in a few words which pictures these are.
        changes: what may change in them without changing what they show.
    """

    class_names: tuple[str, ...]
    side: int
    load: Callable[[Split], Photographs]
    describe: Callable[[], str]
    changes: Changes

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """Of one picture."""
        return self.side, self.side, 3


def fruits360_task(directory: str | None = None) -> Task:
    """Return the study's task.

    Args:
        directory: as for `models.data.fruits360.find`; it is looked for when photographs are.
    """
    return Task(
        fruits360.CLASS_NAMES,
        fruits360.SIDE,
        partial(fruits360.load, directory=directory),
        partial(fruits360.release, directory),
        FRUIT,
    )


def folder_task(directory: Path, side: int = FOLDER_SIDE, changes: Changes = MILD) -> Task:
    """Return the task of a user's own pictures.

    The folder holds a folder for each class; or `train` and `test` (also `val`, `Training`, ...),
    which hold these. Without such a split a fifth of the groups of each class is Test, always the
    same: a group is a folder below the class, else each picture is its own.

    Args:
        directory: the folder.
        side: of a network's input, in pixels.
        changes: what may change in them; few classes stay what they are when they are mirrored.

    Raises:
        DatasetError: it holds no pictures, one class only, one split without the other, or a class
            in Test that is not in Training.
    """
    found = {split: _part(directory, names) for split, names in FOLDERS.items()}
    if any(found.values()):
        for split, part in found.items():
            if part is None:
                names = ", ".join(FOLDERS[split])
                raise DatasetError(f"{directory}: has no folder for {split} ({names})")
        learnt, asked = (read_pictures(part) for part in found.values() if part)
        classes, remarks = _classes(learnt, directory), (*learnt.remarks, *asked.remarks)
        known = set(map(plain_name, classes))
        for name in asked.class_names:
            if plain_name(name) not in known:
                raise DatasetError(f"{asked.root / name}: this class has no folder for Training")

        def load(split: Split) -> Photographs:
            return read_pictures(found[split], classes)  # type: ignore[arg-type]

    else:
        everything = _grouped(read_pictures(directory))
        classes, remarks = _classes(everything, directory), everything.remarks
        is_test = chosen_groups(everything, PARTS, is_needed=True)

        def load(split: Split) -> Photographs:
            return everything.take(is_test if split == "Test" else ~is_test)

    described = "; ".join([f"{len(classes)} classes of {directory.resolve().name!r}", *remarks])
    return Task(classes, side, load, lambda: described, changes)


def _part(directory: Path, names: tuple[str, ...]) -> Path | None:
    return next((directory / name for name in names if (directory / name).is_dir()), None)


def _classes(photographs: Photographs, directory: Path) -> tuple[str, ...]:
    if len(photographs.class_names) < 2:
        raise DatasetError(f"{directory}: holds one class only, {photographs.class_names[0]!r}")
    return photographs.class_names


def _grouped(photographs: Photographs) -> Photographs:
    """Take the pictures of a folder below a class for one group."""
    parents = [(Path(file).parent.as_posix(), file) for file in photographs.files]
    return replace(
        photographs, groups=tuple(parent if "/" in parent else file for parent, file in parents)
    )


def chosen_groups(photographs: Photographs, parts: int, *, is_needed: bool = False) -> np.ndarray:
    """Return one in so many groups of each class, at least one: bool, shape (count,).

    A class of one group gives none, or is an error where it is needed. Groups are ordered by a hash
    of their name, so that neighbours of a burst or a film are not chosen in a row, and the choice
    does not depend on other pictures' order.
    """
    chosen = np.zeros(len(photographs), bool)
    for label, name in enumerate(photographs.class_names):
        indices = np.flatnonzero(photographs.labels == label)
        groups = sorted({photographs.groups[index] for index in indices}, key=_hash)
        if len(groups) < 2 and not is_needed:
            continue
        if len(groups) < 2:
            raise DatasetError(
                f"{photographs.root / name}: holds one group of pictures only; Training and Test "
                "need one each"
            )
        taken = {*groups[: max(1, len(groups) // parts)]}
        chosen[indices] = [photographs.groups[index] in taken for index in indices]
    return chosen


def _hash(group: str) -> tuple[int, str]:
    return zlib.crc32(group.encode("utf-8", "surrogateescape")), group
