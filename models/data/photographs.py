"""Labelled photographs of one split: where they are and what they show. It opens none of them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np


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
    """

    root: Path
    files: tuple[str, ...]
    labels: np.ndarray
    groups: tuple[str, ...]
    class_names: tuple[str, ...]

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
