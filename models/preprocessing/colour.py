"""From every colour mode to 8-bit RGB: alpha on white, 16 bits to 8, palettes looked up."""

from __future__ import annotations

import numpy as np
from PIL import Image

from models.preprocessing.errors import PreprocessingError

WHITE = (255, 255, 255)

_BLOCK_ELEMENTS = 1 << 20


def to_rgb(image: Image.Image) -> Image.Image:
    """Convert a decoded picture to mode RGB; an RGB picture without transparency is returned.

    Transparent parts show white, which is the ground of the photographs that the models know.
    Colour profiles are not applied: a phone's bitmap decoder hands them on, too.

    Raises:
        PreprocessingError: the mode has no conversion.
    """
    if image.mode.startswith("I"):
        return _from_16_bits(image)
    try:
        if image.mode == "La":  # which converts to LA only
            image = image.convert("LA")
        if image.has_transparency_data:
            return _on_white(image if image.mode in ("RGBA", "LA") else image.convert("RGBA"))
        return image if image.mode == "RGB" else image.convert("RGB")
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


def _from_16_bits(image: Image.Image) -> Image.Image:
    """Convert I;16 in any byte order, and I (32 bits), in which older files bring 16."""
    values = np.asarray(image)
    if image.mode == "I":
        values = np.clip(values, 0, 65535).astype(np.uint16)
    grey = from_16_bits(values)
    transparent = image.info.get("transparency")
    if isinstance(transparent, int):
        grey[values == transparent] = 255
    return Image.fromarray(grey).convert("RGB")


def _on_white(image: Image.Image) -> Image.Image:
    ground = Image.new("RGB", image.size, WHITE)
    ground.paste(image, mask=image)
    return ground
