"""Resizing, as other libraries do it, and turning: what must hold for any picture."""

import io
from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from fixtures.strategies import UPRIGHT, encode, encoded_images, images, input_spec, input_specs
from fixtures.strategies.files import PROFILES
from models.preprocessing import Preparation, decode, geometry, prepare, prepare_batch

COLOUR_PICTURES = images(channels=(3,))
SCALINGS = st.sampled_from(("antialiased", "android"))
FLOAT = input_spec()
SPEC = input_spec(height=60, width=100)


@given(
    st.integers(1, 400),
    st.integers(1, 400),
    st.tuples(*[st.integers(0, 255)] * 3),
    SCALINGS,
    input_specs(in_levels=True),
)
def test_a_constant_picture_stays_constant(height, width, colour, scaling, spec):
    pixels = np.empty((height, width, 3), np.uint8)
    pixels[:] = colour
    tensor = spec.dequantise(prepare(pixels, spec, Preparation(resampling=scaling)))
    assert (tensor == colour).all()


@given(images(min_side=100, max_side=100, channels=(3,)), SCALINGS, st.booleans())
def test_a_picture_of_the_models_size_is_untouched(pixels, scaling, as_image):
    source = Image.fromarray(pixels) if as_image else pixels
    for fit in ("squash", "letterbox"):
        np.testing.assert_array_equal(
            prepare(source, FLOAT, Preparation(fit=fit, resampling=scaling))[0], pixels
        )


@given(COLOUR_PICTURES)
def test_antialiased_agrees_with_pillow(pixels):
    assert_agrees_with_pillow(pixels)


@given(st.integers(1, 99), st.integers(101, 3000), st.integers(0, 2**32 - 1))
def test_thin_tall_pictures_agree_with_pillow(width, height, seed):
    """In which the order of the two passes matters most."""
    pixels = np.random.RandomState(seed).randint(0, 256, (height, width, 3)).astype(np.uint8)
    assert_agrees_with_pillow(pixels)


def assert_agrees_with_pillow(pixels: np.ndarray) -> None:
    """To one grey level nearly everywhere, and to two anywhere.

    Both libraries round to whole levels after each of their two passes, which puts each at most
    one level from the exact average, and these can lie on opposite sides of it.
    """
    expected = np.asarray(Image.fromarray(pixels).resize((100, 100), Image.Resampling.BILINEAR))
    difference = np.abs(prepare(pixels, FLOAT)[0] - expected)
    assert difference.max() <= 2
    assert (difference > 1).mean() <= 0.001


@given(COLOUR_PICTURES)
def test_android_is_bilinear_between_the_four_nearest_pixels(pixels):
    """Written out after Skia's rule: pixel centres at halves, edges repeated.

    Pillow cuts fractions off where Skia rounds them: one grey level, and float rounding.
    """
    height, width = pixels.shape[:2]

    def weights(source: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        position = np.clip((np.arange(100) + 0.5) * source / 100 - 0.5, 0, source - 1)
        low = np.floor(position).astype(int)
        return low, np.minimum(low + 1, source - 1), position - low

    top, bottom, down = weights(height)
    left, right, across = weights(width)
    floats = pixels.astype(float)
    rows = floats[top] * (1 - down)[:, None, None] + floats[bottom] * down[:, None, None]
    expected = rows[:, left] * (1 - across)[:, None] + rows[:, right] * across[:, None]
    actual = prepare(pixels, FLOAT, Preparation(resampling="android"))[0]
    assert np.abs(actual - expected).max() <= 1 + 1e-6


@given(COLOUR_PICTURES, SCALINGS)
def test_letterbox_keeps_proportions_on_white(pixels, scaling):
    height, width = pixels.shape[:2]
    dark = np.zeros_like(pixels)
    tensor = prepare(dark, FLOAT, Preparation(fit="letterbox", resampling=scaling))[0]
    rows = int((tensor == 0).any(axis=(1, 2)).sum())
    columns = int((tensor == 0).any(axis=(0, 2)).sum())
    scale = 100 / max(height, width)
    assert rows == max(1, round(height * scale))
    assert columns == max(1, round(width * scale))
    assert set(np.unique(tensor)) <= {0, 255}
    # Centred: the white above and below, left and right, differ by at most one pixel.
    inside = tensor[..., 0] == 0
    above, left = inside.any(axis=1).argmax(), inside.any(axis=0).argmax()
    assert abs((100 - rows) - 2 * above) <= 1
    assert abs((100 - columns) - 2 * left) <= 1


@given(COLOUR_PICTURES, input_specs(in_levels=True), SCALINGS)
def test_mirroring_before_is_mirroring_after(pixels, spec, scaling):
    """To one grey level, since a filter's weights are rounded."""
    plain = spec.dequantise(prepare(pixels, spec, Preparation(resampling=scaling)))
    mirrored = spec.dequantise(prepare(pixels[:, ::-1], spec, Preparation(resampling=scaling)))
    assert np.abs(plain[:, :, ::-1] - mirrored).max() <= 1


@given(st.lists(images(), min_size=1, max_size=4), input_specs(in_levels=True))
def test_one_alone_equals_one_of_many(pictures, spec):
    batch = prepare_batch(pictures, spec)
    assert batch.shape == (len(pictures), *spec.shape[1:])
    for row, picture in zip(batch, pictures, strict=True):
        np.testing.assert_array_equal(row, prepare(picture, spec)[0])


@given(
    COLOUR_PICTURES, input_specs(in_levels=True), st.sampled_from(("squash", "letterbox", "crop"))
)
def test_pillow_takes_the_place_of_the_fast_resizer(pixels, spec, fit):
    """On Linux on arm64 there is no wheel of the other: to two levels, as stated on the page."""
    preparation = Preparation(fit=fit)
    fast = spec.dequantise(prepare(pixels, spec, preparation))
    with mock.patch.object(geometry, "cykooz_resizer", None):
        plain = spec.dequantise(prepare(pixels, spec, preparation))
    difference = np.abs(fast - plain)
    assert difference.max() <= 2
    assert (difference > 1).mean() <= 0.001


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


@pytest.mark.filterwarnings("error")  # Pillow warns of the damage
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
