"""Held-out arcs: trained on four fifths of each turn, asked about the fifth.

This is what choices are made on. Test must not be used for that, and a random choice of the
Training photographs would flatter every network: neighbouring frames of a turn are nearly the
same picture. Test itself consists of contiguous arcs of the turns whose other frames are in
Training, so an arc of Training that is held out is as far from what was learnt as Test is.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import numpy as np

from models.data.fruits360 import rotation_series
from models.data.photographs import Photographs
from models.data.series import Split, is_first

ARCS = 5
"""Arcs that a turn is cut into; one of them is held out."""

CLASS_STEP = 37
"""By how many frames the cuts of one class lie after those of the class before, so that not all
fruits are asked about from the same side."""


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


def frame_number(file_name: str) -> int:
    """Return the number of a photograph within its turn: 12 for `r_12_100.jpg`.

    Raises:
        DatasetError: it is not named as Fruits-360's files are.
    """
    rotation_series(file_name)  # refuses other names
    return int(Path(file_name).name.split("_")[-2])


def _turns(training: Photographs) -> dict[tuple[int, str], np.ndarray]:
    """Return the indices of the photographs of each (label, series), in the order of filming."""
    turns: dict[tuple[int, str], list[int]] = defaultdict(list)
    for index, (label, file) in enumerate(zip(training.labels, training.files, strict=True)):
        turns[int(label), rotation_series(file)].append(index)
    return {
        key: np.array(sorted(indices, key=lambda index: frame_number(training.files[index])))
        for key, indices in turns.items()
    }
