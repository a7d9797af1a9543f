"""What is learnt from and what is asked about, by rotation series."""

from __future__ import annotations

import numpy as np
import pytest

from models.data import series
from models.data.tasks import fruits360_task
from models.judging.seeds import asked_about
from tests.house.test_house import GRAPH


def _names(photographs):
    return {(photographs.root, file) for file in photographs.files}


@pytest.fixture
def training(small_dataset):
    from models.data import fruits360

    return fruits360.load("Training", small_dataset)


def test_the_reported_question_is_about_the_series_that_were_not_learnt(training, small_dataset):
    learnt = series.first_series(training)
    asked = asked_about(fruits360_task(str(small_dataset)), "other-series")
    assert all(not file.rpartition("/")[2].startswith("r_") for file in learnt.files)
    assert all(file.rpartition("/")[2].startswith("r_") for file in asked.files)
    assert not set(learnt.groups) & set(asked.groups)
    assert _names(learnt) | _names(asked) == _names(training)


def test_choices_are_made_by_the_question_the_other_way_round(training):
    split = series.development(training)
    np.testing.assert_array_equal(split.learnt, ~split.asked)
    asked = training.take(split.asked)
    assert _names(asked) == _names(series.first_series(training))


def test_the_published_figure_is_of_test(small_dataset):
    asked = asked_about(fruits360_task(str(small_dataset)), "whole")
    assert asked.root.name == "Test"
    assert len(asked) == 80


def test_every_class_of_the_real_photographs_is_learnt_and_asked_about(
    training_photographs, pytestconfig
):
    learnt = series.first_series(training_photographs)
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
