"""A tag that says how to turn the pixels does what turning the pixels does."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from fixtures.strategies import UPRIGHT, encode, encoded_images, images, input_spec
from fixtures.strategies.files import PROFILES
from models.preprocessing import Preparation, decode, prepare

SPEC = input_spec(height=60, width=100)


@given(encoded_images(lossless_only=True, profiles=PROFILES[:1]))
def test_the_tag_equals_turning_the_pixels(encoded):
    turned = UPRIGHT[encoded.orientation](encoded.pixels)
    np.testing.assert_array_equal(decode(encoded.data), decode(turned))
    np.testing.assert_array_equal(prepare(encoded.data, SPEC), prepare(turned, SPEC))


@given(images(channels=(3,)), st.integers(1, 8))
def test_the_tag_of_a_jpeg(pixels, orientation):
    plain = decode(encode(pixels, "JPEG"))
    tagged = encode(pixels, "JPEG", orientation)
    np.testing.assert_array_equal(decode(tagged), UPRIGHT[orientation](plain))


@given(st.integers(2, 8), st.sampled_from(("squash", "letterbox")))
def test_a_jpeg_decoded_at_a_fraction_is_turned_too(orientation, fit):
    """Half the picture is black; it must end up where the whole decoding puts it."""
    pixels = np.full((900, 700, 3), 255, np.uint8)
    pixels[:300, :500] = 0
    tagged = encode(pixels, "JPEG", orientation)
    whole = UPRIGHT[orientation](decode(encode(pixels, "JPEG")))
    difference = np.abs(
        prepare(tagged, SPEC, Preparation(fit=fit)) - prepare(whole, SPEC, Preparation(fit=fit))
    )
    assert difference.mean() < 1


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_jpeg_is_never_decoded_smaller_than_twice_the_models_input(orientation):
    """Whose sides change places with the picture's."""
    pixels = np.zeros((250, 450, 3), np.uint8)
    decoded = decode(encode(pixels, "JPEG", orientation), SPEC)
    is_whole = decoded.shape == UPRIGHT[orientation](pixels).shape
    assert is_whole or (decoded.shape[0] >= 2 * 60 and decoded.shape[1] >= 2 * 100)


@pytest.mark.parametrize("value", [0, 9, 65535])
def test_a_tag_that_means_nothing_is_ignored(value):
    pixels = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    np.testing.assert_array_equal(decode(encode(pixels, "PNG", value)), pixels)


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's, of the damage
@pytest.mark.parametrize(
    "block",
    [
        b"",
        b"MM\0*\xff\xff\xff\xff",
        b"II*\0\x08\0\0\0\xff\xff",
        b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x02\0\0\0\x02" + b"6\0\0\0" + bytes(4),  # "6" as text
    ],
)
def test_a_damaged_exif_block_is_ignored(block):
    stream = io.BytesIO()
    Image.new("RGB", (3, 2)).save(stream, "JPEG", exif=b"Exif\0\0" + block)
    assert decode(stream.getvalue()).shape == (2, 3, 3)
