"""The same pixels give the same tensor, whatever container and colour mode they came in.

What is transparent in a PNG goes by the specification's own rules (Third Edition, 11.3.1.1).
"""

import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from fixtures.strategies import encode, encoded_images, images, input_spec
from models.preprocessing import Preparation, decode, prepare
from tests.proofs import bombs
from tests.proofs.icc import WIDE_PROFILES

SPEC = input_spec()
DRAFT_TOLERANCE = 8
"""Mean difference, in grey levels, between a JPEG decoded at a fraction of its size and one that
was decoded whole and then made small; reached only by noise, where the smallest details of the
picture are its content. Photographs stay below one level: see `test_real_photographs`."""


@given(encoded_images(lossless_only=True, profiles=WIDE_PROFILES))
def test_lossless_containers_show_what_was_stored(encoded):
    """Exactly, but where colours are laid on white or come from a profile, which rounds."""
    tolerance = encoded.profile.tolerance + 0.5 * (encoded.pixels.shape[2] == 4)
    assert np.abs(decode(encoded.data) - encoded.shown()).max() <= tolerance + 1e-6


@given(
    encoded_images(
        images(channels=(1, 3), max_side=160),
        ("JPEG", "MPO", "WEBP", "AVIF"),
        profiles=WIDE_PROFILES,
    )
)
def test_lossy_containers_differ_by_their_own_error(encoded):
    """Interpolation averages, so it cannot make an error larger; rounding adds one level."""
    shown = np.rint(encoded.shown()).astype(np.uint8)
    error = np.abs(decode(encoded.data).astype(int) - shown).max()
    difference = np.abs(prepare(encoded.data, SPEC) - prepare(shown, SPEC)).max()
    assert difference <= error + 1


@given(images(channels=(3,), min_side=200, max_side=420), st.integers(20, 95), st.booleans())
def test_jpegs_decoded_at_a_fraction(pixels, quality, progressive):
    data = encode(pixels, "JPEG", quality=quality, progressive=progressive)
    difference = np.abs(prepare(data, SPEC) - prepare(decode(data), SPEC))
    if min(pixels.shape[:2]) < 400:
        assert difference.max() == 0
    assert difference.mean() <= DRAFT_TOLERANCE


@given(images(channels=(4,)))
def test_alpha_is_laid_on_white(pixels):
    colours, alpha = pixels[..., :3].astype(float), pixels[..., 3:] / 255
    expected = colours * alpha + 255 * (1 - alpha)
    assert np.abs(decode(pixels) - expected).max() <= 1


@given(images(channels=(3,)), st.sampled_from(("array", "PNG", "WEBP", "PIL")))
def test_a_transparent_picture_is_white(colours, container):
    pixels = np.dstack([colours, np.zeros(colours.shape[:2], np.uint8)])
    if container == "array":
        source = pixels
    elif container == "PIL":
        source = Image.fromarray(pixels)
    else:
        options = {"lossless": True, "exact": True} if container == "WEBP" else {}
        source = encode(pixels, container, **options)
    assert (prepare(source, SPEC) == 255).all()


@given(images(channels=(1,)))
def test_grey_has_three_equal_channels(pixels):
    colour = np.repeat(pixels, 3, axis=2)
    np.testing.assert_array_equal(decode(pixels), colour)
    np.testing.assert_array_equal(decode(Image.fromarray(pixels[..., 0])), colour)


@given(images(channels=(3,), max_side=32), st.integers(1, 256))
def test_palettes_are_looked_up(pixels, colours):
    image = Image.fromarray(pixels).quantize(colours)
    stream = io.BytesIO()
    image.save(stream, "PNG")
    expected = np.asarray(image.convert("RGB"))
    np.testing.assert_array_equal(decode(stream.getvalue()), expected)
    np.testing.assert_array_equal(decode(image), expected)


def test_16_bits_round_to_the_nearest_level():
    values = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    stream = io.BytesIO()
    Image.fromarray(values).save(stream, "PNG")
    expected = np.repeat(np.rint(values[..., None] / 257), 3, axis=2)
    for source in (values, stream.getvalue()):
        np.testing.assert_array_equal(decode(source), expected)


def test_transparent_16_bit_grey_is_white():
    image = Image.fromarray(np.array([[100, 30_000]], np.uint16))
    image.info["transparency"] = 100
    stream = io.BytesIO()
    image.save(stream, "PNG", transparency=100)
    for source in (image, stream.getvalue()):
        assert decode(source)[0, :, 0].tolist() == [255, 117]


@given(images(channels=(3,), max_side=64))
def test_cmyk_jpeg(pixels):
    """A print shop's JPEG: Adobe's marker, inks stored inverted."""
    image = Image.fromarray(pixels).convert("CMYK")
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=95, subsampling="4:4:4")
    with Image.open(io.BytesIO(stream.getvalue())) as stored:
        assert stored.mode == "CMYK"
        expected = np.asarray(stored.convert("RGB"))
    np.testing.assert_array_equal(decode(stream.getvalue()), expected)
    assert np.abs(decode(image).astype(int) - pixels).max() <= 1


@pytest.mark.parametrize(
    "mode", ["1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr",
             "HSV", "LAB", "I", "F", "I;16", "I;16B", "I;16L"],
)  # fmt: skip
def test_every_colour_mode_of_pillow_is_taken(mode):
    tensor = prepare(Image.new(mode, (7, 5)), SPEC)
    assert tensor.shape == SPEC.shape


def test_of_an_animation_the_first_frame_counts():
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    for container in ("PNG", "WEBP", "GIF", "MPO"):
        stream = io.BytesIO()
        frames[0].save(stream, container, save_all=True, append_images=frames[1:], lossless=True)
        assert np.abs(decode(stream.getvalue())[0, 0] - [255.0, 0, 0]).max() <= 1


def test_real_photographs(photographs):
    """A photograph of the data set's own size is handed on as Pillow decodes it, untouched."""
    for pixels in map(decode, photographs.paths[::400]):
        np.testing.assert_array_equal(prepare(pixels, SPEC)[0], pixels)
        large = np.asarray(Image.fromarray(pixels).resize((640, 480), Image.Resampling.BICUBIC))
        data = encode(large, "JPEG", quality=90)
        difference = np.abs(prepare(data, SPEC) - prepare(decode(data), SPEC))
        assert difference.mean() < 1


CONTAINERS = ("JPEG", "MPO", "PNG", "WEBP", "AVIF", "BMP", "GIF", "HEIF")


@pytest.mark.parametrize("container", CONTAINERS)
def test_every_container_by_every_way(container, tmp_path):
    """A path, bytes, a stream and a PIL image are one picture; of an MPO the first counts."""
    if container == "HEIF":
        heif = pytest.importorskip("pillow_heif", reason="pip install pillow-heif")
        heif.register_heif_opener()
    pixels = np.zeros((430, 650, 3), np.uint8)
    pixels[:200, :300] = (250, 90, 30)
    stream = io.BytesIO()
    more = {"save_all": True, "append_images": [Image.new("RGB", (9, 9))]}
    Image.fromarray(pixels).save(stream, container, **(more if container == "MPO" else {}))
    data, path = stream.getvalue(), tmp_path / "picture"
    path.write_bytes(data)
    expected = prepare(data, SPEC)
    assert np.abs(expected - prepare(pixels, SPEC)).mean() < 2
    with path.open("rb") as file, Image.open(io.BytesIO(data)) as image, Image.open(path) as lazy:
        handed = [path, str(path), file, io.BytesIO(data), bytearray(data), memoryview(data)]
        for source in (*handed, image, lazy):
            np.testing.assert_array_equal(prepare(source, SPEC), expected)
        assert image.size == (650, 430)  # it is left as it was
        image.load()
        assert np.abs(prepare(image, SPEC) - expected).mean() < 1


GROUND = (10, 20, 30)
ON_GROUND = Preparation(ground=GROUND)


def png(depth: int, colour_type: int, row: bytes, width: int, **chunks: bytes) -> bytes:
    """A PNG of one row."""
    header = struct.pack(">IIBBBBB", width, 1, depth, colour_type, 0, 0, 0)
    parts = [bombs.chunk(name.encode(), data) for name, data in chunks.items()]
    pixels = bombs.chunk(b"IDAT", zlib.compress(b"\0" + row)) + bombs.chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + bombs.chunk(b"IHDR", header) + b"".join(parts) + pixels


def packed(values: range, depth: int) -> bytes:
    bits = "".join(format(value, f"0{depth}b") for value in values)
    return int(bits.ljust(-(-len(bits) // 8) * 8, "0"), 2).to_bytes(-(-len(bits) // 8), "big")


@pytest.mark.parametrize("transparent", [0, 1, -1, 257])
@pytest.mark.parametrize("depth", [1, 2, 4, 8])
def test_grey_of_every_depth(depth, transparent):
    """Of which only the lowest bits count."""
    levels = range(1 << depth)
    row = packed(levels, depth)
    data = png(depth, 0, row, len(levels), tRNS=struct.pack(">H", transparent & 0xFFFF))
    expected = [
        GROUND if level == transparent & levels[-1] else (level * 255 // levels[-1],) * 3
        for level in levels
    ]
    np.testing.assert_array_equal(decode(data, None, ON_GROUND)[0], expected)


def test_16_bit_colours_are_compared_by_their_upper_halves():
    pixels = [(0x1234, 0x5678, 0x9ABC), (0x1233, 0x5678, 0x9ABD), (0x1334, 0x5678, 0x9ABC)]
    row = struct.pack(">9H", *np.ravel(pixels))
    data = png(16, 2, row, 3, tRNS=struct.pack(">3H", *pixels[0]))
    np.testing.assert_array_equal(
        decode(data, None, ON_GROUND)[0], [GROUND, GROUND, (0x13, 0x56, 0x9A)]
    )


def test_8_bit_colours_ignore_the_upper_bytes():
    data = png(8, 2, bytes([1, 2, 3, 1, 2, 4]), 2, tRNS=struct.pack(">3H", 0x0101, 2, 3))
    np.testing.assert_array_equal(decode(data, None, ON_GROUND)[0], [GROUND, (1, 2, 4)])


@pytest.mark.parametrize("second", [0, 10, 13, 128, 255])
def test_a_palette_of_two_alphas(second):
    """10 is a line feed, which a regular expression may overlook."""
    colours = np.array([[255, 0, 0], [0, 255, 0]])
    data = png(8, 3, b"\0\1\0", 3, PLTE=colours.astype(np.uint8).tobytes(), tRNS=bytes([0, second]))
    share = second / 255
    expected = [GROUND, colours[1] * share + np.array(GROUND) * (1 - share), GROUND]
    assert np.abs(decode(data, None, ON_GROUND)[0] - expected).max() <= 1
