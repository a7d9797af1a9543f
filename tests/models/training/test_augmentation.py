"""Random changes to training photographs."""

from __future__ import annotations

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow", reason="TensorFlow is not installed")

from models.data.canary_images import canary_images  # noqa: E402
from models.training import augmentation  # noqa: E402
from models.training.augmentation import augment, cut_mix  # noqa: E402


@pytest.fixture
def pictures():
    return tf.cast(canary_images(16), tf.float32)


def test_keeps_shape_dtype_and_range(pictures):
    changed = augment(pictures, tf.constant([1, 2]))
    assert changed.shape == pictures.shape
    assert changed.dtype == tf.float32
    assert float(tf.reduce_min(changed)) >= 0
    assert float(tf.reduce_max(changed)) <= 255


def test_the_same_seed_gives_the_same_pictures_and_another_does_not(pictures):
    first = augment(pictures, tf.constant([1, 2])).numpy()
    np.testing.assert_array_equal(first, augment(pictures, tf.constant([1, 2])).numpy())
    assert (first != augment(pictures, tf.constant([1, 3])).numpy()).any()


def test_each_picture_is_changed_in_its_own_way(pictures):
    same = tf.repeat(pictures[:1], 8, axis=0)
    changed = augment(same, tf.constant([1, 2])).numpy()
    assert len({picture.tobytes() for picture in changed}) == 8


def test_what_comes_in_from_outside_is_as_white_as_the_ground():
    white = tf.fill([64, 100, 100, 3], 255.0)
    changed = augment(white, tf.constant([1, 2])).numpy()
    # A white picture is one colour wherever it was moved to.
    assert np.ptp(changed, axis=(1, 2)).max() < 1e-3


def test_the_fruit_keeps_most_of_its_size(pictures):
    warped = augmentation._warp(pictures, tf.constant([1, 2])).numpy()
    before = (pictures.numpy().min(axis=-1) < 250).mean(axis=(1, 2))
    after = (warped.min(axis=-1) < 250).mean(axis=(1, 2))
    assert (after / before).min() > 0.9**2 * 0.85
    assert (after / before).max() < 1.1**2 * 1.1


class TestCutMix:
    """Two plain pictures, black and white, so that each pixel tells whose it is."""

    @pytest.fixture
    def pictures(self):
        return tf.repeat(tf.constant([0.0, 255.0]), 32)[:, None, None, None] * tf.ones(
            [64, 50, 50, 3]
        )

    @pytest.fixture
    def targets(self):
        return tf.one_hot(tf.repeat([0, 1], 32), 2)

    def test_the_target_says_how_much_of_the_fruit_is_whose(self, pictures, targets):
        mixed, changed = cut_mix(pictures, targets, 1.0, tf.constant([1, 2]))
        y, x = np.mgrid[:50, :50] - 24.5
        fruit = np.hypot(x, y) < augmentation.FRUIT_RADIUS * 50
        white = mixed.numpy()[:, fruit].mean(axis=(1, 2)) / 255
        np.testing.assert_allclose(changed.numpy()[:, 1], white, atol=1e-5)
        np.testing.assert_allclose(changed.numpy().sum(axis=1), 1, atol=1e-6)
        assert np.ptp(white[:32]) > 0.5  # the cuts differ

    def test_cuts_the_share_that_it_is_told(self, pictures, targets):
        mixed, changed = cut_mix(pictures, targets, 0.5, tf.constant([1, 2]))
        cut = np.ptp(mixed.numpy(), axis=(1, 2, 3)) > 0
        assert 16 < cut.sum() < 48
        np.testing.assert_array_equal(mixed.numpy()[~cut], pictures.numpy()[~cut])
        np.testing.assert_array_equal(changed.numpy()[~cut], targets.numpy()[~cut])

    def test_the_same_seed_cuts_alike_and_another_does_not(self, pictures, targets):
        one, again, other = (
            cut_mix(pictures, targets, 0.5, tf.constant([1, seed]))[0].numpy() for seed in (2, 2, 3)
        )
        np.testing.assert_array_equal(one, again)
        assert (one != other).any()
