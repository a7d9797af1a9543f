"""From every colour mode to 8-bit RGB: alpha on a ground, 16 bits to 8, palettes looked up."""

from __future__ import annotations

import numpy as np
from PIL import Image

from models.preprocessing.colour_profiles import to_srgb
from models.preprocessing.refusal import PreprocessingError

WHITE = (255, 255, 255)
"""Ground of the photographs that this project's models know."""

_BLOCK_ELEMENTS = 1 << 20


def to_rgb(
    image: Image.Image,
    ground: tuple[int, int, int] = WHITE,
    *,
    applies_profile: bool = False,
    alpha: Image.Image | None = None,
) -> Image.Image:
    """Convert a decoded picture to mode RGB; a plain RGB picture is returned itself.

    Args:
        image: of any mode.
        ground: what shows through transparent parts.
        applies_profile: whether the colours are brought from an embedded profile to sRGB.
        alpha: of mode L, where it is known better than from the picture's own info.

    Raises:
        PreprocessingError: the mode has no conversion.
    """
    try:
        profile = image.info.get("icc_profile") if applies_profile else None
        if image.mode.startswith("I"):
            image, alpha = _from_16_bits(image)
        elif image.mode == "La":  # which converts to LA only
            image = image.convert("LA")
        is_split = alpha is not None or not image.has_transparency_data
        if not is_split and (image.mode not in ("RGBA", "LA") or profile):
            image = image.convert("RGBA")
        if profile:
            image = to_srgb(image, profile)
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

    Returns:
        the picture in mode L, and its alpha, if it has a transparent level.
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
