"""The one way from anything that shows a picture to a model's input, step by step."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import numpy as np

from models.data.photographs import DatasetError, Photographs
from models.preprocessing.colour import array_to_image, checked_array
from models.preprocessing.geometry import Size, resized, resized_floats
from models.preprocessing.limits import PreprocessingError
from models.preprocessing.normalisation import Normalisation, to_elements
from models.preprocessing.preparation import Preparation
from models.preprocessing.sources import Picture, decoded, placed
from models.preprocessing.tensors import TensorSpec, input_layout

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
    normalisation = preparation.normalisation or _told_by_input(spec)
    return to_elements(pixels, spec, normalisation, is_bgr=preparation.channel_order == "BGR")


def prepare_batch(
    pictures: Iterable[Picture], spec: TensorSpec, preparation: Preparation = PLAIN
) -> np.ndarray:
    """Make a model's input, shape (pictures, *spec.shape[1:]), of many pictures as `prepare` does.

    A PreprocessingError tells the picture's number, from 0.
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
            return np.asarray(array_to_image(picture, preparation.ground))
        return np.asarray(decoded(picture, preparation, target)[0])


def _pixels(picture: Picture, target: Size, preparation: Preparation) -> np.ndarray:
    """Return RGB of the model's size, shape (height, width, 3), uint8 or float32."""
    if isinstance(picture, np.ndarray):
        picture = checked_array(picture, preparation.white)
        size = picture.shape[1], picture.shape[0]
        placement = placed(size, target, preparation)
        is_kept = placement.keeps(size, target)
        if is_kept and picture.shape[2] == 3 and picture.dtype != np.uint16:
            return picture
        if picture.dtype == np.float32:
            return resized_floats(picture, placement, target, preparation)
        image = array_to_image(picture, preparation.ground)
    else:
        image, placement = decoded(picture, preparation, target)
    return resized(image, placement, target, preparation)


_told_by_input = functools.lru_cache(maxsize=32)(Normalisation.of_input)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep Pillow's warnings, of damaged EXIF blocks and the like, from the caller.

    Only Pillow's: where two threads meet here, a filter can stay behind.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"PIL\.")
        yield


def read_pixels(photographs: Photographs, side: int) -> np.ndarray:
    """Read photographs into memory: uint8 RGB, shape (count, side, side, 3), in pixels.

    Raises:
        DatasetError: one of them cannot be read; the message names it.
    """
    spec = TensorSpec(0, (1, side, side, 3), np.dtype(np.uint8))
    pixels = np.empty((len(photographs), side, side, 3), np.uint8)
    for number, path in enumerate(photographs.paths):
        try:
            pixels[number] = prepare(path, spec)[0]
        except PreprocessingError as error:
            raise DatasetError(f"{path}: not a readable photograph ({error})") from error
    return pixels
