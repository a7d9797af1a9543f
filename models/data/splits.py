"""What networks learn from, and are asked about, to make choices: by rotation series, or by arcs.

Test holds other frames of the turns that Training shows, so its accuracy is optimistic, and no
choice must be made on it. The harder question is about a fruit that turns about another axis than
it was learnt from. A random choice of Training's photographs would flatter every network:
neighbouring frames of a turn are nearly the same picture. A contiguous arc that is held out is as
far from what was learnt as Test is, which consists of such arcs.

The photographs that the reported figure is measured on are not in this room: they come from
`models.judging.seeds`, which stands above training, so that no training can import them.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from models.data.fruits360 import frame_number, rotation_series
from models.data.photographs import DatasetError, Photographs

FIRST_SERIES = ""
"""The series about the first axis, which every class has: file names without a prefix."""

ARCS = 5
"""Arcs that a turn is cut into; one of them is held out."""

CLASS_STEP = 37
"""By how many frames the cuts of one class lie after those of the class before, so that not all
fruits are asked about from the same side."""


@dataclass(frozen=True)
class Split:
    """A part of Training that is learnt from, and a part that choices are made on.

    Attributes:
        learnt: bool, shape (count,).
        asked: bool, shape (count,).
    """

    learnt: np.ndarray
    asked: np.ndarray


def first_series(training: Photographs) -> Photographs:
    """Return what a network learns from that is then asked about the other series."""
    return training.take(is_first(training))


def development(training: Photographs) -> Split:
    """Learn from the other series, ask about the first: what choices are made on.

    It is the reported question the other way round. No network is asked the reported one here.
    """
    first = is_first(training)
    return Split(learnt=~first, asked=first)


def is_first(training: Photographs) -> np.ndarray:
    """Return which photographs are of the first series: bool, shape (count,).

    Raises:
        DatasetError: all of them are, or none.
    """
    first = np.array([group.rpartition("/")[2] == FIRST_SERIES for group in training.groups])
    if first.all() or not first.any():
        raise DatasetError(
            f"{training.root}: has no rotation series to hold out; use --split whole"
        )
    return first


def held_out(training: Photographs) -> Split:
    """Ask about one contiguous arc of each class and rotation series, learn from the rest.

    The frames of a series are a full turn, so an arc may begin at the last and go on at the first.

    Args:
        training: the photographs, in any order.

    Raises:
        DatasetError: a file is not named as Fruits-360's are.
    """
    asked = np.zeros(len(training), bool)
    for (label, _), turn in _turns(training).items():
        count = len(turn)
        positions = (np.arange(count) - label * CLASS_STEP) % count
        asked[turn] = positions * ARCS < count
    return Split(learnt=~asked, asked=asked)


def held_out_of_first_series(training: Photographs) -> Split:
    """Do the same with the first series alone; the others are neither learnt nor asked about."""
    first = np.flatnonzero(is_first(training))
    split = held_out(training.take(first))
    learnt, asked = np.zeros((2, len(training)), bool)
    learnt[first], asked[first] = split.learnt, split.asked
    return Split(learnt, asked)


def _turns(training: Photographs) -> dict[tuple[int, str], np.ndarray]:
    """Return the indices of the photographs of each (label, series), in the order of filming."""
    turns: dict[tuple[int, str], list[int]] = defaultdict(list)
    for index, (label, file) in enumerate(zip(training.labels, training.files, strict=True)):
        turns[int(label), rotation_series(file)].append(index)
    return {
        key: np.array(sorted(indices, key=lambda index: frame_number(training.files[index])))
        for key, indices in turns.items()
    }
