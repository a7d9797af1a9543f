"""The canary images and the comparison of answers on them."""

from __future__ import annotations

import numpy as np

from models.data.canary_images import fingerprint
from models.files.cards import Canary
from tests.models.judging.mismatches import canary_mismatches

# Written down once: another NumPy or machine must draw the same pixels, or no card can be checked.
FINGERPRINT = "34c97b59715db3536191c142bb1de2948a2f4ccdb9d84b8ab9aa0d08a9fbe149"


def test_every_machine_draws_the_same_pixels(canary_images):
    assert fingerprint(canary_images) == FINGERPRINT


def _canary(rows, pixels="abc"):
    return Canary(pixels, tuple(int(np.argmax(row)) for row in rows), tuple(map(tuple, rows)))


def test_a_difference_beyond_the_tolerance_is_told():
    one, other = _canary([[0.7, 0.3]]), _canary([[0.65, 0.35]])
    assert canary_mismatches(one, one, 0.0) == []
    faults = canary_mismatches(one, other, 0.01)
    assert faults == ["canary 0: a probability differs by 0.05000 (at most 0.01)"]


def test_another_class_is_told_unless_the_margin_is_too_small_to_say():
    assert canary_mismatches(_canary([[0.505, 0.495]]), _canary([[0.495, 0.505]]), 0.02) == []
    faults = canary_mismatches(_canary([[0.6, 0.4]]), _canary([[0.4, 0.6]]), 0.05)
    assert "canary 0: class 1 in place of 0" in faults


def test_answers_on_other_pixels_are_not_compared():
    one, other = _canary([[1.0, 0.0]], "abc"), _canary([[1.0, 0.0]], "abd")
    assert "other pixels" in canary_mismatches(one, other, 1.0)[0]
