"""Opening encoded pictures: JPEG, PNG, WebP, AVIF and HEIC, from a path, bytes or a stream.

What a file claims is checked on its header, before any pixel is decoded: see `limits`. Formats are
told by their first bytes, and Pillow's reader of each is called itself: so a JPEG of several
pictures (MPO) is read as the JPEG that it begins with. HEIC needs the package pillow-heif.
"""

from __future__ import annotations

import io
import os
import stat
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from PIL import AvifImagePlugin, Image, ImageFile, JpegImagePlugin, PngImagePlugin, WebPImagePlugin

from models.preprocessing.diagnosis import format_of, reason_of, unknown_format
from models.preprocessing.jpeg import check_scans
from models.preprocessing.limits import (
    MAX_ENCODED_BYTES,
    MAX_JPEG_BYTES,
    check_encoded_bytes,
    check_size,
)
from models.preprocessing.refusal import PreprocessingError

if TYPE_CHECKING:
    from collections.abc import Iterator

    Source = bytes | bytearray | memoryview | str | os.PathLike[str] | BinaryIO

READERS: dict[str, type[ImageFile.ImageFile]] = {
    "JPEG": JpegImagePlugin.JpegImageFile,
    "PNG": PngImagePlugin.PngImageFile,
    "WEBP": WebPImagePlugin.WebPImageFile,
    "AVIF": AvifImagePlugin.AvifImageFile,
}
"""Pillow's reader of each format."""


@contextmanager
def opened(source: Source) -> Iterator[Image.Image]:
    """Open an encoded picture whose header has passed the checks; no pixel is decoded yet.

    Args:
        source: the encoded bytes, the path of a file, or a binary stream, which is read from where
            it stands to its end. Of an animation, or of several pictures, the first counts.

    Yields:
        the picture; its `load` may still raise anything: see `load`.

    Raises:
        PreprocessingError: no picture of a known format, or one that passes a limit.
    """
    with _stream(source) as stream:
        kind = format_of(stream)
        if kind != "JPEG":
            check_encoded_bytes(stream.seek(0, os.SEEK_END))
            stream.seek(0)
        reader = _reader_of(kind)
        if reader is None:
            raise PreprocessingError(unknown_format(kind))
        try:
            image = reader(stream)
        # Pillow's readers raise whatever a damaged header makes them trip over: SyntaxError,
        # struct.error, DecompressionBombError, MemoryError...
        except Exception as error:
            raise PreprocessingError(reason_of(kind, stream, error)) from error
        with image:
            check_size(image.size)
            if kind == "JPEG":
                check_scans(image, stream)
            yield image


def load_pixels(image: Image.Image) -> None:
    """Decode the pixels of an opened picture.

    Raises:
        PreprocessingError: they are damaged, or end too early.
    """
    stream = getattr(image, "fp", None)
    try:
        image.load()
        if image.mode == "P" and image.palette is None:
            raise ValueError("it has no palette")
    except Exception as error:  # as for the header
        raise PreprocessingError(reason_of(image.format, stream, error)) from error


def _reader_of(kind: str | None) -> Any:
    if kind == "HEIC":
        try:
            from pillow_heif.as_plugin import HeifImageFile
        except ImportError:
            return None
        return HeifImageFile
    return READERS.get(kind or "")


@contextmanager
def _stream(source: Any) -> Iterator[BinaryIO]:
    if hasattr(source, "read"):
        source = read_stream(source)
    if isinstance(source, bytearray | memoryview):
        check_encoded_bytes(_length(source))
        source = bytes(source)
    if isinstance(source, bytes):
        check_encoded_bytes(len(source), MAX_JPEG_BYTES)
        yield io.BytesIO(source)
        return
    try:
        path = Path(os.fsdecode(source))
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise PreprocessingError(f"{path}: not a file; name a JPEG, PNG, WebP or AVIF file")
        check_encoded_bytes(status.st_size, MAX_JPEG_BYTES)
        file = path.open("rb")
    except PreprocessingError:
        raise
    except (OSError, ValueError) as error:  # ValueError: a path with a null character
        why = getattr(error, "strerror", None) or error
        raise PreprocessingError(f"{source}: cannot be read ({why})") from error
    with file:
        yield file


def _length(source: bytearray | memoryview) -> int:
    try:
        return memoryview(source).nbytes
    except ValueError as error:  # of one that was released
        raise PreprocessingError(f"the bytes cannot be read ({error})") from error


def read_stream(stream: Any) -> bytes:
    """Read a stream to its end, but no further than a picture may be long.

    Raises:
        PreprocessingError: it cannot be read, is empty, too long, or one of text.
    """
    try:
        data = stream.read(MAX_ENCODED_BYTES + 1)
    except Exception as error:  # whatever its maker raises
        raise PreprocessingError(f"the stream cannot be read ({error})") from error
    if not isinstance(data, bytes):
        raise PreprocessingError(
            f"the stream gives {type(data).__name__}, not bytes; open it in binary mode"
        )
    check_encoded_bytes(len(data))
    return data
