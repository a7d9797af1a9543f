"""Where a picture's pixels go: turned upright, a part of them placed in the input, and resized."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import ExifTags, Image

try:  # of which there is no wheel for Linux on arm64
    import cykooz_resizer  # type: ignore[import-untyped]
except ImportError:
    cykooz_resizer = None

from models.preprocessing.colour import float_band
from models.preprocessing.limits import PreprocessingError

if TYPE_CHECKING:
    from models.preprocessing.preparation import Preparation, Resampling

Size = tuple[int, int]
Box = tuple[float, float, float, float]

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


def orientation_of(image: Image.Image) -> int:
    """Return the EXIF orientation, 1..8; 1 where there is none or it cannot be read.

    A photograph whose EXIF block is damaged is shown as stored, as every viewer does.
    """
    try:
        value = image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # the parser trips over damaged blocks in many ways
        return 1
    return value if isinstance(value, int) and value in _TRANSPOSITIONS else 1


def swapped(pair: tuple, orientation: int) -> tuple:
    """Return (width, height) as they are after an orientation, or before it."""
    return pair[::-1] if orientation in _SWAPPED_SIDES else pair


def upright(image: Image.Image, orientation: int) -> Image.Image:
    """Return the picture turned or mirrored as its orientation says; itself for 1."""
    return image if orientation == 1 else image.transpose(_TRANSPOSITIONS[orientation])


def upright_part(stored: Size, part: tuple[float, float], orientation: int) -> Box:
    """Return where the left top part of an image lies once it is upright; all in pixels."""
    rest = swapped((stored[0] - part[0], stored[1] - part[1]), orientation)
    left = rest[0] if orientation in _RIGHT_BECOMES_LEFT else 0
    top = rest[1] if orientation in _BOTTOM_BECOMES_TOP else 0
    width, height = swapped(part, orientation)
    return left, top, left + width, top + height


@dataclass(frozen=True)
class Placement:
    """A part of an upright picture, made so large, put there in the model's input. All in pixels:
    left, top, right and bottom, which need not be whole; width and height; left and top."""

    box: Box
    size: Size
    offset: Size = (0, 0)

    def keeps(self, source: Size, target: Size) -> bool:
        """Tell whether the picture is the model's input as it is."""
        return source == self.size == target and self.box == (0, 0, *source)

    def within(self, size: Size, part: Box) -> Placement:
        """Return the same of a picture of that size that was decoded to a part of an image.

        `box` is in the picture's own pixels, `part` in those of the image.
        """
        left, top, right, bottom = part
        across, down = (right - left) / size[0], (bottom - top) / size[1]
        box = (
            left + self.box[0] * across,
            top + self.box[1] * down,
            left + self.box[2] * across,
            top + self.box[3] * down,
        )
        return replace(self, box=box)


def place(source: Size, target: Size, preparation: Preparation) -> Placement:
    """Lay a picture of one size into a model's input of another.

    "crop" follows torchvision: the longer side's length is cut off to whole pixels, the offset of
    the centre rounded to nearest.
    """
    left, top, right, bottom = preparation.region or (0.0, 0.0, 1.0, 1.0)
    box = (left * source[0], top * source[1], right * source[0], bottom * source[1])
    width, height = box[2] - box[0], box[3] - box[1]
    if preparation.fit == "squash":
        return Placement(box, target)
    if preparation.fit == "letterbox":
        scale = min(target[0] / width, target[1] / height)
        size = max(1, round(width * scale)), max(1, round(height * scale))
        return Placement(box, size, ((target[0] - size[0]) // 2, (target[1] - size[1]) // 2))
    size = _covering((width, height), target, preparation.crop_from)
    across, down = width / size[0], height / size[1]
    x, y = round((size[0] - target[0]) / 2), round((size[1] - target[1]) / 2)
    left, top = box[0] + x * across, box[1] + y * down
    centre = (left, top, left + target[0] * across, top + target[1] * down)
    return Placement(centre, target)


def _covering(part: tuple[float, float], target: Size, crop_from: int | None) -> Size:
    """Return the size that a part is brought to before the target is cut out of it."""
    if crop_from is None:
        scale = max(target[0] / part[0], target[1] / part[1])
    else:
        scale = crop_from / min(part)
    # A tiny bit more, so that a side that is exactly whole is not cut off by float rounding.
    size = math.floor(part[0] * scale + 1e-6), math.floor(part[1] * scale + 1e-6)
    if crop_from is not None and (size[0] < target[0] or size[1] < target[1]):
        raise PreprocessingError(
            f"crop_from {crop_from} makes the picture {size[0]}x{size[1]}, less than the model's "
            f"{target[0]}x{target[1]}; choose a larger one"
        )
    return max(size[0], target[0]), max(size[1], target[1])


def resized(
    image: Image.Image, placement: Placement, target: Size, preparation: Preparation
) -> np.ndarray:
    """Resize a part of an RGB image and lay it on the ground: uint8, shape (height, width, 3)."""
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
