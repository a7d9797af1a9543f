"""Pictures that are NumPy arrays already."""

from __future__ import annotations

import numpy as np
from PIL import Image

from models.preprocessing.colour import from_16_bits, to_rgb
from models.preprocessing.errors import PreprocessingError

_MODES = {1: "L", 3: "RGB", 4: "RGBA"}


def checked(array: np.ndarray) -> np.ndarray:
    """Check that an array is a picture, and bring it to shape (height, width, channels).

    Args:
        array: shape (height, width) or (height, width, 1, 3 or 4); uint8, uint16 (0..65535) or
            floating (0..255).

    Returns:
        the same elements, not copied.

    Raises:
        PreprocessingError: another shape, dtype or range.
    """
    pixels = array[..., np.newaxis] if array.ndim == 2 else array
    if pixels.ndim != 3 or pixels.shape[2] not in _MODES or 0 in pixels.shape:
        raise PreprocessingError(
            f"an array of shape {array.shape} is no picture; it must be (height, width) or "
            "(height, width, channels) with 1, 3 or 4 channels"
        )
    if np.issubdtype(pixels.dtype, np.floating):
        # One comparison that also catches NaN.
        if not (pixels.min() >= 0 and pixels.max() <= 255):
            raise PreprocessingError("a floating-point picture must have finite values in 0..255")
    elif pixels.dtype not in (np.uint8, np.uint16):
        raise PreprocessingError(
            f"a picture of dtype {array.dtype} is ambiguous; make it uint8, uint16 or floating"
        )
    return pixels


def to_image(pixels: np.ndarray) -> Image.Image:
    """Turn a checked array into a PIL image of mode RGB; fractions are rounded to nearest."""
    if pixels.dtype == np.uint16:
        pixels = from_16_bits(pixels)
    elif pixels.dtype != np.uint8:
        pixels = np.rint(pixels).astype(np.uint8)
    if pixels.shape[2] == 1:
        pixels = pixels[..., 0]
    return to_rgb(Image.fromarray(pixels))
