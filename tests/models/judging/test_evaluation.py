"""Accuracy on any labelled pictures, from models whose answers are known."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from models.data.photographs import DatasetError, Photographs, read_pictures
from models.files.cards import Share
from models.judging.evaluation import Comparison, Evaluation, compare, evaluate
from models.running.runtimes import RUNTIMES
from tests.models.small_files import COLOURS, colour_classifier


def evaluation(probabilities, labels):
    count = len(labels)
    files = tuple(f"{number}.png" for number in range(count))
    names = tuple("abcdefgh"[: len(probabilities[0])])
    photographs = Photographs(None, files, np.array(labels), files, names)
    return Evaluation(photographs, np.array(probabilities, np.float32), {})


def test_right_wrong_and_damaged_are_counted(pictures):
    found = evaluate(RUNTIMES["litert"].load(colour_classifier()), read_pictures(pictures, COLOURS))
    assert (found.top_1, found.top_5) == (Share(10, 11), Share(11, 11))
    assert found.by_class() == {"red": Share(3, 3), "green": Share(3, 4), "blue": Share(4, 4)}
    assert found.confusion() == [("green", "blue", 1)]
    assert list(found.damaged) == ["red/3.png"]


def test_an_answer_that_is_no_number_is_wrong():
    found = evaluation([[np.nan, 1], [np.nan, np.nan], [1, 0]], [0, 0, 0])
    assert (found.top_1, found.top_5) == (Share(1, 3), Share(1, 3))


def test_top_5_counts_what_fewer_than_five_classes_come_before():
    rows = [[8, 7, 6, 5, 4, 3], [8, 7, 6, 5, 4, 3], [8, 7, 6, 5, 4, 3], [0, 0, 0, 0, 0, 0]]
    found = evaluation(rows, [0, 4, 5, 5])
    assert (found.top_1, found.top_5) == (Share(1, 4), Share(2, 4))


def test_wilsons_interval():
    """Against the published formula, worked by hand for 10 of 11."""
    z = stats.norm.ppf(0.975)
    p, n = 10 / 11, 11
    centre = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    assert Share(10, 11).interval == pytest.approx((centre - half, centre + half))
    assert Share(0, 0).interval == (0.0, 1.0)


def test_what_one_model_alone_knows_is_counted():
    one = evaluation([[1, 0]] * 10, [0] * 8 + [1] * 2)
    other = evaluation([[1, 0]] * 3 + [[0, 1]] * 7, [0] * 8 + [1] * 2)
    beside = compare(one, other)
    assert (beside.same, beside.images) == (3, 10)
    assert (beside.only_first, beside.only_second) == (5, 2)


@pytest.mark.parametrize(
    ("only_one", "only_other", "p"),
    [(0, 0, 1.0), (1, 0, 1.0), (5, 0, 2 / 32), (6, 1, 2 * 8 / 128), (3, 3, 1.0)],
)
def test_mcnemars_test_is_that_of_a_coin(only_one, only_other, p):
    assert Comparison(0, 9, only_one, only_other).mcnemar_p == pytest.approx(p)
    assert Comparison(0, 9, only_other, only_one).mcnemar_p == pytest.approx(p)


def test_models_with_another_order_of_classes_are_compared_by_their_names():
    one, other = evaluation([[1, 0], [0, 1]], [0, 0]), evaluation([[0, 1], [1, 0]], [1, 1])
    other = replace(other, photographs=replace(other.photographs, class_names=("B", "A")))
    assert compare(one, other).same == 2


def test_only_what_both_have_classified_is_compared():
    assert compare(evaluation([[1, 0]], [0]), evaluation([[1, 0]] * 2, [0, 0])).images == 1


def test_another_number_of_classes_is_told(pictures):
    with pytest.raises(DatasetError, match=r"3 values, and there are 4 labels.*--labels"):
        evaluate(
            RUNTIMES["litert"].load(colour_classifier()),
            read_pictures(pictures, (*COLOURS, "yellow")),
        )
