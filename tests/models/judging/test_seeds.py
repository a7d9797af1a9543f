"""Summaries of several seeds: means, intervals by series, differences."""

from __future__ import annotations

import numpy as np
import pytest

from models.files.artifacts import ArtifactError
from models.files.cards import Share
from models.judging.evaluation import mcnemar
from models.judging.seeds import compare, summarise
from models.training.records import (
    RunRecord,
    count_by_group,
    pack,
)


def record(right, groups, *, name="net", seed=1, fingerprint="asked", **facts):
    right = np.array(right, bool)
    return RunRecord(
        architecture=name, task={"name": "a", "side": 9, "classes": ["x", "y"]},
        split="other-series", seed=seed, trained_parameters=9, recipe={"epochs": 1},
        budget={"epochs": 1, "minutes": None},
        learnt={"pictures": 3, "fingerprint": "learnt"}, held_out=None,
        accuracy=Share(int(right.sum()), len(right), fingerprint),
        groups=count_by_group(right, tuple(groups)), right=pack(right),
        history={"accuracy": [0.5]}, epochs={"run": 1, "best": 1}, seconds=1,
        code={"commit": "c", "tree": "t"}, versions={}, **facts,
    )  # fmt: skip


def series(count, length):
    return [f"fruit {number}/r" for number in range(count) for _ in range(length)]


def test_the_mean_is_over_seeds_and_the_unit_is_the_series():
    groups = series(2, 50)
    # Each seed fails in one whole series: photographs would give a narrow interval.
    runs = [record([1] * 50 + [0] * 50, groups, seed=seed) for seed in (1, 2)]
    summary = summarise(runs)
    assert summary.mean == 0.5
    assert summary.accuracies == (0.5, 0.5)
    assert summary.series == 2
    assert summary.interval == (0.0, 1.0)


def test_an_interval_is_of_the_mean_over_seeds():
    groups = series(2, 50)
    runs = [record([1] * 50 + [0] * 50, groups, seed=1), record([1] * 100, groups, seed=2)]
    summary = summarise(runs)
    assert summary.mean == 0.75
    assert summary.interval == (0.5, 1.0)
    assert compare(runs, runs[:1]).mean == 0.25


@pytest.mark.slow
def test_the_interval_holds_the_truth_as_often_as_it_says():
    """60 series, each right in a share of its own, drawn 200 times about a known mean."""
    random = np.random.default_rng(1)
    hits = 0
    for _ in range(200):
        shares = random.beta(9, 1, size=60)  # mean 0.9
        right = random.random((60, 20)) < shares[:, None]
        low, high = summarise([record(right.ravel(), series(60, 20))]).interval
        hits += low <= 0.9 <= high
    assert 0.88 <= hits / 200 <= 0.99


def test_a_difference_is_between_the_same_series():
    """Both networks find the same series hard: their difference is far surer than either."""
    random = np.random.default_rng(2)
    rights = random.integers(10, 50, size=(40, 1))
    worse = random.integers(2, 5, size=(40, 1))
    one = (np.arange(50) < rights).ravel()
    other = (np.arange(50) < rights - worse).ravel()
    groups = series(40, 50)
    difference = compare([record(one, groups)], [record(other, groups)])
    low, high = difference.interval
    assert 0.04 < low < difference.mean < high < 0.08
    own = summarise([record(one, groups)]).interval
    assert own[1] - own[0] > 5 * (high - low)


def test_answers_to_different_questions_are_not_compared():
    groups = series(2, 2)
    one = record([1, 1, 1, 0], groups)
    other = record([1, 1, 1, 0], groups, fingerprint="other")
    for compared in (lambda: compare([one], [other]), lambda: summarise([one, other])):
        with pytest.raises(ArtifactError, match="was asked about other photographs than net-"):
            compared()


@pytest.mark.parametrize(
    ("only_one", "only_other", "p"),
    [(0, 0, 1.0), (1, 0, 1.0), (5, 0, 2 / 32), (6, 1, 2 * 8 / 128), (3, 3, 1.0)],
)
def test_mcnemars_test_is_that_of_a_coin(only_one, only_other, p):
    assert mcnemar(only_one, only_other) == pytest.approx(p)
    assert mcnemar(only_other, only_one) == pytest.approx(p)


def test_two_runs_are_compared_by_what_each_knows_alone():
    """Five photographs only the one, one only the other, six both; the first run of each counts."""
    groups = series(2, 6)
    one = record([1] * 11 + [0], groups, seed=1)
    other = record([1] * 6 + [0] * 5 + [1], groups, seed=1)
    more = record([0] * 12, groups, seed=2)
    by_coin = 2 * (1 + 6) / 2**6
    assert compare([one, more], [other]).mcnemar_p == pytest.approx(by_coin)
    assert compare([other], [one, more]).mcnemar_p == pytest.approx(by_coin)
