"""The photographs that reported accuracies are measured on. Nothing that trains may import this.

A run is asked about them once, when its training has ended, and its record keeps the answers
(`models.files.run_records`). `seeds --train` passes over a run that has a record; `train` asks
again, and the record keeps what was answered before.
"""

from __future__ import annotations

import numpy as np

from models.data import series
from models.data.photographs import Photographs
from models.data.tasks import Task


def the_test_split(task: Task) -> Photographs:
    """Return Test: what networks that learnt from the whole of Training are asked about."""
    return task.load("Test")


def other_series(task: Task) -> Photographs:
    """Return Training without its first series: what networks that learnt that one are asked."""
    training = task.load("Training")
    return training.take(np.logical_not(series.is_first(training)))
