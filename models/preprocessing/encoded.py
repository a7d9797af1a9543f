"""Opening encoded pictures: JPEG, PNG and WebP, from bytes or from a file.

What a file claims is checked on its header, before any pixel is decoded, so that no input takes
more than 200 MB or hangs:

- files only, not pipes or devices, of at most `MAX_ENCODED_BYTES`;
- at most `MAX_SIDE` pixels high and wide, and in all as many as the format's decoder can hold
  within `MAX_DECODING_BYTES`;
- about `MAX_JPEG_SCANS` scans at most, since each scan costs a pass over all pixels however few
  bytes it has (libjpeg-turbo, "Two Issues with the JPEG Standard": https://libjpeg-turbo.org).
"""

from __future__ import annotations

import io
import os
import stat
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from PIL import Image, UnidentifiedImageError

from models.preprocessing.errors import PreprocessingError

if TYPE_CHECKING:
    from collections.abc import Iterator

    Source = bytes | bytearray | memoryview | str | os.PathLike[str]

FORMATS = ("JPEG", "PNG", "WEBP")
MAX_ENCODED_BYTES = 40_000_000
MAX_DECODING_BYTES = 160_000_000
MAX_JPEG_SCANS = 64
MAX_SIDE = 65_535
"""Largest that a JPEG can be; decoders also hold something for each row, however short it is."""

DECODING_BYTES_PER_PIXEL = {"JPEG": 12, "MPO": 12, "PNG": 10, "WEBP": 22}
"""Most memory that decoding and colour conversion hold at once, per pixel, measured with Pillow.

JPEG: the coefficients of four full-size channels in a progressive file, and the pixels. PNG: the
pixels, and a white ground to lay them on. WebP: the lossless decoder's pixels, two canvases of the
animation decoder, a copy of the frame, and Pillow's pixels.
"""

_START_OF_SCAN = b"\xff\xda"
_CHUNK_BYTES = 1 << 20


@contextmanager
def opened(source: Source) -> Iterator[Image.Image]:
    """Open an encoded picture whose header has passed the checks; no pixel is decoded yet.

    Args:
        source: the encoded bytes, or the path of a file. Of an animation the first frame counts.

    Yields:
        the picture; its `load` may still raise anything: see `load`.

    Raises:
        PreprocessingError: not a JPEG, PNG or WebP picture, or one that passes a limit.
    """
    with _stream(source) as stream:
        try:
            image = Image.open(stream, formats=FORMATS)
        except UnidentifiedImageError:
            raise PreprocessingError(
                "not a picture: neither JPEG, PNG nor WebP; encode it as one of these"
            ) from None
        # Pillow's readers raise whatever a damaged header makes them trip over: SyntaxError,
        # struct.error, DecompressionBombError, MemoryError...
        except Exception as error:
            raise PreprocessingError(f"the picture's header is damaged ({error})") from error
        with image:
            _check_pixels(image)
            if is_jpeg(image):
                _check_scans(image, stream)
            yield image


def is_jpeg(image: Image.Image) -> bool:
    """Tell whether an opened picture is a JPEG, alone or the first of several (MPO)."""
    return image.format in ("JPEG", "MPO")


def load(image: Image.Image) -> None:
    """Decode the pixels of an opened picture.

    Raises:
        PreprocessingError: they are too many, damaged, or end too early.
    """
    if 0 in image.size:
        raise PreprocessingError(f"the picture is empty: {image.width}x{image.height} pixels")
    if getattr(image, "tile", None):  # a PIL image that its opener has not decoded yet
        _check_pixels(image)
    try:
        image.load()
    except Exception as error:  # as for the header
        raise PreprocessingError(f"the picture is damaged ({error})") from error


@contextmanager
def _stream(source: Source) -> Iterator[BinaryIO]:
    if isinstance(source, bytes | bytearray | memoryview):
        _check_bytes(memoryview(source).nbytes)
        yield io.BytesIO(source)
        return
    try:
        path = Path(source)
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise PreprocessingError(f"{path}: not a file; name a JPEG, PNG or WebP file")
        _check_bytes(status.st_size)
        file = path.open("rb")
    except PreprocessingError:
        raise
    except (OSError, ValueError) as error:  # ValueError: a path with a null character
        reason = getattr(error, "strerror", None) or error
        raise PreprocessingError(f"{source}: cannot be read ({reason})") from error
    with file:
        yield file


def _check_bytes(count: int) -> None:
    if count == 0:
        raise PreprocessingError("the picture is empty: it has no bytes")
    if count > MAX_ENCODED_BYTES:
        raise PreprocessingError(
            f"the picture has {count / 1e6:.0f} MB encoded, more than the "
            f"{MAX_ENCODED_BYTES / 1e6:.0f} MB allowed; make it smaller"
        )


def _check_pixels(image: Image.Image) -> None:
    if max(image.size) > MAX_SIDE:
        raise PreprocessingError(
            f"the picture has {image.width}x{image.height} pixels, more than the {MAX_SIDE} that a "
            "side may have; make it smaller"
        )
    pixels = image.width * image.height
    allowed = MAX_DECODING_BYTES // DECODING_BYTES_PER_PIXEL.get(image.format or "", 22)
    if pixels > allowed:
        raise PreprocessingError(
            f"the picture has {image.width}x{image.height} = {pixels / 1e6:.1f} megapixels, more "
            f"than the {allowed / 1e6:.1f} that a {image.format} picture may have; make it smaller"
        )


def _check_scans(image: Image.Image, stream: BinaryIO) -> None:
    """Count the marker's bytes, which compressed samples never contain.

    What phones put behind the picture (the film of a motion photo) does contain them, by chance,
    once in 65,536 bytes: twice as many are allowed on top.
    """
    position = stream.tell()
    if _has_all_in_one_scan(image, stream):
        stream.seek(position)
        return
    stream.seek(0)
    scans, size, tail = 0, 0, b""
    while chunk := stream.read(_CHUNK_BYTES):
        scans += (tail + chunk).count(_START_OF_SCAN) if tail else chunk.count(_START_OF_SCAN)
        size += len(chunk)
        tail = chunk[-1:]
    stream.seek(position)
    if scans > MAX_JPEG_SCANS + size // 32_768:
        raise PreprocessingError(
            f"the picture has {scans} JPEG scans, more than the {MAX_JPEG_SCANS} allowed; "
            "encode it anew"
        )


def _has_all_in_one_scan(image: Image.Image, stream: BinaryIO) -> bool:
    """Tell whether a decoder stops after the first scan, behind whose header the stream stands.

    It does in a sequential JPEG whose first scan has all channels: that is nearly every one, and
    need not be searched through. Whatever looks otherwise is.
    """
    if image.info.get("progressive"):
        return False
    channels = len(image.getbands())
    length = 6 + 2 * channels
    header = _START_OF_SCAN + bytes([0, length, channels])
    stream.seek(-len(_START_OF_SCAN) - length, os.SEEK_CUR)
    return stream.read(len(header)) == header
