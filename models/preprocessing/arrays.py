"""Pictures that are NumPy arrays already."""

from __future__ import annotations

import numpy as np
from PIL import Image

from models.preprocessing.colour import from_16_bits, to_rgb
from models.preprocessing.limits import check_memory
from models.preprocessing.refusal import PreprocessingError

_CHANNELS = (1, 3, 4)
_BYTES_PER_PIXEL = {np.dtype(np.uint8): 8, np.dtype(np.uint16): 12, np.dtype(np.float32): 16}
"""Most that the way to RGB holds at once beside the array itself, measured."""


def checked_array(array: np.ndarray, white: float = 255.0) -> np.ndarray:
    """Check that an array is a picture, and bring it to shape (height, width, channels).

    Args:
        array: shape (height, width) or (height, width, 1, 3 or 4); uint8, uint16 (0..65535) or
            floating (0..`white`); of any byte order and strides.
        white: what a floating-point array calls white.

    Returns:
        uint8, uint16 or float32 in 0..255; the same elements, not copied unless they have another
        byte order, precision or white.

    Raises:
        PreprocessingError: another shape, dtype or range, or too many pixels.
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
    # One comparison that also catches NaN.
    if not (pixels.min() >= 0 and pixels.max() <= white):
        raise PreprocessingError(
            f"a floating-point picture must have finite values in 0..{white:g}; "
            "a preparation's `white` says what is white"
        )
    pixels = pixels.astype(np.float32, copy=False)
    return pixels if white == 255 else pixels * np.float32(255 / white)


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
