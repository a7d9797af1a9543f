"""The harder split: trained on one rotation series of each fruit, asked about the others.

Test holds other frames of the turns that Training shows, so its accuracy is optimistic. Here the
fruit is seen about another axis than it was learnt from.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.data.fruits360 import rotation_series
from models.data.photographs import Photographs

FIRST_SERIES = ""
"""The series about the first axis, which every class has: file names without a prefix."""


@dataclass(frozen=True)
class SeriesSplit:
    """Which of the Training photographs are learnt from and which are asked about.

    Attributes:
        learnt: bool, shape (count,).
        asked: bool, shape (count,): all others.
    """

    learnt: np.ndarray
    asked: np.ndarray


def held_out(training: Photographs) -> SeriesSplit:
    """Learn from the first series, ask about the others: the figure that is published.

    It is measured once for each network, after every choice has been made.
    """
    first = _is_first(training)
    return SeriesSplit(learnt=first, asked=~first)


def development(training: Photographs) -> SeriesSplit:
    """Learn from the other series, ask about the first: what choices are made on."""
    first = _is_first(training)
    return SeriesSplit(learnt=~first, asked=first)


def _is_first(training: Photographs) -> np.ndarray:
    return np.array([rotation_series(file) == FIRST_SERIES for file in training.files])
