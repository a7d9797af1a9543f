"""From what an app has to the tensor that a model takes.

Sources: encoded JPEG, PNG or WebP bytes, the path of such a file, a PIL image, a NumPy array, or
a camera frame (`CameraFrame`). `prepare` makes a tensor of one picture, `prepare_batch` of many.
Whatever is wrong with a picture, `PreprocessingError` is raised and nothing else.
"""

from __future__ import annotations

import functools
import os
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from PIL import Image

from models.preprocessing import arrays, camera, encoded, resizing
from models.preprocessing.camera import CameraFrame
from models.preprocessing.colour import to_rgb
from models.preprocessing.errors import PreprocessingError
from models.preprocessing.orientation import orientation, swaps_sides, upright
from models.preprocessing.resizing import Fit, Scaling
from models.preprocessing.tensors import TensorSpec

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "CameraFrame",
    "Fit",
    "Picture",
    "PreprocessingError",
    "Scaling",
    "decode",
    "prepare",
    "prepare_batch",
]

Picture: TypeAlias = (
    bytes | bytearray | memoryview | str | os.PathLike[str] | Image.Image | np.ndarray | CameraFrame
)
"""What can be prepared; a string is a path."""

DRAFT_FACTOR = 2
"""A JPEG is decoded at a half, quarter or eighth of its size where that leaves at least this many
times the model's pixels in each direction: the antialiasing filter then averages what the decoder
would have given it singly."""


def prepare(
    picture: Picture,
    spec: TensorSpec,
    *,
    fit: Fit = "squash",
    scaling: Scaling = "antialiased",
) -> np.ndarray:
    """Make a model's input of one picture.

    A contiguous array of the model's size and dtype is not copied: the tensor is a view of it. A
    floating-point array of the model's size keeps its fractions; one that must be resized is
    rounded to whole grey levels first.

    Args:
        picture: see `Picture`.
        spec: the model's input, of shape (1, height, width, 3).
        fit: "squash" or "letterbox".
        scaling: "antialiased", or "android" for what a phone does with the same picture.

    Returns:
        RGB, shape (1, height, width, 3), in the input's dtype and quantisation; the real values
        are 0..255.

    Raises:
        PreprocessingError: the picture is damaged, truncated, empty, too large or no picture, or
            the model's input is no RGB picture.
    """
    target = _target(spec)
    resizing.check(fit, scaling)
    if isinstance(picture, np.ndarray):
        checked = arrays.checked(picture)
        if checked.shape == spec.shape[1:] and checked.dtype != np.uint16:
            return _elements(checked, spec)[np.newaxis]
    image = _rgb_image(picture, target, fit, scaling)
    resized = resizing.resize(image, target, fit, scaling)
    return _elements(np.asarray(resized), spec)[np.newaxis]


def prepare_batch(
    pictures: Iterable[Picture],
    spec: TensorSpec,
    *,
    fit: Fit = "squash",
    scaling: Scaling = "antialiased",
) -> np.ndarray:
    """Make a model's input of many pictures, each as `prepare` does it.

    Returns:
        RGB, shape (pictures, height, width, 3); otherwise as `prepare`.

    Raises:
        PreprocessingError: as `prepare`, with the picture's number, from 0; or there is none.
    """
    tensors = []
    for number, picture in enumerate(pictures):
        try:
            tensors.append(prepare(picture, spec, fit=fit, scaling=scaling))
        except PreprocessingError as error:
            raise PreprocessingError(f"picture {number}: {error}") from error
    if not tensors:
        raise PreprocessingError("there is no picture to prepare")
    return np.concatenate(tensors)


def decode(picture: Picture, spec: TensorSpec | None = None) -> np.ndarray:
    """Decode a picture, upright.

    Args:
        picture: see `Picture`.
        spec: a model's input: the first stage of `prepare` alone, which decodes a JPEG no larger
            than that input needs. None: the picture at its full size.

    Returns:
        uint8 RGB, shape (height, width, 3).

    Raises:
        PreprocessingError: as `prepare`.
    """
    if spec is None:
        return np.asarray(_rgb_image(picture))
    return np.asarray(_rgb_image(picture, _target(spec), scaling="antialiased"))


def _target(spec: TensorSpec) -> tuple[int, int]:
    """Return (width, height) of a model's input."""
    if len(spec.shape) != 4 or spec.shape[0] != 1 or spec.shape[3] != 3:
        raise PreprocessingError(
            f"the model's input has shape {spec.shape}; it must be (1, height, width, 3)"
        )
    return spec.shape[2], spec.shape[1]


def _rgb_image(
    picture: Picture,
    target: tuple[int, int] | None = None,
    fit: Fit = "squash",
    scaling: Scaling = "android",
) -> Image.Image:
    """Return the upright picture in mode RGB; a JPEG perhaps smaller, if that suits the target."""
    if isinstance(picture, Image.Image):
        encoded.load(picture)
        return _upright_rgb(picture)
    if isinstance(picture, np.ndarray):
        return arrays.to_image(arrays.checked(picture))
    if isinstance(picture, CameraFrame):
        return camera.to_image(picture)
    if not isinstance(picture, bytes | bytearray | memoryview | str | os.PathLike):
        raise PreprocessingError(
            f"{type(picture).__name__} is no picture; pass encoded bytes, a path, a PIL image, "
            "a NumPy array or a CameraFrame"
        )
    with encoded.opened(picture) as image:
        if target is not None and scaling == "antialiased" and encoded.is_jpeg(image):
            _draft(image, target, fit)
        encoded.load(image)
        return _upright_rgb(image)


def _upright_rgb(image: Image.Image) -> Image.Image:
    return to_rgb(upright(image, orientation(image)))


def _draft(image: Image.Image, target: tuple[int, int], fit: Fit) -> None:
    """Have a JPEG decoded no larger than needed."""
    if swaps_sides(orientation(image)):
        target = target[1], target[0]
    width, height = resizing.fitted_size(image.size, target, fit)
    image.draft(None, (DRAFT_FACTOR * width, DRAFT_FACTOR * height))


@functools.lru_cache(maxsize=32)
def _table(spec: TensorSpec) -> np.ndarray | None:
    """Return the tensor element of each grey level; None where it is the grey level itself."""
    levels = np.arange(256)
    table = spec.quantise(levels)
    return None if np.array_equal(table, levels) else table


def _elements(pixels: np.ndarray, spec: TensorSpec) -> np.ndarray:
    """Bring pixels of the model's size to its dtype and quantisation, copying only if need be."""
    if pixels.dtype != np.uint8:
        if pixels.dtype == spec.dtype and not spec.is_quantised:
            return np.ascontiguousarray(pixels)
        return spec.quantise(pixels)
    table = _table(spec)
    if table is not None:
        return table[pixels]
    return np.ascontiguousarray(pixels, dtype=spec.dtype)
