"""Where a picture's pixels go: which part of it becomes which part of the model's input."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from models.preprocessing.refusal import PreprocessingError

if TYPE_CHECKING:
    from models.preprocessing.preparation import Preparation

Size = tuple[int, int]
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Placement:
    """A part of a picture, made so large, put there. All in pixels; x before y.

    Attributes:
        box: left, top, right and bottom in the upright picture; they need not be whole.
        size: width and height that the part gets.
        offset: where its left top corner goes in the model's input.
    """

    box: Box
    size: Size
    offset: Size

    def keeps(self, source: Size, target: Size) -> bool:
        """Tell whether the picture is the model's input as it is."""
        return source == self.size == target and self.box == (0, 0, *source)


def place(source: Size, target: Size, preparation: Preparation) -> Placement:
    """Lay a picture of one size into a model's input of another.

    "crop" follows torchvision: the longer side's length is cut off to whole pixels, the offset of
    the centre rounded to nearest.

    Raises:
        PreprocessingError: the picture is to be cropped from less than the input's size.
    """
    left, top, right, bottom = preparation.region or (0.0, 0.0, 1.0, 1.0)
    box = (left * source[0], top * source[1], right * source[0], bottom * source[1])
    width, height = box[2] - box[0], box[3] - box[1]
    if preparation.fit == "squash":
        return Placement(box, target, (0, 0))
    if preparation.fit == "letterbox":
        scale = min(target[0] / width, target[1] / height)
        size = max(1, round(width * scale)), max(1, round(height * scale))
        return Placement(box, size, ((target[0] - size[0]) // 2, (target[1] - size[1]) // 2))
    size = _covering((width, height), target, preparation.crop_from)
    across, down = width / size[0], height / size[1]
    x, y = round((size[0] - target[0]) / 2), round((size[1] - target[1]) / 2)
    left, top = box[0] + x * across, box[1] + y * down
    centre = (left, top, left + target[0] * across, top + target[1] * down)
    return Placement(centre, target, (0, 0))


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
