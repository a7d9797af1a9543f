"""Small files that would take much memory or time, for a program that did not look first."""

from __future__ import annotations

import struct
import zlib


def png(width: int, height: int, *, colour_type: int = 6, depth: int = 8) -> bytes:
    """A valid PNG of zeros, any size, a thousandth of its pixels' bytes."""
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour_type]
    row = b"\0" * (1 + (width * channels * depth + 7) // 8)
    packer = zlib.compressobj(9)
    packed = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, 0)
    palette = _chunk(b"PLTE", b"\1\2\3") if colour_type == 3 else b""
    return (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", header)
        + palette
        + _chunk(b"IDAT", packed)
        + _chunk(b"IEND", b"")
    )


def png_text(inflated_bytes: int) -> bytes:
    """A PNG of one pixel whose comment inflates to a size of its own."""
    body = png(1, 1)
    text = b"comment\0\0" + zlib.compress(b"\0" * inflated_bytes, 9)
    return body[:33] + _chunk(b"zTXt", text) * 8 + body[33:]


def png_chunks(count: int) -> bytes:
    """A PNG of one pixel with many comments of no length."""
    body = png(1, 1)
    return body[:33] + _chunk(b"tEXt", b"a\0") * count + body[33:]


def jpeg_scans(width: int, height: int, scans: int) -> bytes:
    """A progressive grey JPEG with one empty scan after another."""
    frame = struct.pack(">BHHB", 8, height, width, 1) + b"\1\x11\0"
    dc_table = b"\0" + bytes([1] + [0] * 15) + b"\0"
    ac_table = b"\x10" + bytes([1] + [0] * 15) + b"\0"
    first = _segment(0xDA, b"\1\1\0" + b"\0\0\0") + b"\0" * 8
    again = _segment(0xDA, b"\1\1\0" + b"\1\x3f\0") + b"\0" * 8
    return (
        b"\xff\xd8"
        + _segment(0xDB, b"\0" + b"\1" * 64)
        + _segment(0xC2, frame)
        + _segment(0xC4, dc_table)
        + _segment(0xC4, ac_table)
        + first
        + again * (scans - 1)
        + b"\xff\xd9"
    )


def webp_canvas(width: int, height: int) -> bytes:
    """An animated WebP of a large canvas and one frame of one pixel."""
    vp8l = b"\x2f\0\0\0\0\x88\x88\x08"
    frame = b"\0" * 6 + b"\0" * 6 + b"\0\0\0" + b"\0" + _riff(b"VP8L", vp8l)
    canvas = bytes([0x02, 0, 0, 0]) + (width - 1).to_bytes(3, "little")
    canvas += (height - 1).to_bytes(3, "little")
    body = b"WEBP" + _riff(b"VP8X", canvas) + _riff(b"ANIM", b"\0" * 6) + _riff(b"ANMF", frame)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _chunk(name: bytes, data: bytes) -> bytes:
    checksum = struct.pack(">I", zlib.crc32(name + data))
    return struct.pack(">I", len(data)) + name + data + checksum


def _segment(marker: int, data: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(data) + 2) + data


def _riff(name: bytes, data: bytes) -> bytes:
    return name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)
