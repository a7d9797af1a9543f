"""Damaged files: a tensor, or `PreprocessingError`, and nothing else."""

import functools
import io
import sys
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from fixtures.strategies import corrupted, encode, encoded_images, input_spec
from models.data.canary_images import canary_images
from models.preprocessing import PreprocessingError, prepare
from tests.proofs import bombs

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
        encode(pixels, "BMP"),
        encode(pixels, "GIF"),
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


@pytest.mark.parametrize("number", range(13))
def test_a_file_that_ends_too_early_is_refused(number):
    """At each of a hundred lengths, up to where the last pixels' bytes begin."""
    whole = whole_files()[number]
    prepare(whole, SPEC)
    for length in range(0, int(len(whole) * 0.95), max(1, len(whole) // 100)):
        with pytest.raises(PreprocessingError):
            prepare(whole[:length], SPEC)


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


def reason_of(data) -> str:
    with pytest.raises(PreprocessingError) as caught:
        prepare(data, SPEC)
    return str(caught.value)


@pytest.mark.parametrize("container", ["JPEG", "PNG", "WEBP", "AVIF", "BMP", "GIF"])
@pytest.mark.parametrize("share", [0.01, 0.3, 0.9])
def test_a_truncated_file_is_called_that(container, share):
    """Not "no picture", and not "damaged"."""
    whole = encode(canary_images(1)[0], container)
    cut = whole[: max(20, int(len(whole) * share))]
    assert reason_of(cut) == f"the {container} cannot be read: it ends too early"


def test_true_reasons():
    """What cannot be read is said to be what it is."""
    pixels = canary_images(1)[0]
    whole = encode(pixels, "JPEG")
    frame = whole.index(b"\xff\xc0")
    for marker, coding in ((0xC3, "lossless"), (0xC5, "hierarchical")):
        changed = whole[: frame + 1] + bytes([marker]) + whole[frame + 2 :]
        assert f"its coding is {coding}" in reason_of(changed)
    deep = whole[: frame + 4] + bytes([12]) + whole[frame + 5 :]
    assert "12 bits a sample" in reason_of(deep)
    palette = bytearray(whole_files()[7])
    start = palette.index(b"PLTE")
    length = int.from_bytes(palette[start - 4 : start], "big")
    del palette[start - 4 : start + 8 + length]
    assert "no palette (PLTE)" in reason_of(bytes(palette))
    assert "the file is TIFF" in reason_of(encode(pixels, "TIFF"))
    assert "no known format" in reason_of(b"a letter, not a picture")


def test_heic_without_its_package_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_heif.as_plugin", None)
    head = b"\0\0\0\x1cftypheic\0\0\0\0mif1heicmiaf"
    assert "pip install pillow-heif" in reason_of(head + bytes(40))


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (io.StringIO("text"), "binary mode"),
        (io.BytesIO(), "no bytes"),
        (memoryview(b"123456")[::2], "no known format"),
        (np.array([["a"]]), "ambiguous"),
        (np.zeros((3, 3, 3), object), "ambiguous"),
    ],
    ids=["text stream", "empty stream", "every other byte", "letters", "objects"],
)
def test_no_error_of_another_library_escapes(source, reason):
    assert reason in reason_of(source)


def test_closed_and_released_sources():
    stream, view = io.BytesIO(whole_files()[0]), memoryview(bytearray(5))
    image = Image.open(io.BytesIO(whole_files()[0]))
    for source, close in ((stream, stream.close), (view, view.release), (image, image.close)):
        close()
        assert "cannot be read" in reason_of(source)


@pytest.mark.parametrize("length", [2, 3, 7])
@pytest.mark.parametrize("more", [b"", bytes(40)])
def test_a_jpeg_whose_frame_header_is_too_short(length, more):
    """Found by the fuzzer, at the end of a file."""
    content = bytes(length - 2)
    data = b"\xff\xd8\xff\xc2" + length.to_bytes(2, "big") + content + more
    assert "JPEG cannot be read" in reason_of(data)


def test_a_png_with_two_headers_that_disagree():
    """Found by the fuzzer; the first one says that there are no bits."""
    data = bombs.png(3, 2, colour_type=0, depth=8, transparent=bytes(2))
    content = bytearray(data[12:29])
    content[12] = 0
    first = data[8:12] + bytes(content) + zlib.crc32(content).to_bytes(4, "big")
    assert "PNG cannot be read" in reason_of(data[:8] + first + data[8:])


def test_a_wide_png_without_pixels_is_refused():
    """Found by the fuzzer."""
    data = bombs.png(3, 2, colour_type=2, depth=16, transparent=bytes(6))
    start = data.index(b"IDAT")
    assert "PNG cannot be read" in reason_of(data[: start - 4] + data[-12:])


def test_arrays_of_any_strides_and_byte_order():
    pixels = canary_images(1)[0]
    pixels.flags.writeable = False
    same = [pixels[::-1, :, ::-1].copy()[::-1, :, ::-1], np.asfortranarray(pixels)]
    same += [pixels.astype(">f4"), pixels.astype(np.float16), (pixels.astype(">u2") * 257)]
    for array in same:
        np.testing.assert_array_equal(prepare(array, SPEC)[0], pixels)
