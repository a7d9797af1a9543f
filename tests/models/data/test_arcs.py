"""Held-out arcs of Training's turns."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.data import arcs
from models.data.fruits360 import CLASS_NAMES, rotation_series
from models.data.photographs import DatasetError, Photographs


def photographs(frames_by_turn: dict[tuple[int, str], list[int]]) -> Photographs:
    """Name photographs, in the order in which a folder lists them; there are no pixels."""
    files, labels = [], []
    for (label, series), numbers in sorted(frames_by_turn.items()):
        prefix = f"{series}_" if series else ""
        for name in sorted(f"{prefix}{number}_100.jpg" for number in numbers):
            files.append(f"{CLASS_NAMES[label]}/{name}")
            labels.append(label)
    groups = tuple(f"{file.partition('/')[0]}/{rotation_series(file)}" for file in files)
    return Photographs(Path(), tuple(files), np.array(labels), groups, CLASS_NAMES)


frames = st.sets(st.integers(0, 400), min_size=arcs.FOLDS, max_size=60).map(sorted)
turns = st.dictionaries(
    st.tuples(st.integers(0, len(CLASS_NAMES) - 1), st.sampled_from(["", "r", "r2"])),
    frames,
    min_size=1,
    max_size=6,
)


def _asked_in_order(training, split):
    """Return, for each (label, series), whether each frame is asked about, in filming's order."""
    by_turn = {}
    for label, file, asked in zip(training.labels, training.files, split.asked, strict=True):
        turn = by_turn.setdefault((label, rotation_series(file)), {})
        turn[arcs.frame_number(file)] = asked
    return [[turn[number] for number in sorted(turn)] for turn in by_turn.values()]


@given(turns, st.integers(0, arcs.FOLDS - 1))
def test_a_contiguous_fifth_of_every_turn_is_asked_about(frames_by_turn, fold):
    training = photographs(frames_by_turn)
    split = arcs.held_out(training, fold)
    np.testing.assert_array_equal(split.learnt, ~split.asked)
    for asked in _asked_in_order(training, split):
        assert abs(sum(asked) - len(asked) / arcs.FOLDS) < 1
        begins = sum(not one and other for one, other in pairwise([asked[-1], *asked]))
        assert begins == 1  # counted around the turn


@given(turns)
def test_the_folds_are_a_partition(frames_by_turn):
    training = photographs(frames_by_turn)
    times_asked = sum(arcs.held_out(training, fold).asked.astype(int) for fold in range(arcs.FOLDS))
    assert (times_asked == 1).all()


def test_classes_are_asked_about_from_different_sides():
    training = photographs({(label, ""): list(range(328)) for label in range(len(CLASS_NAMES))})
    asked = arcs.held_out(training).asked.reshape(len(CLASS_NAMES), 328)
    assert len({row.tobytes() for row in asked}) == len(CLASS_NAMES)


def test_the_order_is_that_of_the_numbers_and_not_of_the_names():
    training = photographs({(0, ""): [9, 10, 11, 100, 101]})
    asked = [file for file, asked in zip(training.files, arcs.held_out(training).asked, strict=True)
             if asked]  # fmt: skip
    assert asked == ["Apple Braeburn/9_100.jpg"]


@pytest.mark.parametrize("fold", [-1, arcs.FOLDS])
def test_there_is_no_other_fold(fold):
    with pytest.raises(ValueError, match=f"fold {fold}"):
        arcs.held_out(photographs({(0, ""): [1, 2]}), fold)


def test_other_file_names_are_refused():
    with pytest.raises(DatasetError, match="IMG_7"):
        arcs.frame_number("Apple Red 1/IMG_7.jpg")


def test_every_class_of_the_real_photographs_is_learnt_and_asked_about(training_photographs):
    for fold in range(arcs.FOLDS):
        split = arcs.held_out(training_photographs, fold)
        for chosen in (split.learnt, split.asked):
            assert set(training_photographs.labels[chosen]) == set(range(len(CLASS_NAMES)))
        assert split.asked.mean() == pytest.approx(1 / arcs.FOLDS, abs=0.01)
