"""The pixels of many photographs, all of one size, as `prepare` makes them."""

from __future__ import annotations

import numpy as np

from models.data.photographs import DatasetError, Photographs
from models.preprocessing import PreprocessingError, prepare
from models.preprocessing.tensors import TensorSpec


def read_pixels(photographs: Photographs, side: int) -> np.ndarray:
    """Read photographs into memory.

    Args:
        photographs: in the order of the result.
        side: height and width that each is brought to, in pixels.

    Returns:
        uint8 RGB, shape (count, side, side, 3).

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
