"""What goes into a model and what comes out: shape, dtype and quantisation."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np

GREY_LEVELS = np.arange(256, dtype=np.uint8)

_HIGHEST_BIT = np.array(128, np.uint8)
"""Of int8, 128 less is this bit the other way round; an array, as scalars cost a conversion."""


@dataclass(frozen=True)
class TensorSpec:
    """One input or output of a `.tflite` file.

    Attributes:
        index: the tensor's number in the interpreter.
        shape: as in the file, batch first.
        dtype: the NumPy dtype of its elements.
        scale: quantisation step; 0.0 where the tensor is not quantised.
        zero_point: the integer that stands for 0.0.
    """

    index: int
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    scale: float = 0.0
    zero_point: int = 0

    @classmethod
    def from_details(cls, details: dict[str, Any]) -> TensorSpec:
        """Make one of an element of `Interpreter.get_input_details()` or its output twin."""
        scale, zero_point = details["quantization"]
        shape = tuple(int(size) for size in details["shape"])
        return cls(
            details["index"], shape, np.dtype(details["dtype"]), float(scale), int(zero_point)
        )

    @property
    def is_quantised(self) -> bool:
        """Whether the elements are integers that stand for real numbers."""
        return self.scale != 0.0

    def quantise(self, values: np.ndarray) -> np.ndarray:
        """Turn real values into the tensor's elements, rounding to nearest and clipping.

        Source: Jacob et al., arXiv 1712.05877, section 2.1: real = scale (integer - zero point).
        """
        if self.dtype.itemsize == 1 and getattr(values, "dtype", None) == np.uint8:
            return look_up(values, _levels(self))
        if self.is_quantised:
            values = np.rint(np.asarray(values, np.float64) / self.scale) + self.zero_point
        if np.issubdtype(self.dtype, np.integer):
            limits = np.iinfo(self.dtype)
            values = np.clip(np.rint(values), limits.min, limits.max)
        return np.asarray(values).astype(self.dtype)

    def dequantise(self, elements: np.ndarray) -> np.ndarray:
        """Turn the tensor's elements into float32 real values."""
        if self.is_quantised:
            return ((elements.astype(np.float32) - self.zero_point) * self.scale).astype(np.float32)
        return elements.astype(np.float32)


def look_up(levels: np.ndarray, table: int | np.ndarray) -> np.ndarray:
    """Return the element of each grey level; the levels themselves where they are the elements.

    Args:
        levels: uint8.
        table: of `level_table`.
    """
    if isinstance(table, int):
        return levels if table == 0 else (levels ^ _HIGHEST_BIT).view(np.int8)
    return table[levels]


def level_table(elements: np.ndarray) -> int | np.ndarray:
    """Return a table in the form that is looked up fastest.

    Args:
        elements: of each grey level, shape (256,).

    Returns:
        0 or 128 where each element is its level XOR that number, else the elements.
    """
    if elements.dtype.itemsize == 1:
        for number in (0, 128):
            if (elements.view(np.uint8) == GREY_LEVELS ^ np.uint8(number)).all():
                return number
    return elements


@functools.lru_cache(maxsize=32)
def _levels(spec: TensorSpec) -> int | np.ndarray:
    return level_table(spec.quantise(GREY_LEVELS.astype(np.float64)))
