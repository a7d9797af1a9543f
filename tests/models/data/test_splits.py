"""What is learnt from and what is asked about: by rotation series, and by arcs of the turns."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.data import fruits360, splits
from models.data.fruits360 import CLASS_NAMES, frame_number, rotation_series
from models.data.photographs import DatasetError, Photographs
from models.data.tasks import fruits360_task
from models.judging.seeds import asked_about
from models.training.records import SPLITS
from models.training.runs import Runs
from tests.house.test_house import GRAPH


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


frames = st.sets(st.integers(0, 400), min_size=splits.ARCS, max_size=60).map(sorted)
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
        turn[frame_number(file)] = asked
    return [[turn[number] for number in sorted(turn)] for turn in by_turn.values()]


@given(turns)
def test_a_contiguous_fifth_of_every_turn_is_asked_about(frames_by_turn):
    training = photographs(frames_by_turn)
    split = splits.held_out(training)
    np.testing.assert_array_equal(split.learnt, ~split.asked)
    for asked in _asked_in_order(training, split):
        assert abs(sum(asked) - len(asked) / splits.ARCS) < 1
        begins = sum(not one and other for one, other in pairwise([asked[-1], *asked]))
        assert begins == 1  # counted around the turn


def test_classes_are_asked_about_from_different_sides():
    training = photographs({(label, ""): list(range(328)) for label in range(len(CLASS_NAMES))})
    asked = splits.held_out(training).asked.reshape(len(CLASS_NAMES), 328)
    assert len({row.tobytes() for row in asked}) == len(CLASS_NAMES)


def test_the_order_is_that_of_the_numbers_and_not_of_the_names():
    training = photographs({(0, ""): [9, 10, 11, 100, 101]})
    asked = training.take(splits.held_out(training).asked)
    assert asked.files == ("Apple Braeburn/9_100.jpg",)


def test_other_file_names_are_refused():
    with pytest.raises(DatasetError, match="IMG_7"):
        frame_number("Apple Red 1/IMG_7.jpg")


def test_every_class_of_the_real_photographs_is_in_both_parts_of_the_arcs(training_photographs):
    split = splits.held_out(training_photographs)
    for chosen in (split.learnt, split.asked):
        assert set(training_photographs.labels[chosen]) == set(range(len(CLASS_NAMES)))
    assert split.asked.mean() == pytest.approx(1 / splits.ARCS, abs=0.01)


def _names(photographs):
    return {(photographs.root, file) for file in photographs.files}


@pytest.fixture
def training(small_dataset):
    return fruits360.load("Training", small_dataset)


def test_the_reported_question_is_about_the_series_that_were_not_learnt(training, small_dataset):
    learnt = splits.first_series(training)
    asked = asked_about(fruits360_task(str(small_dataset)), "other-series")
    assert all(not file.rpartition("/")[2].startswith("r_") for file in learnt.files)
    assert all(file.rpartition("/")[2].startswith("r_") for file in asked.files)
    assert not set(learnt.groups) & set(asked.groups)
    assert _names(learnt) | _names(asked) == _names(training)


def test_choices_are_made_by_the_question_the_other_way_round(training):
    split = splits.development(training)
    np.testing.assert_array_equal(split.learnt, ~split.asked)
    asked = training.take(split.asked)
    assert _names(asked) == _names(splits.first_series(training))


@pytest.mark.parametrize("split", SPLITS)
def test_nothing_that_is_learnt_is_asked_about(small_dataset, split):
    task = fruits360_task(str(small_dataset))
    learnt, asked = (
        Runs(small_dataset, small_dataset, task).learnt(split),
        asked_about(task, split),
    )
    assert learnt
    assert asked
    assert not _names(learnt) & _names(asked)


@pytest.mark.parametrize("series", ["", "r"])
def test_one_series_alone_cannot_be_held_out(series):
    training = photographs({(0, series): [1, 2], (1, series): [1]})
    with pytest.raises(DatasetError, match="no rotation series to hold out"):
        splits.is_first(training)


def test_the_published_figure_is_of_test(small_dataset):
    asked = asked_about(fruits360_task(str(small_dataset)), "whole")
    assert asked.root.name == "Test"
    assert len(asked) == 80


def test_every_class_of_the_real_photographs_is_learnt_and_asked_about(
    training_photographs, pytestconfig
):
    learnt = splits.first_series(training_photographs)
    asked = asked_about(fruits360_task(pytestconfig.getoption("fruits360")), "other-series")
    assert (len(learnt), len(asked)) == (4_647, 5_399)
    for part in (learnt, asked):
        assert set(part.labels) == set(range(20))


def test_nothing_that_trains_can_reach_what_is_reported():
    """Directly or through what it imports: the reported photographs are for judging alone."""
    reached, waiting = set(), [file for file in GRAPH if file.startswith("models/training/")]
    while waiting:
        file = waiting.pop()
        if file not in reached:
            reached.add(file)
            waiting += GRAPH[file]
    assert "models/training/learning.py" in reached
    assert not [file for file in reached if file.startswith("models/judging/")]
