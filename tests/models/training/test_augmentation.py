"""Random changes to pictures that are learnt from: each does what it says, and no more."""

from dataclasses import replace

import numpy as np
import pytest

tf = pytest.importorskip("tensorflow", reason="TensorFlow is not installed")

from models.data.canary_images import canary_images  # noqa: E402
from models.data.changes import FRUIT, NAMES, Changes, named  # noqa: E402
from models.training import augmentation  # noqa: E402
from models.training.augmentation import augment, cut_mix  # noqa: E402

pytestmark = pytest.mark.slow

SEED = tf.constant([1, 2])


@pytest.fixture(scope="module")
def pictures():
    return tf.cast(canary_images(16), tf.float32)


@pytest.fixture(scope="module")
def discs():
    """Red discs on pale blue grounds, left of the centre; float32, shape (64, 50, 50, 3)."""
    y, x = np.mgrid[:50, :50]
    disc = np.hypot(x - 18, y - 24.5) < 10
    picture = np.where(disc[..., None], (200.0, 40.0, 40.0), (200.0, 220.0, 250.0))
    return tf.constant(np.repeat(picture[None], 64, axis=0), tf.float32)


def changed(pictures, changes, seed=SEED):
    return augment(pictures, changes, seed).numpy()


def centres(pictures):
    """Return where the disc is in each, (x, y) from the centre, in pixels."""
    red = (pictures[..., 0] - pictures[..., 2]).clip(0)
    y, x = np.mgrid[: red.shape[1], : red.shape[2]] - (red.shape[1] - 1) / 2
    total = red.sum(axis=(1, 2))
    return np.stack([(red * x).sum((1, 2)) / total, (red * y).sum((1, 2)) / total], axis=1)


def test_keeps_shape_dtype_and_range(pictures):
    found = augment(pictures, FRUIT, SEED)
    assert (found.shape, found.dtype) == (pictures.shape, tf.float32)
    assert 0 <= float(tf.reduce_min(found)) <= float(tf.reduce_max(found)) <= 255


@pytest.mark.parametrize("name", NAMES)
def test_the_same_seed_gives_the_same_pictures_and_another_does_not(pictures, name):
    first = changed(pictures, NAMES[name])
    np.testing.assert_array_equal(first, changed(pictures, NAMES[name]))
    is_other = (first != changed(pictures, NAMES[name], tf.constant([1, 3]))).any()
    assert is_other == (name not in ("none", "cut"))  # cuts are made of a batch


def test_no_change_leaves_each_pixel(discs):
    np.testing.assert_allclose(changed(discs, Changes()), discs.numpy(), atol=1e-3)


def test_each_picture_is_changed_in_its_own_way(pictures):
    same = tf.repeat(pictures[:1], 8, axis=0)
    assert len({picture.tobytes() for picture in changed(same, FRUIT)}) == 8


def test_mild_changes_mirror_nothing_and_turn_little(discs):
    """A class that is told by its direction stays that class."""
    x, y = centres(changed(discs, named("mild"))).T
    assert (x < -3).all()
    assert np.ptp(x) > 1
    assert np.abs(y).max() < 4


def test_mirrored_changes_left_and_right_of_about_half(discs):
    x, y = centres(changed(discs, named("mirrored"))).T
    assert 16 < (x > 0).sum() < 48
    np.testing.assert_allclose(np.abs(x), 6.5, atol=0.1)
    np.testing.assert_allclose(y, 0, atol=0.1)


def test_turned_reaches_every_direction(discs):
    x, y = centres(changed(discs, named("turned"))).T
    np.testing.assert_allclose(np.hypot(x, y), 6.5, atol=0.3)
    assert {*zip(x > 0, y > 0, strict=True)} == {
        (a, b) for a in (True, False) for b in (True, False)
    }


def test_what_comes_in_from_outside_is_the_pictures_own_ground(discs):
    corners = changed(discs, replace(named("turned"), shift=0.08))[:, ::49, ::49]
    np.testing.assert_allclose(corners, np.full_like(corners, (200, 220, 250)), atol=1e-3)


def test_light_changes_a_share_and_no_channel_alone(discs):
    dark = 0.8 * discs  # so that no pixel is at the end of the scale
    ratio = changed(dark, replace(named("light"), light=0.2)) / dark.numpy()
    np.testing.assert_allclose(ratio.max(axis=(1, 2, 3)), ratio.min(axis=(1, 2, 3)), atol=1e-3)
    gain = ratio.mean(axis=(1, 2, 3))
    assert (np.abs(gain - 1) > 1e-6).sum() == round(0.7 * 64)
    assert gain.min() < 0.9
    assert np.abs(gain - 1).max() <= 0.2


def test_ground_changes_and_the_thing_does_not(discs):
    found = changed(discs, named("ground"))
    np.testing.assert_allclose(found[:, 24, 18], discs.numpy()[:, 24, 18], atol=1e-3)
    others = (np.abs(found[:, 0, 0] - (200, 220, 250)) > 1).any(axis=-1)
    assert others.sum() == round(0.7 * 64)
    assert np.ptp(found[others][:, 0, 0], axis=0).min() > 150  # of any colour


def test_a_picture_without_a_ground_keeps_its_pixels():
    noise = tf.random.stateless_uniform([16, 50, 50, 3], [1, 2], 0.0, 255.0)
    np.testing.assert_allclose(changed(noise, named("ground")), noise.numpy(), atol=1e-3)


def test_noise_and_blur_are_as_strong_as_they_say(discs):
    grey = tf.fill([64, 50, 50, 3], 128.0)
    spread = changed(grey, Changes(noise=12.0, spoilt=1.0)).std(axis=(1, 2, 3))
    assert 9 < spread.max() < 12.5
    assert spread.min() < 3
    steps = [
        np.abs(np.diff(picture[25, :, 1])).max()
        for picture in (discs.numpy()[0], *changed(discs, Changes(blur=3.6, spoilt=1.0)))
    ]
    sharp, blurred = steps[0], np.array(steps[1:])
    # An edge of a Gaussian of 1.8 pixels rises by 0.22 of its height in a pixel; the disc is small.
    assert 0.15 * sharp < blurred.min() < 0.35 * sharp
    assert blurred.max() > 0.8 * sharp
    mean = changed(discs, Changes(blur=3.6, spoilt=1.0)).mean(axis=(1, 2, 3))
    np.testing.assert_allclose(mean, discs.numpy()[0].mean(), rtol=1e-3)


def test_strength_scales_light_ground_noise_and_blur_alone():
    half, none = FRUIT.at(0.5, 1.0), FRUIT.at(0.0, 0.0)
    assert (half.light, half.ground, half.noise, half.blur) == (0.15, 0.35, 6.0, 0.9)
    assert (none.light, none.lit, none.ground, none.noise, none.spoilt, none.cut) == (0,) * 6
    assert (none.degrees, none.mild_light) == (FRUIT.degrees, FRUIT.mild_light)
    assert named("mild").at(1.0, 1.0).cut == 0  # what may not be cut is not


def test_an_unknown_change_is_told_with_those_that_are_known():
    with pytest.raises(ValueError, match="unknown change 'milder'; known are: none, mild"):
        named("mild", "milder")


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
        mixed, changed = cut_mix(pictures, targets, 1.0, SEED)
        y, x = np.mgrid[:50, :50] - 24.5
        fruit = np.hypot(x, y) < augmentation.OBJECT_RADIUS * 50
        white = mixed.numpy()[:, fruit].mean(axis=(1, 2)) / 255
        np.testing.assert_allclose(changed.numpy()[:, 1], white, atol=1e-5)
        np.testing.assert_allclose(changed.numpy().sum(axis=1), 1, atol=1e-6)
        assert np.ptp(white[:32]) > 0.5  # the cuts differ

    def test_cuts_the_share_that_it_is_told(self, pictures, targets):
        mixed, changed = cut_mix(pictures, targets, 0.5, SEED)
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
