"""From every colour mode to 8-bit RGB: alpha on a ground, 16 bits to 8, profiles; arrays too."""

from __future__ import annotations

import functools
import io
import os
import warnings
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageCms

from models.preprocessing.limits import PreprocessingError, check_memory

WHITE = (255, 255, 255)
"""Ground of the photographs that this project's models know."""

_BLOCK_ELEMENTS = 1 << 20

_STEP = 17
"""Between the colours on which a profile is tried: 16 a channel, black and white among them."""

_SAME_LEVELS = 1
_SPACES = {"RGB": "RGB ", "RGBA": "RGB ", "L": "GRAY", "CMYK": "CMYK", "LAB": "Lab "}
"""What a profile calls the colours of a mode."""

_CHANNELS = (1, 3, 4)
_BYTES_PER_PIXEL = {np.dtype(np.uint8): 8, np.dtype(np.uint16): 12, np.dtype(np.float32): 16}
"""Most that the way to RGB holds at once beside the array itself, measured."""

_MAX_PROFILE_BYTES = 4_000_000
"""Larger ones, which printers have no use for either, are taken for damaged."""

_PNG_HEADER_BYTES = 33
_PNG_GREY, _PNG_COLOUR, _PNG_PALETTE = 0, 2, 3


def to_rgb(
    image: Image.Image, ground: tuple[int, int, int] = WHITE, *, applies_profile: bool = False
) -> Image.Image:
    """Convert a decoded picture of any mode to RGB; a plain RGB picture is returned itself."""
    try:
        profile, alpha = image.info.get("icc_profile") if applies_profile else None, None
        if image.mode.startswith("I"):
            image, alpha = _from_16_bits(image)
        elif image.mode == "La":  # which converts to LA only
            image = image.convert("LA")
        is_split = alpha is not None or not image.has_transparency_data
        if not is_split and (image.mode not in ("RGBA", "LA") or profile):
            image = image.convert("RGBA")
        if profile:
            image = _to_srgb(image, profile)
        if image.mode in ("RGBA", "LA"):
            return _on_ground(image, image, ground)
        image = image if image.mode == "RGB" else image.convert("RGB")
        return image if alpha is None else _on_ground(image, alpha, ground)
    except Exception as error:  # a damaged palette can surface only here
        raise PreprocessingError(
            f"pictures of mode {image.mode} cannot be converted to RGB ({error})"
        ) from error


def from_16_bits(values: np.ndarray) -> np.ndarray:
    """Scale 0..65535 to 0..255 (65535 / 255 = 257), rounding to nearest; uint8 of that shape.

    Some rows at a time, since the sums need 32 bits.
    """
    scaled = np.empty(values.shape, np.uint8)
    rows = max(1, _BLOCK_ELEMENTS * len(values) // values.size)
    for start in range(0, len(values), rows):
        block = values[start : start + rows]
        scaled[start : start + rows] = (block.astype(np.uint32) + 128) // 257
    return scaled


def _from_16_bits(image: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    """Convert I;16 in any byte order, and I (32 bits), in which older files bring 16.

    Returned are the picture in mode L, and its alpha, if it has a transparent level.
    """
    values = np.asarray(image)
    if image.mode == "I":
        values = np.clip(values, 0, 65535).astype(np.uint16)
    grey = Image.fromarray(from_16_bits(values))
    transparent = image.info.get("transparency")
    if not isinstance(transparent, int):
        return grey, None
    return grey, Image.fromarray(np.not_equal(values, transparent) * np.uint8(255))


def _on_ground(image: Image.Image, alpha: Image.Image, ground: tuple[int, int, int]) -> Image.Image:
    laid = Image.new("RGB", image.size, ground)
    laid.paste(image, mask=alpha)
    return laid


def correct_transparency(image: Image.Image, stream: BinaryIO) -> None:
    """Set what Pillow calls the transparency of a PNG by its tRNS chunk, before it is decoded.

    Pillow (12.0, 13.0) compares the chunk's numbers with samples that it has scaled to 8 bits, and
    takes a palette of alphas that ends in a line feed for another. Of 16 bits a colour it keeps the
    upper 8, and so does this. Source: PNG (Third Edition), section 11.3.1.1.
    """
    position = stream.tell()
    stream.seek(0)
    depth, colour_type = stream.read(_PNG_HEADER_BYTES)[24:26]
    content = b""
    while len(head := stream.read(8)) == 8 and head[4:] not in (b"IDAT", b"IEND"):
        length = int.from_bytes(head[:4], "big")
        if head[4:] == b"tRNS":
            content = stream.read(length)
            length = 0
        stream.seek(length + 4, os.SEEK_CUR)  # the checksum, too
    stream.seek(position)
    if not content:
        return
    if colour_type == _PNG_PALETTE:
        image.info["transparency"] = content
    elif colour_type == _PNG_COLOUR:
        image.info["transparency"] = tuple(content[depth == 8 : 6 : 2])
    elif colour_type == _PNG_GREY and depth <= 8:
        largest = (1 << depth) - 1
        image.info["transparency"] = (content[1] & largest) * (255 // largest)


def _to_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    """Bring a picture of any mode to sRGB by the perceptual intent: RGB, or RGBA if it was that.

    A picture stays as it is where its embedded profile (ICC.1) is sRGB itself (to one grey level),
    is damaged, or is one for another colour mode: viewers do so, too.
    """
    if image.mode not in _SPACES:
        image = image.convert("RGB")
    transform = _transform(profile, image.mode)
    converted = None if transform is None else ImageCms.applyTransform(image, transform)
    return image if converted is None else converted


@functools.lru_cache(maxsize=4)
def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """Return the way from a profile to sRGB; None where there is none, or nothing to do."""
    try:
        if len(profile) > _MAX_PROFILE_BYTES:
            return None
        embedded = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if embedded.profile.xcolor_space != _SPACES[mode]:
            return None
        result = "RGBA" if mode == "RGBA" else "RGB"
        transform = ImageCms.buildTransform(embedded, ImageCms.createProfile("sRGB"), mode, result)
    except (ImageCms.PyCMSError, OSError, ValueError):
        return None
    return None if _SPACES[mode] == "RGB " and _changes_nothing(transform, mode) else transform


def _changes_nothing(transform: ImageCms.ImageCmsTransform, mode: str) -> bool:
    levels = np.arange(0, 256, _STEP, np.uint8)
    colours = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(len(levels), -1, 3)
    tried = Image.fromarray(colours).convert(mode)
    converted = np.asarray(ImageCms.applyTransform(tried, transform), np.int16)
    return np.abs(converted[..., :3] - colours).max() <= _SAME_LEVELS


def checked_array(array: np.ndarray, white: float = 255.0) -> np.ndarray:
    """Check that an array is a picture: uint8, uint16 (0..65535) or floating (0..`white`).

    Returned is uint8, uint16 or float32 in 0..255, shape (height, width, channels), not copied
    unless it has another byte order, precision or white.
    """
    pixels = np.asarray(array)
    pixels = pixels[..., np.newaxis] if pixels.ndim == 2 else pixels
    if pixels.ndim != 3 or pixels.shape[2] not in _CHANNELS or 0 in pixels.shape:
        raise PreprocessingError(
            f"an array of shape {array.shape} is no picture; it must be (height, width) or "
            "(height, width, channels) with 1, 3 or 4 channels"
        )
    kind = _kind(pixels)
    size = pixels.shape[1], pixels.shape[0]
    check_memory(size, size[0] * size[1] * _BYTES_PER_PIXEL[kind], f"a {kind} array")
    if kind != np.float32:
        return pixels.astype(kind, copy=False)
    lowest, highest = pixels.min(), pixels.max()
    if not (lowest >= 0 and highest <= white):  # also of NaN
        raise PreprocessingError(
            f"a floating-point picture must have finite values in 0..{white:g}; "
            "a preparation's `white` says what is white"
        )
    if 0 < highest <= 1 < white:
        _warn_of_black(white)
    pixels = pixels.astype(np.float32, copy=False)
    return pixels if white == 255 else pixels * np.float32(255 / white)


@functools.cache
def _warn_of_black(white: float) -> None:
    """Say it once, not of each picture."""
    warnings.warn(
        f"floating-point pictures of 0..1 are nearly black, as white is {white:g}; "
        "Preparation(white=1) makes 1 white",
        stacklevel=2,
    )


def array_to_image(pixels: np.ndarray, ground: tuple[int, int, int]) -> Image.Image:
    """Turn a checked array into a PIL image of mode RGB; fractions are rounded to nearest."""
    if pixels.dtype == np.uint16:
        pixels = from_16_bits(pixels)
    elif pixels.dtype != np.uint8:
        pixels = np.rint(pixels).astype(np.uint8)
    if pixels.shape[2] == 1:
        pixels = pixels[..., 0]
    return to_rgb(Image.fromarray(pixels), ground)


def float_band(pixels: np.ndarray, channel: int, ground: tuple[int, int, int]) -> np.ndarray:
    """Return red, green or blue of a checked float32 array, shape (height, width), on a ground."""
    band = pixels[..., channel if pixels.shape[2] > 1 else 0]
    if pixels.shape[2] == 4:
        share = pixels[..., 3] / np.float32(255)
        band = (band - ground[channel]) * share
        band += ground[channel]
    return np.ascontiguousarray(band)


def _kind(pixels: np.ndarray) -> np.dtype:
    """Return uint8, uint16 or float32, in this machine's byte order."""
    if np.issubdtype(pixels.dtype, np.floating):
        return np.dtype(np.float32)
    if pixels.dtype.kind == "u" and pixels.dtype.itemsize <= 2:
        return pixels.dtype.newbyteorder("=")
    raise PreprocessingError(
        f"a picture of dtype {pixels.dtype} is ambiguous; make it uint8, uint16 or floating"
    )
