"""Applying the orientation that a camera wrote beside the pixels."""

from __future__ import annotations

from PIL import ExifTags, Image

_TRANSPOSITIONS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What makes pixels upright, by EXIF orientation. Source: Exif 2.32 (CIPA DC-008), tag 274."""

_SWAPPED_SIDES = (5, 6, 7, 8)
_RIGHT_BECOMES_LEFT, _BOTTOM_BECOMES_TOP = (2, 3, 6, 7), (3, 4, 7, 8)


def orientation(image: Image.Image) -> int:
    """Return the EXIF orientation, 1..8; 1 where there is none or it cannot be read.

    A photograph whose EXIF block is damaged is shown as stored, as every viewer does.
    """
    try:
        value = image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # the parser trips over damaged blocks in many ways
        return 1
    return value if isinstance(value, int) and value in _TRANSPOSITIONS else 1


def swapped(pair: tuple, value: int) -> tuple:
    """Return (width, height) as they are after an orientation, or before it."""
    return pair[::-1] if value in _SWAPPED_SIDES else pair


def upright(image: Image.Image, value: int) -> Image.Image:
    """Return the picture turned or mirrored as its orientation says; itself for 1."""
    return image if value == 1 else image.transpose(_TRANSPOSITIONS[value])


def upright_corner(
    size: tuple[int, int], part: tuple[float, float], value: int
) -> tuple[float, float]:
    """Return where the left top part of an image begins once it is upright.

    Args:
        size: width and height of the image as stored.
        part: width and height of the part, which begins at (0, 0).
        value: the orientation.
    """
    rest = swapped((size[0] - part[0], size[1] - part[1]), value)
    return (
        rest[0] if value in _RIGHT_BECOMES_LEFT else 0,
        rest[1] if value in _BOTTOM_BECOMES_TOP else 0,
    )
