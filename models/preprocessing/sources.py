"""From anything that shows a picture to upright pixels: RGB, 8 bits a channel."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, TypeAlias

import numpy as np
from PIL import Image

from models.preprocessing.arrays import array_to_image
from models.preprocessing.camera import CameraFrame, frame_to_image
from models.preprocessing.colour import to_rgb
from models.preprocessing.diagnosis import reason_of
from models.preprocessing.geometry import Box, Size, place
from models.preprocessing.jpeg import coefficient_bytes, draft_jpeg
from models.preprocessing.limits import (
    DECODING_BYTES_PER_PIXEL,
    MAX_DECODING_BYTES,
    MOST_BYTES_PER_PIXEL,
    MOST_COPIES_BYTES_PER_PIXEL,
    PIXEL_BYTES,
    check_memory,
    check_size,
    rgb_bytes_per_pixel,
)
from models.preprocessing.opening import READERS, load_pixels, opened, read_stream
from models.preprocessing.orientation import orientation, swapped, upright, upright_corner
from models.preprocessing.refusal import PreprocessingError
from models.preprocessing.transparency import correct_transparency

if TYPE_CHECKING:
    from models.preprocessing.preparation import Preparation

Picture: TypeAlias = (
    bytes
    | bytearray
    | memoryview
    | str
    | os.PathLike[str]
    | BinaryIO
    | Image.Image
    | np.ndarray
    | CameraFrame
)
"""What can be prepared: encoded bytes, a path, a binary stream, a PIL image, an array, a frame."""


@dataclass(frozen=True)
class Decoded:
    """A picture, upright.

    Attributes:
        image: of mode RGB, at a fraction of the picture's size or larger.
        size: width and height of the picture itself in pixels.
        box: where the picture lies in the image: left, top, right, bottom in its pixels.
    """

    image: Image.Image
    size: Size
    box: Box

    def within(self, box: Box) -> Box:
        """Return where a part of the picture, in the picture's own pixels, lies in the image."""
        left, top, right, bottom = self.box
        across, down = (right - left) / self.size[0], (bottom - top) / self.size[1]
        return (
            left + box[0] * across,
            top + box[1] * down,
            left + box[2] * across,
            top + box[3] * down,
        )


def decoded(picture: Picture, preparation: Preparation, target: Size | None = None) -> Decoded:
    """Decode a picture, upright.

    Args:
        picture: see `Picture`; an array has been through `checked_array`.
        preparation: its colours; and where the picture goes, for a JPEG that may be decoded
            smaller.
        target: width and height of the model's input; None: the picture is decoded whole.

    Raises:
        PreprocessingError: it cannot be, or passes a limit.
    """
    if isinstance(picture, np.ndarray):
        return _whole(array_to_image(picture, preparation.ground))
    if isinstance(picture, CameraFrame):
        return _whole(frame_to_image(picture))
    if isinstance(picture, Image.Image):
        if not _is_undecoded(picture):
            return _finished(picture, preparation)
        picture = _file_content(_stream(picture))
    with opened(_encoded(picture)) as image:
        if image.format == "JPEG" and target and preparation.resampling == "antialiased":
            return _drafted(image, preparation, target)
        return _finished(image, preparation)


def _whole(image: Image.Image) -> Decoded:
    return Decoded(image, image.size, (0, 0, *image.size))


def _is_undecoded(image: Image.Image) -> bool:
    """Tell whether an image is the first of a file that its opener has not decoded yet.

    It is then opened anew, and by that has the same limits, and the same pixels, as the file.
    """
    stream = _stream(image)
    is_known = image.format in READERS or image.format == "MPO"
    return is_known and stream is not None and not stream.closed and image.tell() == 0


def _file_content(stream: Any) -> bytes:
    """Read a file from its start, and leave it standing where it stood."""
    position = stream.tell()
    stream.seek(0)
    try:
        return read_stream(stream)
    finally:
        stream.seek(position)


def _encoded(picture: Any) -> Any:
    is_content_or_path = isinstance(picture, bytes | bytearray | memoryview | str | os.PathLike)
    if is_content_or_path or hasattr(picture, "read"):
        return picture
    raise PreprocessingError(
        f"{type(picture).__name__} is no picture; pass encoded bytes, a path, a binary stream, "
        "a PIL image, a NumPy array or a CameraFrame"
    )


def _drafted(image: Any, preparation: Preparation, target: Size) -> Decoded:
    """Decode a JPEG no larger than the model's input needs."""
    value, stored = orientation(image), image.size
    size = swapped(stored, value)
    part = draft_jpeg(image, place(size, target, preparation), size, value)
    found = _finished(image, preparation, stored)
    left, top = upright_corner(image.size, part, value)
    width, height = swapped(part, value)
    return Decoded(found.image, size, (left, top, left + width, top + height))


def _finished(image: Any, preparation: Preparation, stored: Size | None = None) -> Decoded:
    """Decode what is not decoded yet, convert, turn.

    Args:
        image: a PIL image.
        preparation: its colours.
        stored: its size in the file, if it will be decoded at another.
    """
    uses_profile = preparation.colour_profile == "srgb" and bool(image.info.get("icc_profile"))
    _check_memory(image, stored or image.size, uses_profile)
    alpha = None
    if image.format == "PNG" and _stream(image) and "transparency" in image.info:
        try:
            alpha = correct_transparency(image, image.fp)
        except PreprocessingError:
            raise
        except Exception as error:  # of a header that says one thing first and another later
            raise PreprocessingError(reason_of(image.format, image.fp, error)) from error
    load_pixels(image)
    rgb = to_rgb(image, preparation.ground, applies_profile=uses_profile, alpha=alpha)
    return _whole(upright(rgb, orientation(image)))


def _check_memory(image: Any, stored: Size, uses_profile: bool) -> None:
    """Refuse a picture whose decoding or conversion would take too much."""
    if stored[0] * stored[1] * MOST_COPIES_BYTES_PER_PIXEL <= MAX_DECODING_BYTES:
        check_size(stored)
        return
    pixels = image.width * image.height
    kind = f"a {image.format} picture" if image.format else "a picture in memory"
    if _stream(image) and image.format != "JPEG":
        # Its orientation is not asked for: a PNG would be decoded to look behind its pixels.
        per_pixel = DECODING_BYTES_PER_PIXEL.get(image.format, MOST_BYTES_PER_PIXEL)
        needed = pixels * (per_pixel + PIXEL_BYTES * uses_profile)
    else:
        copies = uses_profile + (orientation(image) != 1)
        needed = pixels * (rgb_bytes_per_pixel(image) + PIXEL_BYTES * copies)
    if _stream(image) and image.format == "JPEG":
        coefficients = coefficient_bytes(image, stored)
        needed = pixels * PIXEL_BYTES + max(coefficients, needed)
        kind = "a JPEG of several scans" if coefficients else kind
    check_memory(stored, needed, kind)


def _stream(image: Image.Image) -> Any:
    """Return the file that an image will be decoded from; None where it is decoded already."""
    return getattr(image, "fp", None)
