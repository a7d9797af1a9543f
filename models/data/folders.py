"""Labelled pictures of a user's own: a folder a class, or a table of paths and labels."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from models.data.photographs import DatasetError, Photographs

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff")
"""What is taken for a picture; whether it is one is found out when it is opened."""


def read_pictures(source: Path, class_names: Sequence[str] = ()) -> Photographs:
    """List labelled pictures.

    Args:
        source: a folder with a folder for each class, as Keras, torchvision and ultralytics read
            them, or a CSV file with a path and a label a line; a heading is passed over.
        class_names: in the order of a model's outputs; without them the classes are the folders'
            or labels' names, sorted.

    Raises:
        DatasetError: there is no picture, or a class that is not among `class_names`.
    """
    if source.is_dir():
        named = [(path, path.relative_to(source).parts[0]) for path in _pictures_below(source)]
    elif source.is_file():
        named = _rows(source)
    else:
        raise DatasetError(f"{source}: no such folder or CSV file of pictures")
    if not named:
        raise DatasetError(f"{source}: holds no picture in a folder that names its class")
    names = tuple(class_names) or tuple(sorted({label for _, label in named}))
    numbers = _numbers_of(names)
    unknown = sorted({label for _, label in named if _plain(label) not in numbers})
    if unknown:
        raise DatasetError(
            f"{source}: class {unknown[0]!r} is none of the {len(names)} labels, such as "
            f"{names[0]!r}; name the model's labels with --labels FILE, one a line"
        )
    root = source if source.is_dir() else source.parent
    files = tuple(_below(path, root) for path, _ in named)
    labels = np.array([numbers[_plain(label)] for _, label in named])
    return Photographs(root, files, labels, files, names)


def read_labels(path: Path) -> tuple[str, ...]:
    """Read class names in the order of a model's outputs: one a line, or `number name` a line.

    Raises:
        DatasetError: the file cannot be read or is empty.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"{path}: cannot be read as labels ({error})") from None
    lines = [line.strip() for line in lines if line.strip()]
    if not lines:
        raise DatasetError(f"{path}: holds no label")
    numbered = [re.fullmatch(r"(\d+)[\s:,]+(.+)", line) for line in lines]
    if all(match and int(match[1]) == number for number, match in enumerate(numbered)):
        return tuple(match[2] for match in numbered if match)
    return tuple(lines)


def _pictures_below(source: Path) -> list[Path]:
    return sorted(
        path
        for path in source.rglob("*")
        if path.suffix.lower() in SUFFIXES and path.parent != source and path.is_file()
    )


def _rows(source: Path) -> list[tuple[Path, str]]:
    try:
        with source.open(encoding="utf-8-sig", newline="") as file:
            rows = [row for row in csv.reader(file) if row]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(f"{source}: cannot be read as CSV ({error})") from None
    for number, row in enumerate(rows, start=1):
        if len(row) < 2:
            raise DatasetError(f"{source}, line {number}: not a path and a label")
    if rows and not (source.parent / rows[0][0]).exists():
        rows = rows[1:]  # the heading; a missing picture is named when it is opened
    return [(source.parent / row[0].strip(), row[1].strip()) for row in rows]


def _numbers_of(names: Sequence[str]) -> dict[str, int]:
    """Return the class of each name, and of each number where no name is one."""
    by_name = {_plain(name): number for number, name in enumerate(names)}
    if not any(name.isdecimal() for name in by_name):
        by_name |= {str(number): number for number in range(len(names))}
    return by_name


def _plain(name: str) -> str:
    """Return a name without what differs between spellings: case, underscores, spaces."""
    return " ".join(name.replace("_", " ").casefold().split())


def _below(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)
