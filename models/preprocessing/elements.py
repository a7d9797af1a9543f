"""From grey levels to the elements of a model's input: normalised, quantised, laid out."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from models.preprocessing.refusal import PreprocessingError
from models.preprocessing.tensors import GREY_LEVELS, TensorSpec, level_table, look_up

if TYPE_CHECKING:
    from models.preprocessing.normalisation import Normalisation
    from models.preprocessing.preparation import Preparation


@dataclass(frozen=True)
class InputLayout:
    """How an input's shape is read.

    Attributes:
        size: width and height in pixels.
        channels: 1 or 3.
        is_channels_first: NCHW instead of NHWC.
    """

    size: tuple[int, int]
    channels: int
    is_channels_first: bool


@functools.lru_cache(maxsize=32)
def input_layout(spec: TensorSpec) -> InputLayout:
    """Read the shape of a model's input; where both ways fit, channels are last.

    Raises:
        PreprocessingError: it takes no picture.
    """
    if len(spec.shape) == 4 and spec.shape[0] == 1 and min(spec.shape) >= 1:
        _, first, second, third = spec.shape
        if third in (1, 3):
            return InputLayout((second, first), third, False)
        if first in (1, 3):
            return InputLayout((third, second), first, True)
    raise PreprocessingError(
        f"the model's input has shape {spec.shape}; it must be (1, height, width, channels) or "
        "(1, channels, height, width) with 1 or 3 channels"
    )


def to_elements(pixels: np.ndarray, spec: TensorSpec, preparation: Preparation) -> np.ndarray:
    """Bring pixels of the model's size to its channels, values, dtype and layout.

    Pixels that are the elements already are not copied.

    Args:
        pixels: uint8 or float32 RGB, shape (height, width, 3).
        spec: the model's input.
        preparation: for this input, see `Preparation.for_input`.

    Returns:
        shape as `spec.shape` has it.
    """
    layout = input_layout(spec)
    if layout.channels == 1:
        pixels = _grey(pixels)
    elif preparation.channel_order == "BGR":
        pixels = pixels[..., ::-1]
    assert preparation.normalisation is not None
    found = _normalised(pixels, spec, preparation.normalisation)
    if layout.is_channels_first:
        found = found.transpose(2, 0, 1)
    return np.ascontiguousarray(found)[np.newaxis]


def _grey(pixels: np.ndarray) -> np.ndarray:
    """Return ITU-R BT.601 luma, shape (height, width, 1)."""
    if pixels.dtype == np.uint8:
        return np.asarray(Image.fromarray(pixels).convert("L"))[..., np.newaxis]
    return pixels @ np.array([[0.299], [0.587], [0.114]], pixels.dtype)


def _normalised(pixels: np.ndarray, spec: TensorSpec, normalisation: Normalisation) -> np.ndarray:
    channels, is_integer = pixels.shape[2], spec.dtype.kind in "iu"
    if is_integer and pixels.dtype == np.uint8:
        tables = _tables(spec, normalisation, channels)
        if len(tables) == 1:
            return look_up(pixels, tables[0])
        return np.stack([look_up(pixels[..., c], table) for c, table in enumerate(tables)], axis=2)
    if not is_integer and normalisation.changes_nothing:
        return pixels.astype(spec.dtype, copy=False)
    mean, std = _of_channels(normalisation, channels)
    if is_integer:
        return spec.quantise((pixels - mean) / std)
    found = pixels.astype(np.promote_types(spec.dtype, np.float32))
    found -= mean
    found /= std
    return found.astype(spec.dtype, copy=False)


@functools.lru_cache(maxsize=32)
def _tables(
    spec: TensorSpec, normalisation: Normalisation, channels: int
) -> list[int | np.ndarray]:
    """Return a table of each grey level's element for each channel, or one for all."""
    mean, std = _of_channels(normalisation, channels, np.float64)
    real = (GREY_LEVELS[:, np.newaxis] - mean) / std
    return [level_table(np.ascontiguousarray(column)) for column in spec.quantise(real).T]


def _of_channels(
    normalisation: Normalisation, channels: int, dtype: type = np.float32
) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and standard deviation, shape (1 or channels,) each."""
    for numbers in (normalisation.mean, normalisation.std):
        if len(numbers) not in (1, channels):
            raise PreprocessingError(
                f"a normalisation of {len(numbers)} channels goes with no input of {channels}"
            )
    return np.array(normalisation.mean, dtype), np.array(normalisation.std, dtype)
