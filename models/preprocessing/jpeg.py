"""What is peculiar to JPEG: scans that cost time, and decoding at a fraction of the size."""

from __future__ import annotations

import math
import os
from typing import IO, TYPE_CHECKING, Any

from models.preprocessing.geometry import Placement, Size, swapped
from models.preprocessing.limits import (
    MAX_JPEG_HEADER_BYTES,
    MAX_JPEG_SCANS,
    MAX_JPEG_SEGMENTS,
    PreprocessingError,
)

if TYPE_CHECKING:
    from PIL.JpegImagePlugin import JpegImageFile

DRAFT_FACTOR = 2
"""A JPEG is decoded at a half, quarter or eighth of its size where that leaves at least this many
times the model's pixels in each direction: the antialiasing filter then averages what the decoder
would have given it singly."""

_START_OF_SCAN = b"\xff\xda"
_CHUNK_BYTES = 1 << 20
_COEFFICIENT_BYTES = 2


def draft_jpeg(
    image: JpegImageFile, placement: Placement, size: Size, orientation: int
) -> tuple[float, float]:
    """Have a JPEG decoded no larger than a placement of the upright picture, of `size`, needs.

    Returned are width and height of the picture in the image that will be decoded, as stored: where
    a side is no multiple of the fraction, its last pixel is only partly the picture's.
    """
    left, top, right, bottom = placement.box
    wanted = (
        math.ceil(DRAFT_FACTOR * placement.size[0] * size[0] / (right - left)),
        math.ceil(DRAFT_FACTOR * placement.size[1] * size[1] / (bottom - top)),
    )
    drafted = image.draft(None, swapped(wanted, orientation))
    return drafted[1][2:] if drafted else image.size


def check_header(stream: IO[bytes]) -> None:
    """Refuse a JPEG of which too much stands before its first scan; the stream is set back."""
    position = 2
    for _ in range(MAX_JPEG_SEGMENTS):
        stream.seek(position)
        head = stream.read(4)
        if len(head) < 4 or head[:2] == _START_OF_SCAN or position > MAX_JPEG_HEADER_BYTES:
            break
        if head[0] != 0xFF:  # what belongs to no segment is passed over
            skipped = (head + stream.read(_CHUNK_BYTES)).find(b"\xff")
            position += skipped if skipped > 0 else _CHUNK_BYTES
        elif head[1] == 0xFF:
            position += 1
        else:
            is_alone = head[1] <= 1 or 0xD0 <= head[1] <= 0xD9
            position += 2 if is_alone else 2 + max(2, int.from_bytes(head[2:], "big"))
    else:
        position = MAX_JPEG_HEADER_BYTES + 1
    stream.seek(0)
    if position > MAX_JPEG_HEADER_BYTES:
        raise PreprocessingError(
            f"the picture has more than {MAX_JPEG_HEADER_BYTES / 1e6:.0f} MB, or "
            f"{MAX_JPEG_SEGMENTS:,} segments, before its first scan; take out its metadata"
        )


def coefficient_bytes(image: JpegImageFile, stored: Size) -> float:
    """Return what libjpeg will hold beside the pixels: all coefficients, if there are many scans.

    `stored` is the width and height in the file, not as drafted.
    """
    if _is_one_scan(image, image.fp):
        return 0.0
    factors = [(layer[1], layer[2]) for layer in image.layer] or [(1, 1)]
    largest = max(x for x, _ in factors) * max(y for _, y in factors)
    share = sum(x * y for x, y in factors) / max(1, largest)
    return _COEFFICIENT_BYTES * share * stored[0] * stored[1]


def check_scans(image: Any, stream: IO[bytes]) -> None:
    """Refuse a JPEG of many scans, each of which costs a pass over all pixels.

    Source: libjpeg-turbo, "Two Issues with the JPEG Standard", https://libjpeg-turbo.org. Counted
    are the marker's bytes, which compressed samples never contain. The film behind a motion photo
    does, by chance, once in 65,536 bytes: twice as many are allowed on top.
    """
    if _is_one_scan(image, stream):
        return
    position = stream.tell()
    stream.seek(0)
    scans, size, tail = 0, 0, b""
    while chunk := stream.read(_CHUNK_BYTES):
        scans += (tail + chunk).count(_START_OF_SCAN)
        size += len(chunk)
        tail = chunk[-1:]
    stream.seek(position)
    if scans > MAX_JPEG_SCANS + size // 32_768:
        raise PreprocessingError(
            f"the picture has {scans} JPEG scans, more than the {MAX_JPEG_SCANS} allowed; "
            "encode it anew"
        )


def _is_one_scan(image: JpegImageFile, stream: IO[bytes] | None) -> bool:
    """Tell whether a decoder stops after the first scan, behind whose header the stream stands.

    It does in a sequential JPEG whose first scan has all channels: that is nearly every one, and
    need not be searched through. Whatever looks otherwise is.
    """
    if stream is None or image.info.get("progressive"):
        return False
    channels = image.layers
    length = 6 + 2 * channels
    header = _START_OF_SCAN + bytes([0, length, channels])
    position = stream.tell()
    stream.seek(-len(_START_OF_SCAN) - length, os.SEEK_CUR)
    begins = stream.read(len(header)) == header
    stream.seek(position)
    return begins
