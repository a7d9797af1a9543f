"""The strategies draw what they say, and shrink to the plainest picture that fails."""

import io
from operator import attrgetter
from random import Random

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image

from fixtures.strategies import (
    camera_frames,
    corrupted,
    encode,
    encoded_images,
    fruit_photographs,
    images,
    input_specs,
)
from fixtures.strategies.files import MODES, PROFILES
from models.data.canary_images import canary_images
from models.preprocessing.pipeline import read_pixels
from models.preprocessing.tensors import input_layout
from tests.processes import python

QUIET = settings(
    max_examples=2_000, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)
UNSHRUNK = settings(QUIET, phases=[Phase.generate], max_examples=20_000)


@given(images(min_side=3, max_side=9, channels=(3, 4)))
def test_images_keep_to_their_bounds(pixels):
    assert pixels.dtype == np.uint8
    assert min(pixels.shape[:2]) >= 3
    assert max(pixels.shape[:2]) <= 9
    assert pixels.shape[2] in (3, 4)


@given(images(max_pixels=2_000))
def test_images_keep_to_their_area(pixels):
    assert pixels.shape[0] * pixels.shape[1] <= 2_000


@pytest.mark.slow
def test_images_shrink_to_one_plain_pixel():
    assert find(images(channels=(3,)), lambda pixels: True, settings=QUIET).tolist() == [[[0] * 3]]
    wide = find(images(channels=(3,)), lambda pixels: pixels.shape[1] >= 7, settings=QUIET)
    np.testing.assert_array_equal(wide, np.zeros((1, 7, 3)))
    # Of one run in two some noise is left, which holds the pixels that it needs.
    grey = images(channels=(1,))
    assert any(
        np.array_equal(
            find(grey, lambda pixels: pixels.max() >= 200, settings=QUIET, random=Random(seed)),
            [[[200]]],
        )
        for seed in range(8)
    )


def test_images_with_detail_shrink_to_two_colours():
    varied = find(images(channels=(1,)), lambda pixels: np.ptp(pixels) > 0, settings=QUIET)
    assert varied.size == 2


@given(encoded_images())
def test_encoded_images_are_what_they_say(encoded):
    """What they show is compared with what is read in `test_containers`."""
    with Image.open(io.BytesIO(encoded.data)) as image:
        assert image.format == encoded.container
        assert image.size == encoded.pixels.shape[1::-1]
        assert image.getexif().get(ExifTags.Base.Orientation, 1) == encoded.orientation
        assert image.info.get("icc_profile") == (encoded.profile.data or None)
        frames = encoded.options.get("frames", 1)
        assert getattr(image, "n_frames", 1) in (1, frames)


@pytest.mark.parametrize("container", MODES)
def test_every_mode_of_every_container_is_drawn(container):
    files = encoded_images(images(max_side=3), [container])
    channels = (1, 3, 4) if container in ("PNG", "WEBP", "AVIF") else (1, 3)
    for mode in {mode for count in channels for mode in MODES[container][count]}:
        find(files, lambda encoded, wanted=mode: encoded.mode == wanted, settings=UNSHRUNK)


SMALL = images(channels=(1,), max_pixels=500)
OWN = images(channels=(1,), model_sides=(57,), max_pixels=500)
DRAWN = [
    *[(SMALL, len, side) for side in (99, 447)],  # around the sides of models
    *[(OWN, len, side) for side in (57, 113)],  # and around the multiples of one's own
    *[(encoded_images(), attrgetter("profile"), profile) for profile in PROFILES],
    *[(encoded_images(), attrgetter("container"), container) for container in MODES],
    *[(encoded_images(), attrgetter("orientation"), number) for number in range(1, 9)],
]


@pytest.mark.slow
@pytest.mark.parametrize(("strategy", "told", "wanted"), DRAWN)
def test_each_kind_is_drawn(strategy, told, wanted):
    find(strategy, lambda drawn: told(drawn) == wanted, settings=UNSHRUNK)


@given(camera_frames(max_side=9))
def test_camera_frames_have_their_bytes(frame):
    chroma = ((frame.height + 1) // 2) * ((frame.width + 1) // 2)
    assert len(frame.data) == frame.width * frame.height + 2 * chroma


@pytest.mark.parametrize("layout", ["I420", "YV12", "NV12", "NV21"])
def test_every_layout_is_drawn_at_odd_sizes(layout):
    find(
        camera_frames(),
        lambda frame: frame.layout == layout and frame.width % 2 and frame.height % 2,
        settings=UNSHRUNK,
    )


def test_corrupted_files_differ_and_shrink_to_one_damage():
    whole = encode(canary_images(1)[0], "JPEG")
    damaged = find(corrupted([whole]), lambda data: data != whole, settings=QUIET)
    assert damaged == b""  # cut off at the first byte
    changed = find(
        corrupted([whole]), lambda data: len(data) == len(whole) and data != whole, settings=QUIET
    )
    assert sum(a != b for a, b in zip(changed, whole, strict=True)) == 1


def test_corrupted_takes_a_strategy():
    find(corrupted(st.just(b"abc")), lambda data: data.startswith(b"ab"), settings=UNSHRUNK)


@given(fruit_photographs())
def test_fruit_photographs(photograph):
    assert photograph.pixels.shape == (100, 100, 3)
    assert photograph.pixels.dtype == np.uint8
    assert photograph.label is None


def test_fruit_photographs_shrink_to_an_undistorted_one():
    plain = find(fruit_photographs(), lambda photograph: True, settings=QUIET)
    assert plain.changes == ()
    np.testing.assert_array_equal(plain.pixels, canary_images(1)[0])


def test_fruit_photographs_of_the_data_set_keep_their_labels(photographs):
    sample = photographs.take(slice(None, None, 100))
    strategy = fruit_photographs(read_pixels(sample, 100), sample.labels)
    found = find(strategy, lambda photograph: photograph.index == 3, settings=UNSHRUNK)
    assert found.label == photographs.labels[300]


@given(input_specs(sides=(5, 7)))
def test_input_specs(spec):
    assert spec.shape[0] == 1
    assert set(input_layout(spec).size) <= {5, 7}
    assert spec.quantise(np.array([0, 255])).dtype == spec.dtype
    assert spec.is_quantised == (spec.dtype != np.float32)


def test_input_specs_of_both_layouts_and_any_quantisation_are_drawn():
    specs = input_specs(sides=(5,), channels=(1, 3))
    for wanted in ((1, 5, 5, 1), (1, 3, 5, 5), (1, 1, 5, 5), (1, 5, 5, 3)):
        find(specs, lambda spec, shape=wanted: spec.shape == shape, settings=UNSHRUNK)
    steps = {0.0, 1.0, 1 / 255, 1 / 127.5, 1 / 128}
    find(specs, lambda spec: spec.scale not in steps, settings=UNSHRUNK)
    find(specs, lambda spec: spec.dtype == np.int8 and spec.zero_point > 0, settings=UNSHRUNK)


def test_without_hypothesis_nothing_is_imported():
    """Collecting the benchmarks must not wait for hypothesis."""
    code = "import sys, fixtures.strategies; print('hypothesis' in sys.modules)"
    assert python("-c", code).stdout == "False\n"
