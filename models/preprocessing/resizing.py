"""Bringing a picture to the model's size: how it is fitted, and how pixels are interpolated."""

from __future__ import annotations

from typing import Literal, get_args

from cykooz_resizer import (  # type: ignore[import-untyped]
    FilterType,
    ResizeAlg,
    ResizeOptions,
    Resizer,
)
from PIL import Image

from models.preprocessing.colour import WHITE
from models.preprocessing.errors import PreprocessingError

Fit = Literal["squash", "letterbox"]
"""squash: each side on its own; letterbox: sides kept in proportion, centred on white."""

Scaling = Literal["antialiased", "android"]
"""antialiased: bilinear, its triangle as wide as a target pixel, as Pillow, Keras and TensorFlow
with `antialias=True` do. android: bilinear between the four nearest pixels, whatever the scale, as
`Bitmap.createScaledBitmap(..., filter=true)` does, and OpenCV's INTER_LINEAR, to one grey level.
"""

_BILINEAR = ResizeOptions(resize_alg=ResizeAlg.convolution(FilterType.bilinear), use_alpha=False)


def check(fit: str, scaling: str) -> None:
    """Check names that a user may have typed.

    Raises:
        PreprocessingError: one of them is unknown.
    """
    for kind, name, known in (("fit", fit, Fit), ("scaling", scaling, Scaling)):
        if name not in get_args(known):
            names = " or ".join(get_args(known))
            raise PreprocessingError(f"unknown {kind} {name!r}; it must be {names}")


def fitted_size(size: tuple[int, int], target: tuple[int, int], fit: Fit) -> tuple[int, int]:
    """Return (width, height) of the picture within the target."""
    if fit == "squash":
        return target
    scale = min(target[0] / size[0], target[1] / size[1])
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def resize(image: Image.Image, target: tuple[int, int], fit: Fit, scaling: Scaling) -> Image.Image:
    """Resize an RGB picture; itself where it has the size already.

    Args:
        image: of mode RGB, decoded.
        target: (width, height) in pixels.
    """
    size = fitted_size(image.size, target, fit)
    if image.size != size:
        image = _scale(image, size, scaling)
    if size == target:
        return image
    framed = Image.new("RGB", target, WHITE)
    framed.paste(image, ((target[0] - size[0]) // 2, (target[1] - size[1]) // 2))
    return framed


def _scale(image: Image.Image, size: tuple[int, int], scaling: Scaling) -> Image.Image:
    if scaling == "android":
        # `transform` always looks at four pixels, where `resize` widens its filter.
        box = (0, 0, *image.size)
        return image.transform(size, Image.Transform.EXTENT, box, Image.Resampling.BILINEAR)
    scaled = Image.new("RGB", size)
    # The same filter as Pillow's own `resize`, to one grey level, in a sixth of the time.
    Resizer().resize_pil(image, scaled, _BILINEAR)
    return scaled
