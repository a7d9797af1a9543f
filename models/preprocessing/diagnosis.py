"""Why a file is no picture that can be prepared: its true format, and what is wrong with it."""

from __future__ import annotations

import os
import struct
from typing import BinaryIO

from models.preprocessing.limits import MAX_JPEG_HEADER_BYTES

_SIGNATURES = {
    b"\xff\xd8": "JPEG", b"\x89PNG\r\n\x1a\n": "PNG", b"GIF8": "GIF", b"BM": "BMP",
    b"II*\0": "TIFF", b"MM\0*": "TIFF", b"8BPS": "Photoshop", b"%PDF": "PDF", b"PK\x03\x04": "ZIP",
    b"\0\0\0\x0cJXL ": "JPEG XL", b"\xff\x0a": "JPEG XL",
    b"\0\0\0\x0cjP  ": "JPEG 2000", b"\xff\x4f\xff\x51": "JPEG 2000",
    b"<svg": "SVG", b"<?xml": "XML", b"<!DOCTYPE": "HTML", b"<html": "HTML",
}  # fmt: skip
_AVIF_BRANDS, _HEIF_BRANDS = (b"avif", b"avis"), (b"heic", b"heix", b"heim", b"heis", b"hevc")
_OFTEN_CUT = {"JPEG": b"\xff\xd8", "PNG": b"\x89PNG\r\n\x1a\n"}
_NEEDED = "encode it as JPEG, PNG, WebP, AVIF, BMP or GIF"
_HEAD_BYTES, _BRANDS_AT = 64, 12

_UNSUPPORTED_FRAMES = {
    0xC3: "lossless", 0xC5: "hierarchical", 0xC6: "hierarchical", 0xC7: "lossless",
    0xCB: "lossless", 0xCD: "hierarchical", 0xCE: "hierarchical", 0xCF: "lossless",
    0xF7: "JPEG-LS",
}  # fmt: skip
"""Start of frame markers whose coding no common decoder knows. Source: ITU-T T.81, table B.1."""

_FRAMES = {0xC0, 0xC1, 0xC2, 0xC9, 0xCA, *_UNSUPPORTED_FRAMES}
_FRAME_BYTES = 8
_EARLY = "it ends too early"
_ALONE = {0x01, *range(0xD0, 0xD9)}
"""JPEG markers without a length."""

_HEADER_BYTES, _CHUNK_BYTES = MAX_JPEG_HEADER_BYTES + (1 << 17), 1 << 20


def format_of(stream: BinaryIO) -> str | None:
    """Tell a file's format by its first bytes; the stream is set back to its start."""
    head = stream.read(_HEAD_BYTES)
    stream.seek(0)
    for signature, name in _SIGNATURES.items():
        if (head.lstrip() if signature.startswith(b"<") else head).startswith(signature):
            return name
    if head[:4] == b"RIFF" and (head[8:12] == b"WEBP" or len(head) < _BRANDS_AT):
        return "WEBP"
    if head[4:8] == b"ftyp":
        brands = {head[place : place + 4] for place in range(8, len(head), 4)}
        if brands.intersection(_AVIF_BRANDS) or len(head) < _BRANDS_AT:
            return "AVIF"
        return "HEIC" if brands.intersection(_HEIF_BRANDS) else "MP4 or HEIF"
    begun = (kind for kind in _OFTEN_CUT if head and _OFTEN_CUT[kind].startswith(head))
    return next(begun, None)


def unknown_format(kind: str | None) -> str:
    """Return why a file of another format is refused."""
    if kind == "HEIC":
        return "the picture is HEIC: pip install pillow-heif to read it, or encode it as JPEG"
    if kind is None:
        return f"not a picture: its first bytes are those of no known format; {_NEEDED}"
    return f"the file is {kind}; {_NEEDED}"


def reason_of(kind: str | None, stream: BinaryIO | None, error: BaseException) -> str:
    """Return why a picture of a known format cannot be read; the reader made `error` of it."""
    if isinstance(error, MemoryError):
        return "there is not enough memory to decode the picture"
    said = str(error) or type(error).__name__
    if stream is None or stream.closed:
        return f"the {kind or 'picture'} cannot be read ({said})"
    found = _WALKS[kind](stream) if kind in _WALKS else None
    if found is None and "truncated" in said.lower():
        found = _EARLY
    return f"the {kind or 'picture'} cannot be read: {found or f'it is damaged ({said})'}"


def _jpeg(stream: BinaryIO) -> str | None:
    """Walk the segments up to the first scan's samples, then look for the end's marker."""
    stream.seek(0)
    data, position, has_frame = stream.read(_HEADER_BYTES), 2, False
    while True:
        position = data.find(b"\xff", position)
        while 0 <= position < len(data) - 1 and data[position + 1] == 0xFF:
            position += 1
        if position < 0 or position + 2 > len(data):
            return _EARLY
        marker = data[position + 1]
        position += 2
        if marker in _ALONE or marker == 0:
            continue
        if marker == 0xD9:
            return "it ends before its first scan"
        length = int.from_bytes(data[position : position + 2], "big")
        if position + max(2, length) > len(data):
            return _EARLY
        if marker in _FRAMES:
            has_frame = True
            if marker in _UNSUPPORTED_FRAMES:
                return f"its coding is {_UNSUPPORTED_FRAMES[marker]}; encode it as baseline JPEG"
            if length < _FRAME_BYTES:
                return "its frame header is too short"
            precision = data[position + 2]
            if precision != 8:
                return f"it has {precision} bits a sample; encode it with 8"
            channels = data[position + 7]
            if channels not in (1, 3, 4):
                return f"it has {channels} channels; encode it with 1, 3 or 4"
        if marker == 0xDA:
            if not has_frame:
                return "it has no frame header"
            return None if _has_end(stream, position) else _EARLY
        position += max(2, length)


def _has_end(stream: BinaryIO, position: int) -> bool:
    stream.seek(position)
    tail = b""
    while chunk := stream.read(_CHUNK_BYTES):
        if b"\xff\xd9" in tail + chunk:
            return True
        tail = chunk[-1:]
    return False


def _png(stream: BinaryIO) -> str | None:
    """Walk the chunks."""
    end = stream.seek(0, os.SEEK_END)
    position, colour_type, has_palette, has_pixels, number = 8, -1, False, False, 0
    while position < end:
        stream.seek(position)
        head = stream.read(18)
        number += 1
        if position + 12 > end:
            return _EARLY
        length, name = struct.unpack_from(">I4s", head)
        if not name.isalpha():
            return f"its chunk {number} has no name; it is damaged"
        if position + 12 + length > end:
            return _EARLY
        if name == b"IHDR" and length >= 13:
            colour_type = head[17]
        has_palette |= name == b"PLTE"
        has_pixels |= name == b"IDAT"
        if name == b"IDAT" and colour_type == 3 and not has_palette:
            return "it has a palette's colours but no palette (PLTE)"
        if name == b"IEND":
            return None if has_pixels else "it has no pixels (IDAT)"
        position += 12 + length
    return _EARLY


def _webp(stream: BinaryIO) -> str | None:
    end = stream.seek(0, os.SEEK_END)
    stream.seek(4)
    claimed = int.from_bytes(stream.read(4), "little") + 8
    return _EARLY if end < max(20, claimed) else None


def _gif(stream: BinaryIO) -> str | None:
    stream.seek(-1, os.SEEK_END)
    return None if stream.read(1) == b";" else _EARLY


def _boxes(stream: BinaryIO) -> str | None:
    """Walk the outermost boxes of an ISO base media file."""
    end, position = stream.seek(0, os.SEEK_END), 0
    while position < end:
        stream.seek(position)
        head = stream.read(16)
        length = int.from_bytes(head[:4], "big")
        if length == 1:
            length = int.from_bytes(head[8:], "big")
        if length and position + max(8, length) > end:
            return _EARLY
        position += max(8, length) if length else end
    return None


_WALKS = {
    "JPEG": _jpeg, "PNG": _png, "WEBP": _webp, "GIF": _gif,
    "AVIF": _boxes, "HEIC": _boxes, "HEIF": _boxes,
}  # fmt: skip
