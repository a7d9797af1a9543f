"""The canary images and the comparison of answers on them."""

from __future__ import annotations

import numpy as np
import pytest

from models.data import canary_images as canary
from models.data.canary_images import fingerprint
from models.files.cards import Canary
from tests.models.judging.mismatches import canary_mismatches

# Written down once: another NumPy or machine must draw the same pixels, or no card can be checked.
FINGERPRINT = "34c97b59715db3536191c142bb1de2948a2f4ccdb9d84b8ab9aa0d08a9fbe149"


def test_every_machine_draws_the_same_pixels(canary_images):
    assert fingerprint(canary_images) == FINGERPRINT


def test_they_are_fruit_on_white(canary_images):
    assert canary_images.shape == (16, 100, 100, 3)
    assert canary_images.dtype == np.uint8
    assert (canary_images[:, 0, 0] == 255).all()
    assert ((canary_images < 200).any(axis=-1).mean(axis=(1, 2)) > 0.2).all()
    assert len({image.tobytes() for image in canary_images}) == 16


def test_more_images_begin_with_the_same(canary_images):
    assert (canary.canary_images(3) == canary_images[:3]).all()


def _canary(rows, pixels="abc"):
    return Canary(pixels, tuple(int(np.argmax(row)) for row in rows), tuple(map(tuple, rows)))


def test_equal_answers_agree():
    answers = _canary([[0.7, 0.3], [0.1, 0.9]])
    assert canary_mismatches(answers, answers, 0.0) == []


def test_a_difference_beyond_the_tolerance_is_told():
    faults = canary_mismatches(_canary([[0.7, 0.3]]), _canary([[0.65, 0.35]]), 0.01)
    assert faults == ["canary 0: a probability differs by 0.05000 (at most 0.01)"]


def test_another_class_is_told_unless_the_margin_is_too_small_to_say():
    assert canary_mismatches(_canary([[0.505, 0.495]]), _canary([[0.495, 0.505]]), 0.02) == []
    faults = canary_mismatches(_canary([[0.6, 0.4]]), _canary([[0.4, 0.6]]), 0.05)
    assert "canary 0: class 1 in place of 0" in faults


def test_answers_on_other_pixels_are_not_compared():
    one, other = _canary([[1.0, 0.0]], "abc"), _canary([[1.0, 0.0]], "abd")
    assert "other pixels" in canary_mismatches(one, other, 1.0)[0]


def test_another_number_of_images_is_an_error():
    with pytest.raises(ValueError, match=r"shorter|longer"):
        canary_mismatches(_canary([[1.0, 0.0]]), _canary([[1.0, 0.0]] * 2), 1.0)
