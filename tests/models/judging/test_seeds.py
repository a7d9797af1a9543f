"""Summaries of several seeds: means, intervals by what was filmed, differences."""

import numpy as np
import pytest

from models.files.artifacts import ArtifactError
from models.files.cards import Share
from models.judging import seeds
from models.judging.seeds import compare, holm, interval, summarise
from models.training.records import RunRecord, count_by_group, pack


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


def fruits(count, length):
    return [f"fruit {number}/r" for number in range(count) for _ in range(length)]


class Counted(np.ndarray):
    looked_at = 0

    def __getitem__(self, key):
        Counted.looked_at += np.size(key)
        return super().__getitem__(key)


def test_counting_by_group_looks_at_each_answer_once():
    right = np.ones(500, bool).view(Counted)
    assert len(count_by_group(right, fruits(500, 1))) == 500
    assert Counted.looked_at < 1_000  # 250,000 where each group looks at all


def test_the_mean_is_over_seeds_and_the_unit_is_the_fruit():
    """Two series of one fruit are one unit, and a fruit of more photographs weighs no more."""
    groups = [*["a/r"] * 10, *["a/r2"] * 30, *["b/r"] * 10]
    runs = [record([1] * 40 + [0] * 10, groups, seed=1), record([1] * 50, groups, seed=2)]
    summary = summarise(runs)
    assert summary.units == 2
    assert summary.accuracies == (0.5, 1.0)
    assert summary.mean == 0.75
    assert compare(runs, runs[:1]).mean == 0.25


def test_more_photographs_of_the_same_fruits_tell_no_more():
    few, many = (
        summarise([record([1] * 9 * n + [0] * n, fruits(10, n))]).interval for n in (1, 50)
    )
    assert few == many
    assert few[1] - few[0] > 0.3


def test_more_fruits_do():
    narrow, wide = (
        np.ptp(summarise([record([1] * 9 * n + [0] * n, fruits(10 * n, 1))]).interval)
        for n in (20, 1)
    )
    assert narrow < wide / 2


@pytest.mark.parametrize("likely", [0.5, 0.9, 0.96])
def test_the_interval_of_twenty_units_holds_the_truth_as_often_as_it_says(likely, monkeypatch):
    """Most fruits are all right and few are mostly wrong: here a bootstrap covers far less."""
    monkeypatch.setattr(seeds, "ORDERS", 40)  # an average of few fair games is fair, too
    random = np.random.default_rng(1)
    truth = likely + (1 - likely) * 0.3
    missed = 0
    for _ in range(200):
        low, high = interval(np.where(random.random(20) < likely, 1.0, 0.3))
        missed += not low <= truth <= high
    assert missed <= 10


def test_an_interval_is_narrow_enough_to_tell_something():
    low, high = interval(np.ones(20))
    assert 0.7 < low < 0.025 ** (1 / 20)  # no method may give more: Clopper and Pearson (1934)
    assert high == 1
    assert interval(np.zeros(20)) == pytest.approx((0, 1 - low))


def test_the_order_of_the_units_decides_nothing():
    shares = np.random.default_rng(3).beta(9, 1, 20)
    one, other = interval(shares), interval(shares[::-1])
    np.testing.assert_allclose(one, other, atol=0.01)


def test_a_difference_is_between_the_same_fruits():
    """Both find the same fruits hard: their difference is far surer than it is from strangers."""
    random = np.random.default_rng(2)
    groups = fruits(80, 50)
    hard = random.integers(10, 50, size=(80, 1))
    one = record((np.arange(50) < hard).ravel(), groups)
    other = record((np.arange(50) < hard - 5).ravel(), groups)
    shuffled = record((np.arange(50) < random.permutation(hard) - 5).ravel(), groups)
    same, strange = compare([one], [other]), compare([one], [shuffled])
    assert same.mean == pytest.approx(0.1)
    assert same.interval[0] < 0.1 < same.interval[1]
    assert np.ptp(same.interval) < np.ptp(strange.interval)


def test_a_difference_that_all_fruits_show_is_told_and_one_of_three_in_twenty_is_not():
    groups = fruits(20, 10)
    right = np.ones((20, 10), bool)
    worse, three = right.copy(), right.copy()
    worse[:, :5] = False
    three[:3, :8] = False
    assert compare([record(right.ravel(), groups)], [record(worse.ravel(), groups)]).p < 0.05
    unsure = compare([record(right.ravel(), groups)], [record(three.ravel(), groups)])
    assert unsure.p > 0.2
    assert unsure.interval[0] < 0 < unsure.interval[1]


def test_holm_raises_what_was_asked_of_several():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.9]) == [1, 1]
    assert holm([]) == []


def test_answers_to_different_questions_are_not_compared():
    groups = fruits(2, 2)
    one = record([1, 1, 1, 0], groups)
    other = record([1, 1, 1, 0], groups, fingerprint="other")
    for compared in (lambda: compare([one], [other]), lambda: summarise([one, other])):
        with pytest.raises(ArtifactError, match="was asked about other photographs than net-"):
            compared()
