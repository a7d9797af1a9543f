"""From anything that shows a picture to upright pixels: RGB, 8 bits a channel.

What a file claims is checked on its header, before any pixel is decoded: see `limits`. Formats are
told by their first bytes, and Pillow's reader of each is called itself: so a JPEG of several
pictures (MPO) is read as the JPEG that it begins with. HEIC needs the package pillow-heif.
"""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeAlias

import numpy as np
from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    ImageFile,
    JpegImagePlugin,
    PngImagePlugin,
    WebPImagePlugin,
)

from models.preprocessing.camera import CameraFrame, frame_to_image
from models.preprocessing.colour import correct_transparency, to_rgb
from models.preprocessing.diagnosis import format_of, reason_of, unknown_format
from models.preprocessing.geometry import (
    Placement,
    Size,
    orientation_of,
    place,
    swapped,
    upright,
    upright_part,
)
from models.preprocessing.jpeg import check_header, check_scans, coefficient_bytes, draft_jpeg
from models.preprocessing.limits import (
    DECODING_BYTES_PER_PIXEL,
    MAX_BMP_RUNS_BYTES,
    MAX_DECODING_BYTES,
    MAX_ENCODED_BYTES,
    MAX_JPEG_BYTES,
    MOST_BYTES_PER_PIXEL,
    MOST_COPIES_BYTES_PER_PIXEL,
    PIXEL_BYTES,
    PreprocessingError,
    check_encoded_bytes,
    check_memory,
    check_size,
    rgb_bytes_per_pixel,
)

if TYPE_CHECKING:
    from models.preprocessing.preparation import Preparation

Picture: TypeAlias = (
    bytes | bytearray | memoryview | str | os.PathLike[str]
    | BinaryIO | Image.Image | np.ndarray | CameraFrame
)  # fmt: skip
"""What can be prepared: encoded bytes, a path, a binary stream, a PIL image, an array, a frame."""

READERS: dict[str, type[ImageFile.ImageFile]] = {
    "JPEG": JpegImagePlugin.JpegImageFile,
    "PNG": PngImagePlugin.PngImageFile,
    "WEBP": WebPImagePlugin.WebPImageFile,
    "AVIF": AvifImagePlugin.AvifImageFile,
    "BMP": BmpImagePlugin.BmpImageFile,
    "GIF": GifImagePlugin.GifImageFile,
}
"""Pillow's reader of each format."""


def decoded(
    picture: Picture, preparation: Preparation, target: Size | None
) -> tuple[Image.Image, Placement]:
    """Decode what is no array: upright, of mode RGB, and what part goes where, in its own pixels.

    A JPEG is decoded smaller where its target, the input's width and height, allows that. Without a
    target the picture is decoded whole, to go where it is.
    """
    if isinstance(picture, CameraFrame):
        image = frame_to_image(picture)
        return image, placed(image.size, target, preparation)
    if isinstance(picture, Image.Image):
        if not _is_undecoded(picture):
            return _finished(picture, preparation, target)
        picture = _file_content(_stream(picture))
    with _opened(picture) as image:
        return _finished(image, preparation, target)


def placed(size: Size, target: Size | None, preparation: Preparation) -> Placement:
    """Place an upright picture in the model's input, or where it is."""
    return place(size, target, preparation) if target else Placement((0, 0, *size), size)


def _is_undecoded(image: Image.Image) -> bool:
    """Tell whether an image is the first of a file that its opener has not decoded yet.

    It is then opened anew, and by that has the same limits, and the same pixels, as the file.
    """
    stream = _stream(image)
    is_known = image.format in READERS or image.format == "MPO"
    return is_known and stream is not None and not stream.closed and image.tell() == 0


def _stream(image: Image.Image) -> Any:
    """Return the file that an image will be decoded from; None where it is decoded already."""
    return getattr(image, "fp", None)


def _file_content(stream: Any) -> bytes:
    """Read a file from its start, and leave it standing where it stood."""
    position = stream.tell()
    stream.seek(0)
    try:
        return _stream_content(stream)
    finally:
        stream.seek(position)


def _stream_content(stream: Any) -> bytes:
    """Read a stream to its end, but no further than a picture may be long."""
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


@contextmanager
def _opened(source: Any) -> Iterator[Image.Image]:
    """Open an encoded picture whose header has passed the checks; no pixel is decoded yet.

    A stream is read from where it stands to its end. Of several pictures, the first counts.
    """
    with _bytes_of(source) as stream:
        kind = format_of(stream)
        if kind != "JPEG":
            check_encoded_bytes(stream.seek(0, os.SEEK_END))
            stream.seek(0)
        reader = _reader_of(kind)
        if reader is None:
            raise PreprocessingError(unknown_format(kind))
        if kind == "JPEG":
            check_header(stream)
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
            elif kind == "BMP" and image.tile and image.tile[0].codec_name == "bmp_rle":
                check_encoded_bytes(stream.seek(0, os.SEEK_END), MAX_BMP_RUNS_BYTES)
            yield image


@contextmanager
def _bytes_of(source: Any) -> Iterator[BinaryIO]:
    """Open what an encoded picture is read from: bytes where they are, a file where it lies."""
    if hasattr(source, "read"):
        source = _stream_content(source)
    if isinstance(source, bytearray | memoryview):
        try:
            check_encoded_bytes(memoryview(source).nbytes)
        except PreprocessingError:
            raise
        except ValueError as error:  # of one that was released
            raise PreprocessingError(f"the bytes cannot be read ({error})") from error
        source = bytes(source)
    if isinstance(source, bytes):
        check_encoded_bytes(len(source), MAX_JPEG_BYTES)
        yield io.BytesIO(source)
        return
    if not isinstance(source, str | os.PathLike):
        raise PreprocessingError(
            f"{type(source).__name__} is no picture; pass encoded bytes, a path, a binary stream, "
            "a PIL image, a NumPy array or a CameraFrame"
        )
    try:
        path = Path(os.fsdecode(source))
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise PreprocessingError(f"{path}: not a file; name that of a picture")
        check_encoded_bytes(status.st_size, MAX_JPEG_BYTES)
        file = path.open("rb")
    except PreprocessingError:
        raise
    except (OSError, ValueError) as error:  # ValueError: a path with a null character
        why = getattr(error, "strerror", None) or error
        raise PreprocessingError(f"{source}: cannot be read ({why})") from error
    with file:
        yield file


def _reader_of(kind: str | None) -> Any:
    if kind == "HEIC":
        try:
            from pillow_heif.as_plugin import HeifImageFile
        except ImportError:
            return None
        return HeifImageFile
    return READERS.get(kind or "")


def _finished(
    image: Any, preparation: Preparation, target: Size | None
) -> tuple[Image.Image, Placement]:
    """Decode what is not decoded yet, a JPEG no larger than is needed; convert, turn, place."""
    is_file, stored = _stream(image) is not None, image.size
    is_jpeg = is_file and image.format == "JPEG"
    if is_jpeg and target and preparation.resampling == "antialiased":
        orientation = orientation_of(image)
        size = swapped(stored, orientation)
        placement = place(size, target, preparation)
        part = draft_jpeg(image, placement, size, orientation)
        turned = _upright_rgb(image, preparation, stored, orientation)
        return turned, placement.within(size, upright_part(image.size, part, orientation))
    # Of a PNG it is asked later: Pillow decodes one to look behind its pixels.
    known = orientation_of(image) if is_jpeg or not is_file else None
    turned = _upright_rgb(image, preparation, stored, known)
    return turned, placed(turned.size, target, preparation)


def _upright_rgb(
    image: Any, preparation: Preparation, stored: Size, orientation: int | None
) -> Image.Image:
    """Decode, convert and turn; `stored` is the size in the file, `orientation` None if unknown."""
    uses_profile = preparation.colour_profile == "srgb" and bool(image.info.get("icc_profile"))
    _check_memory(image, stored, orientation, uses_profile)
    _load(image)
    rgb = to_rgb(image, preparation.ground, applies_profile=uses_profile)
    return upright(rgb, orientation_of(image) if orientation is None else orientation)


def _check_memory(image: Any, stored: Size, orientation: int | None, uses_profile: bool) -> None:
    """Refuse a picture whose decoding, at the size that it has now, or conversion takes too much.

    The orientation is not known of files that are no JPEG.
    """
    if stored[0] * stored[1] * MOST_COPIES_BYTES_PER_PIXEL <= MAX_DECODING_BYTES:
        check_size(stored)
        return
    pixels = image.width * image.height
    kind = f"a {image.format} picture" if image.format else "a picture in memory"
    if orientation is None:
        per_pixel = DECODING_BYTES_PER_PIXEL.get(image.format, MOST_BYTES_PER_PIXEL)
        needed = pixels * (per_pixel + PIXEL_BYTES * uses_profile)
    else:
        copies = uses_profile + (orientation != 1)
        needed = pixels * (rgb_bytes_per_pixel(image) + PIXEL_BYTES * copies)
    if _stream(image) and image.format == "JPEG":
        coefficients = coefficient_bytes(image, stored)
        needed = pixels * PIXEL_BYTES + max(coefficients, needed)
        kind = "a JPEG of several scans" if coefficients else kind
    check_memory(stored, needed, kind)


def _load(image: Image.Image) -> None:
    """Decode the pixels of an opened picture."""
    stream = _stream(image)
    try:
        if image.format == "PNG" and stream and "transparency" in image.info:
            correct_transparency(image, stream)
        image.load()
        if image.mode == "P" and image.palette is None:
            raise ValueError("it has no palette")
    except Exception as error:  # as for the header
        raise PreprocessingError(reason_of(image.format, stream, error)) from error
