"""Labelled pictures: where they are and what they show; listed from a folder a class, or a table.

No picture is opened here.
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

SUFFIXES = (
    ".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".avif", ".heic", ".heif",
    ".bmp", ".gif", ".tif", ".tiff",
)  # fmt: skip
"""What is taken for a picture. Some are of formats that cannot be read: they are told as damaged,
rather than left out in silence."""


class DatasetError(Exception):
    """The data set is missing or damaged; the message is one line that names the file."""


class DatasetMissingError(DatasetError):
    """There is no data set where it was looked for."""


@dataclass(frozen=True, eq=False)
class Photographs:
    """Photographs in a fixed order.

    Attributes:
        root: the folder that they are in.
        files: path of each below the root, with slashes, such as `class/name.jpg`.
        labels: int64 index into `class_names`, shape (count,).
        groups: what shows the same thing, such as one fruit turning about one axis, has the same
            group. Where a data set comes without a split, a group is learnt from or asked about.
        class_names: in the order of a model's outputs.
        remarks: what was left out of them, and why: a line each.
    """

    root: Path
    files: tuple[str, ...]
    labels: np.ndarray
    groups: tuple[str, ...]
    class_names: tuple[str, ...]
    remarks: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.files)

    @property
    def paths(self) -> list[Path]:
        """Where each photograph is."""
        return [self.root / file for file in self.files]

    @cached_property
    def fingerprint(self) -> str:
        """The sha256 over the classes, and each photograph's label, group and file, in order.

        Raises:
            OSError: a file cannot be read; all of them are.
        """
        digest = hashlib.sha256(json.dumps(self.class_names).encode())
        for label, group, path in zip(self.labels, self.groups, self.paths, strict=True):
            digest.update(json.dumps([int(label), group]).encode())
            digest.update(hashlib.sha256(path.read_bytes()).digest())
        return digest.hexdigest()

    def take(self, chosen: slice | np.ndarray) -> Photographs:
        """Return some of them, in the same order.

        Args:
            chosen: a slice, bool of shape (count,), or indices.
        """
        indices = np.arange(len(self))[chosen]
        return replace(
            self,
            files=tuple(self.files[index] for index in indices),
            labels=self.labels[indices],
            groups=tuple(self.groups[index] for index in indices),
        )


def read_pictures(source: Path, class_names: Sequence[str] = ()) -> Photographs:
    """List labelled pictures.

    A class whose name several of `class_names` have is left out: none can be told from the others.

    Args:
        source: a folder with a folder for each class, as Keras, torchvision and ultralytics read
            them (links are followed, what is hidden is left out), or a CSV file with a path and a
            label a line; a heading is passed over.
        class_names: in the order of a model's outputs; without them the classes are the folders'
            or labels' names, sorted.

    Raises:
        DatasetError: there is no picture, or a class that is not among `class_names`.
    """
    remarks: list[str] = []
    if source.is_dir():
        named = [(path, path.relative_to(source).parts[0]) for path in _pictures_below(source)]
        for folder in sorted(_folders(source) - {label for _, label in named}):
            remarks.append(f"left out: the folder {folder!r} holds no picture")
    elif source.is_file():
        named = _rows(source)
    else:
        raise DatasetError(f"{source}: no such folder or CSV file of pictures")
    if not named:
        raise DatasetError(f"{source}: holds no picture in a folder that names its class")
    names = tuple(class_names) or tuple(sorted({label for _, label in named}))
    numbers = _numbers_of(names)
    shared = {plain_name(name) for name in names} - {*numbers}
    for label, count in sorted(Counter(label for _, label in named).items()):
        if plain_name(label) in shared:
            remarks.append(
                f"left out: {count:,} pictures of {label!r}, which several classes are called; "
                "name theirs by the classes' numbers"
            )
        elif plain_name(label) not in numbers:
            raise DatasetError(
                f"{source}: class {label!r} is none of the {len(names)} labels, such as "
                f"{names[0]!r}; name the model's labels with --labels FILE, one a line"
            )
    kept = [(path, plain_name(label)) for path, label in named if plain_name(label) in numbers]
    if not kept:
        raise DatasetError(f"{source}: {remarks[-1]}; none is left")
    root = source if source.is_dir() else source.parent
    files = tuple(_below(path, root) for path, _ in kept)
    labels = np.array([numbers[label] for _, label in kept])
    return Photographs(root, files, labels, files, names, tuple(remarks))


def read_labels(path: Path) -> tuple[str, ...]:
    """Read class names in the order of a model's outputs: one a line, or `number name` a line.

    Raises:
        DatasetError: the file cannot be read or is empty.
    """
    try:
        labels = labels_of(path.read_bytes())
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"{path}: cannot be read as labels ({error})") from None
    if not labels:
        raise DatasetError(f"{path}: holds no label")
    return labels


def labels_of(text: bytes) -> tuple[str, ...]:
    """Return the class names in the content of a file of labels; as `read_labels`.

    Raises:
        UnicodeDecodeError: it is no UTF-8.
    """
    lines = [line.strip() for line in text.decode("utf-8-sig").splitlines() if line.strip()]
    numbered = [re.fullmatch(r"(\d+)[\s:,]+(.+)", line) for line in lines]
    if all(match and int(match[1]) == number for number, match in enumerate(numbered)):
        return tuple(match[2] for match in numbered if match)
    return tuple(lines)


def _pictures_below(source: Path) -> list[Path]:
    """List the pictures in folders of a folder, and in those of them that are links."""
    found: list[Path] = []
    real = {str(source): frozenset({os.path.realpath(source)})}
    for folder, below, files in os.walk(source, onerror=_refuse, followlinks=True):
        around = real.pop(folder)
        for name in list(below):
            path = os.path.join(folder, name)  # noqa: PTH118
            target = os.path.realpath(path)
            if name.startswith(".") or target in around:  # the latter would never end
                below.remove(name)
            else:
                real[path] = around | {target}
        if folder != str(source):
            found += (
                Path(folder, name)
                for name in files
                if Path(name).suffix.lower() in SUFFIXES and not name.startswith(".")
            )
    return sorted(found)


def _folders(source: Path) -> set[str]:
    return {each.name for each in source.iterdir() if each.is_dir() and each.name[0] != "."}


def _refuse(error: OSError) -> None:
    raise DatasetError(f"{error.filename}: cannot be read ({error.strerror})")


def _rows(source: Path) -> list[tuple[Path, str]]:
    try:
        with source.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file)
            rows = []
            for row in filter(None, reader):
                if len(row) < 2:
                    raise DatasetError(f"{source}, line {reader.line_num}: not a path and a label")
                rows.append((source.parent / row[0].strip(), row[1].strip()))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(f"{source}: cannot be read as CSV ({error})") from None
    if rows and not (rows[0][0].suffix.lower() in SUFFIXES or os.path.isfile(rows[0][0])):  # noqa: PTH113 (of any length)
        rows = rows[1:]  # the heading; a missing picture is named when it is opened
    return rows


def _numbers_of(names: Sequence[str]) -> dict[str, int]:
    """Return the class of each name that has one class, and of each number where no name is one."""
    plain = [plain_name(name) for name in names]
    counts = Counter(plain)
    by_name = {name: number for number, name in enumerate(plain) if counts[name] == 1}
    if not any(name.isdecimal() for name in by_name):
        by_name |= {str(number): number for number in range(len(names))}
    return by_name


def plain_name(name: str) -> str:
    """Return a name without what differs between spellings: case, underscores, spaces."""
    return " ".join(name.replace("_", " ").casefold().split())


def _below(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)
