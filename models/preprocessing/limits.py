"""What a picture may cost: limits that are checked before memory is taken.

No source takes more than 200 MB beside what the caller holds already, nor hangs: files and streams
have at most `MAX_ENCODED_BYTES`, sides at most `MAX_SIDE` pixels, JPEGs about `MAX_JPEG_SCANS`
scans, and what decoding and conversion will hold at once is at most `MAX_DECODING_BYTES`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import Image


MAX_ENCODED_BYTES = 40_000_000
MAX_JPEG_BYTES = 100_000_000
"""Of a JPEG given by its path or as bytes, which is not held a second time."""

MAX_JPEG_HEADER_BYTES, MAX_JPEG_SEGMENTS = 16_000_000, 10_000
"""Before the first scan: Pillow keeps the segments, and something for each, however short it is."""

MAX_BMP_RUNS_BYTES = 4_000_000
"""Of a BMP of run lengths, which Pillow reads run by run in Python."""

MAX_DECODING_BYTES = 160_000_000
MAX_PIXELS = 200_000_000
MAX_JPEG_SCANS = 64
MAX_SIDE = 65_535
"""Largest that a JPEG can be; decoders also hold something for each row, however short it is."""

PIXEL_BYTES = 4
"""What Pillow takes for a pixel of RGB, RGBA or CMYK."""

_FROM_16_BITS = 6
MOST_COPIES_BYTES_PER_PIXEL = 40
"""More than any way through decoding and conversion holds: a small picture needs no closer look."""

MOST_BYTES_PER_PIXEL = 22
DECODING_BYTES_PER_PIXEL = {
    "PNG": 10, "BMP": 10, "GIF": 12, "WEBP": MOST_BYTES_PER_PIXEL, "AVIF": 20, "HEIF": 13,
}  # fmt: skip
"""Most memory that decoding and conversion to RGB hold at once, per pixel, measured with Pillow.

PNG, BMP, GIF: the pixels, and a ground to lay them on. WebP: the lossless decoder's pixels, two
canvases of the animation decoder, a copy of the frame, and Pillow's pixels. AVIF, HEIC: planes,
pixels, and a copy. What is not listed is taken for WebP. A JPEG's is computed: see `sources`.
"""


def rgb_bytes_per_pixel(image: Image.Image) -> int:
    """Return what converting a decoded image to RGB holds at once, per pixel, beside the image."""
    if image.mode.startswith("I"):
        return _FROM_16_BITS
    return PIXEL_BYTES * ((image.mode not in ("RGB", "RGBA")) + image.has_transparency_data)


def check_encoded_bytes(count: int, allowed: int = MAX_ENCODED_BYTES) -> None:
    """Refuse an encoded picture that is empty or too long."""
    if count == 0:
        raise PreprocessingError("the picture is empty: it has no bytes")
    if count > allowed:
        raise PreprocessingError(
            f"the picture has {count / 1e6:.0f} MB encoded, more than the {allowed / 1e6:.0f} MB "
            "allowed; make it smaller"
        )


def check_size(size: tuple[int, int]) -> None:
    """Refuse a picture without pixels, and one that no decoder should begin with."""
    width, height = size
    if width < 1 or height < 1:
        raise PreprocessingError(f"the picture is empty: {width}x{height} pixels")
    if max(size) > MAX_SIDE:
        raise PreprocessingError(
            f"the picture has {width}x{height} pixels, more than the {MAX_SIDE} that a side may "
            "have; make it smaller"
        )
    if width * height > MAX_PIXELS:
        raise PreprocessingError(
            f"the picture has {width}x{height} = {width * height / 1e6:.1f} megapixels, more than "
            f"the {MAX_PIXELS / 1e6:.0f} allowed; make it smaller"
        )


def check_memory(size: tuple[int, int], needed_bytes: float, kind: str) -> None:
    """Refuse a picture whose decoding and conversion would hold too much beside the source."""
    check_size(size)
    if needed_bytes > MAX_DECODING_BYTES:
        width, height = size
        pixels = width * height
        allowed = pixels * MAX_DECODING_BYTES / needed_bytes
        raise PreprocessingError(
            f"the picture has {width}x{height} = {pixels / 1e6:.1f} megapixels, more than the "
            f"{allowed / 1e6:.1f} that {kind} may have: it would take {needed_bytes / 1e6:.0f} MB "
            f"of memory; make it smaller"
        )


class PreprocessingError(ValueError):
    """A picture cannot be prepared; the message is one line that says why and how to mend it."""

    def __init__(self, message: str):
        super().__init__(" ".join(message.split()))


@contextlib.contextmanager
def naming(picture: object) -> Iterator[None]:
    """Have the refusal of a picture name its file, where it is one."""
    try:
        yield
    except PreprocessingError as error:
        if isinstance(picture, Path):
            raise PreprocessingError(f"{picture}: {error}") from None
        raise
