"""What networks learn from, by rotation series: for the reported figure, and for making choices.

Test holds other frames of the turns that Training shows, so its accuracy is optimistic. The harder
question is about a fruit that turns about another axis than it was learnt from.

The photographs that the reported figure is measured on are not in this room: they come from
`models.judging.seeds`, which stands above training, so that no training can import them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.data.photographs import DatasetError, Photographs

FIRST_SERIES = ""
"""The series about the first axis, which every class has: file names without a prefix."""


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
