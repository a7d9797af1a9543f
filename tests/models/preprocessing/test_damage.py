"""Damaged files: a tensor, or `PreprocessingError`, and nothing else."""

from __future__ import annotations

import functools
import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from fixtures.strategies import corrupted, encode, encoded_images, input_spec
from models.data.canary_images import canary_images
from models.preprocessing import PreprocessingError, prepare

SPEC = input_spec()


@functools.cache
def whole_files() -> tuple[bytes, ...]:
    """A file of each container, coding and colour mode that decoders treat by other code."""
    pixels = canary_images(1)[0]
    alpha = np.dstack([pixels, pixels[..., 0]])
    palette, cmyk, animation = io.BytesIO(), io.BytesIO(), io.BytesIO()
    Image.fromarray(pixels).quantize(16).save(palette, "PNG", transparency=2)
    Image.fromarray(pixels).convert("CMYK").save(cmyk, "JPEG")
    frames = [Image.fromarray(pixels), Image.fromarray(pixels[::-1])]
    frames[0].save(animation, "WEBP", save_all=True, append_images=frames[1:])
    return (
        encode(pixels, "JPEG", orientation=6),
        encode(pixels, "JPEG", progressive=True, subsampling="4:2:2"),
        encode(pixels[..., :1], "JPEG"),
        encode(np.tile(pixels, (4, 4, 1)), "JPEG"),  # decoded at a quarter
        cmyk.getvalue(),
        encode(pixels, "PNG", orientation=3),
        encode(alpha, "PNG"),
        palette.getvalue(),
        encode(pixels, "WEBP", quality=80),
        encode(alpha, "WEBP", lossless=True, orientation=8),
        animation.getvalue(),
    )


def tensor_or_refusal(data: bytes) -> None:
    try:
        tensor = prepare(data, SPEC)
    except PreprocessingError as error:
        assert "\n" not in str(error)  # noqa: PT017
        return
    assert tensor.shape == SPEC.shape


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's, of damaged EXIF blocks
@given(corrupted(st.deferred(lambda: st.sampled_from(whole_files()))))
def test_damaged_files(data):
    tensor_or_refusal(data)


@pytest.mark.filterwarnings("ignore::UserWarning")
@given(corrupted(encoded_images().map(lambda encoded: encoded.data)))
def test_any_damaged_file(data):
    tensor_or_refusal(data)


@given(
    st.binary(max_size=512), st.sampled_from((b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF"))
)
def test_no_picture_at_all(data, signature):
    with pytest.raises(PreprocessingError):
        prepare(signature + data, SPEC)


@pytest.mark.parametrize("number", range(11))
def test_a_file_that_ends_too_early_is_refused(number):
    """At each of a hundred lengths, up to where the last pixels' bytes begin."""
    whole = whole_files()[number]
    for length in range(0, int(len(whole) * 0.95), max(1, len(whole) // 100)):
        with pytest.raises(PreprocessingError):
            prepare(whole[:length], SPEC)


def test_a_whole_file_is_taken():
    for whole in whole_files():
        prepare(whole, SPEC)


def test_a_png_whose_chunk_has_a_wrong_length():
    """Of which Pillow makes a SyntaxError, and only while it decodes."""
    whole = bytearray(encode(canary_images(1)[0], "PNG"))
    start = whole.index(b"IDAT")
    length = int.from_bytes(whole[start - 4 : start], "big")
    whole[start - 4 : start] = (length - 100).to_bytes(4, "big")
    with pytest.raises(PreprocessingError, match="damaged"):
        prepare(bytes(whole), SPEC)


def test_a_damaged_file_that_pillow_opened_before():
    whole = whole_files()[5]
    with (
        Image.open(io.BytesIO(whole[: len(whole) // 2])) as image,
        pytest.raises(PreprocessingError, match="the PNG cannot be read: it ends too early"),
    ):
        prepare(image, SPEC)
