"""The one way from anything that shows a picture to a model's input, step by step."""

from __future__ import annotations

import dataclasses
import functools
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from models.preprocessing.arrays import checked_array
from models.preprocessing.elements import input_layout, to_elements
from models.preprocessing.geometry import Size, place
from models.preprocessing.preparation import Preparation
from models.preprocessing.refusal import PreprocessingError
from models.preprocessing.resizing import resized, resized_floats
from models.preprocessing.sources import Picture, decoded

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from models.preprocessing.tensors import TensorSpec

PLAIN = Preparation()
"""All of the picture, each side scaled on its own, antialiased, normalised as the input tells."""


def prepare(picture: Picture, spec: TensorSpec, preparation: Preparation = PLAIN) -> np.ndarray:
    """Make a model's input of one picture.

    Pixels that are the model's elements already are not copied: the tensor is then a view of them.
    A floating-point array keeps its fractions.

    Args:
        picture: see `Picture`; a string is a path.
        spec: the model's input: (1, height, width, channels) or (1, channels, height, width), of
            one channel (grey) or three.
        preparation: how.

    Returns:
        shape, dtype and quantisation of the input.

    Raises:
        PreprocessingError: the picture is damaged, truncated, empty, too large or no picture, or
            the model's input is none.
    """
    layout = input_layout(spec)
    with _quiet():
        pixels = _pixels(picture, layout.size, preparation)
    return to_elements(pixels, spec, _for_input(preparation, spec))


def prepare_batch(
    pictures: Iterable[Picture], spec: TensorSpec, preparation: Preparation = PLAIN
) -> np.ndarray:
    """Make a model's input of many pictures, each as `prepare` does it.

    Returns:
        shape (pictures, *spec.shape[1:]); otherwise as `prepare`.

    Raises:
        PreprocessingError: as `prepare`, with the picture's number, from 0; or there is none.
    """
    tensors = []
    for number, picture in enumerate(pictures):
        try:
            tensors.append(prepare(picture, spec, preparation))
        except PreprocessingError as error:
            raise PreprocessingError(f"picture {number}: {error}") from error
    if not tensors:
        raise PreprocessingError("there is no picture to prepare")
    return np.concatenate(tensors)


def decode(
    picture: Picture, spec: TensorSpec | None = None, preparation: Preparation = PLAIN
) -> np.ndarray:
    """Decode a picture, upright.

    Args:
        picture: see `Picture`.
        spec: a model's input: the first stage of `prepare` alone, which decodes a JPEG no larger
            than that input needs. None: the picture at its full size.
        preparation: its colours; with `spec`, where the picture goes.

    Returns:
        uint8 RGB, shape (height, width, 3).

    Raises:
        PreprocessingError: as `prepare`.
    """
    target = None if spec is None else input_layout(spec).size
    with _quiet():
        if isinstance(picture, np.ndarray):
            picture = checked_array(picture, preparation.white)
        return np.asarray(decoded(picture, preparation, target).image)


def _pixels(picture: Picture, target: Size, preparation: Preparation) -> np.ndarray:
    """Return RGB of the model's size, shape (height, width, 3), uint8 or float32."""
    if isinstance(picture, np.ndarray):
        picture = checked_array(picture, preparation.white)
        size = picture.shape[1], picture.shape[0]
        placement = place(size, target, preparation)
        is_kept = placement.keeps(size, target)
        if is_kept and picture.shape[2] == 3 and picture.dtype != np.uint16:
            return picture
        if picture.dtype == np.float32:
            return resized_floats(picture, placement, target, preparation)
    found = decoded(picture, preparation, target)
    placement = place(found.size, target, preparation)
    placement = dataclasses.replace(placement, box=found.within(placement.box))
    return resized(found.image, placement, target, preparation)


@functools.lru_cache(maxsize=32)
def _for_input(preparation: Preparation, spec: TensorSpec) -> Preparation:
    return preparation.for_input(spec)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep Pillow's warnings, of damaged EXIF blocks and the like, from the caller.

    Only Pillow's: where two threads meet here, a filter can stay behind.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"PIL\.")
        yield
