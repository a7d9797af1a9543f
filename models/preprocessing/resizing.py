"""Interpolating pixels: a part of a picture brought to another size."""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

try:  # of which there is no wheel for Linux on arm64
    import cykooz_resizer  # type: ignore[import-untyped]
except ImportError:
    cykooz_resizer = None

from models.preprocessing.arrays import float_band

if TYPE_CHECKING:
    from models.preprocessing.geometry import Box, Placement, Size
    from models.preprocessing.preparation import Preparation, Resampling


def resized(
    image: Image.Image, placement: Placement, target: Size, preparation: Preparation
) -> np.ndarray:
    """Resize a part of an RGB picture and lay it on the ground.

    Args:
        image: of mode RGB, decoded.
        placement: its box in this image's pixels.
        target: width and height in pixels.
        preparation: its resampling and ground.

    Returns:
        uint8, shape (height, width, 3).
    """
    scaled = _scaled(image, placement.box, placement.size, preparation.resampling)
    if placement.size != target:
        framed = Image.new("RGB", target, preparation.ground)
        framed.paste(scaled, placement.offset)
        scaled = framed
    return np.asarray(scaled)


def resized_floats(
    pixels: np.ndarray, placement: Placement, target: Size, preparation: Preparation
) -> np.ndarray:
    """Do the same with a checked float32 array, whose fractions are kept."""
    width, height = placement.size
    framed = np.empty((target[1], target[0], 3), np.float32)
    framed[:] = preparation.ground
    x, y = placement.offset
    for channel in range(3):
        band = Image.fromarray(float_band(pixels, channel, preparation.ground))
        scaled = _scaled(band, placement.box, placement.size, preparation.resampling)
        framed[y : y + height, x : x + width, channel] = scaled
    return framed


def _scaled(image: Image.Image, box: Box, size: Size, resampling: Resampling) -> Image.Image:
    if image.size == size and box == (0, 0, *size):
        return image
    # Float rounding may have put an edge past the image's own.
    left, top, right, bottom = box[0], box[1], min(box[2], image.width), min(box[3], image.height)
    box = (left, top, right, bottom)
    if resampling == "android":
        # `transform` always looks at four pixels, where `resize` widens its filter.
        return image.transform(size, Image.Transform.EXTENT, box, Image.Resampling.BILINEAR)
    if cykooz_resizer is None or image.mode != "RGB":
        return image.resize(size, Image.Resampling.BILINEAR, box)
    scaled = Image.new("RGB", size)
    # The same filter as Pillow's own `resize`, to one grey level, in a sixth of the time.
    cykooz_resizer.Resizer().resize_pil(image, scaled, _options(box, image.size))
    return scaled


@functools.lru_cache(maxsize=32)
def _options(box: Box, size: Size) -> Any:
    """Return what makes the fast resizer read a part of an image."""
    lengths = []
    for start, stop, end in zip(box[:2], box[2:], size, strict=True):
        length = stop - start
        lengths.append(length if start + length <= end else math.nextafter(length, 0))
    algorithm = cykooz_resizer.ResizeAlg.convolution(cykooz_resizer.FilterType.bilinear)
    crop_box = cykooz_resizer.CropBox(*box[:2], *lengths)
    return cykooz_resizer.ResizeOptions(algorithm, use_alpha=False, crop_box=crop_box)
