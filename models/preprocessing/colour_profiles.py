"""Embedded colour profiles: from a picture's own colours to sRGB, which models are trained on."""

from __future__ import annotations

import functools
import io

import numpy as np
from PIL import Image, ImageCms

_STEP = 17
"""Between the colours on which a profile is tried: 16 a channel, black and white among them."""

_SAME_LEVELS = 1
_SPACES = {"RGB": "RGB ", "RGBA": "RGB ", "L": "GRAY", "CMYK": "CMYK", "LAB": "Lab "}
"""What a profile calls the colours of a mode."""


def to_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    """Bring a picture to sRGB by the perceptual intent.

    A picture stays as it is where its profile is sRGB itself (to one grey level), is damaged, or is
    one for another colour mode: viewers do so, too.

    Args:
        image: of mode RGB, RGBA, L, CMYK or LAB; another, such as P, is converted to RGB first.
        profile: as it is embedded (ICC.1).

    Returns:
        the picture; where it was changed, of mode RGB, or RGBA if it was that.
    """
    if image.mode not in _SPACES:
        image = image.convert("RGB")
    transform = _transform(profile, image.mode)
    converted = None if transform is None else ImageCms.applyTransform(image, transform)
    return image if converted is None else converted


@functools.lru_cache(maxsize=16)
def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """Return the way from a profile to sRGB; None where there is none, or nothing to do."""
    try:
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
