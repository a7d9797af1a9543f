"""The tRNS chunk of a PNG, by the specification's own rules (PNG, Third Edition, 11.3.1.1)."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest

from models.preprocessing import Preparation, decode

GROUND = (10, 20, 30)
ON_GROUND = Preparation(ground=GROUND)


def png(depth: int, colour_type: int, row: bytes, width: int, **chunks: bytes) -> bytes:
    """A PNG of one row."""

    def chunk(name: bytes, data: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(name + data))
        return struct.pack(">I", len(data)) + name + data + checksum

    header = struct.pack(">IIBBBBB", width, 1, depth, colour_type, 0, 0, 0)
    parts = [chunk(b"IHDR", header), *(chunk(name.encode(), data) for name, data in chunks.items())]
    parts += [chunk(b"IDAT", zlib.compress(b"\0" + row)), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


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
