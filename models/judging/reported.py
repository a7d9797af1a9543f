"""The photographs that reported accuracies are measured on. Nothing that trains may import this.

A run is asked about them once, when its training has ended: its record keeps the answers
(`models.files.run_records`), and a run that has a record is not asked again.
"""

from __future__ import annotations

import os

import numpy as np

from models.data import fruits360, series
from models.data.photographs import Photographs


def the_test_split(directory: str | os.PathLike[str] | None = None) -> Photographs:
    """Return Test: what networks that learnt from the whole of Training are asked about."""
    return fruits360.load("Test", directory)


def other_series(directory: str | os.PathLike[str] | None = None) -> Photographs:
    """Return Training without its first series: what networks that learnt that one are asked."""
    training = fruits360.load("Training", directory)
    return training.take(np.logical_not(series.is_first(training)))
