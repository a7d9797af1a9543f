"""What goes into a model and what comes out: shape, dtype and quantisation."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np

from models.preprocessing.limits import PreprocessingError

GREY_LEVELS = np.arange(256, dtype=np.uint8)
_UINT8 = GREY_LEVELS.dtype  # comparing with the type np.uint8 makes a dtype of it each time

_BITS = {number: np.array(number, np.uint8) for number in (0, 128)}
"""128 less in int8 is the highest bit the other way round; arrays, as scalars cost a conversion."""


@dataclass(frozen=True)
class TensorSpec:
    """One input or output of a `.tflite` file.

    Attributes:
        index: the tensor's number in the interpreter.
        shape: batch first; -1 where the file leaves a size open.
        dtype: the NumPy dtype of its elements; object where NumPy has none.
        scale: quantisation step; 0.0 where the tensor is not quantised.
        zero_point: the integer that stands for 0.0.
        name: as in the file.
        foreign: what the file calls elements that NumPy has no dtype for, such as "int4".
    """

    index: int
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    scale: float = 0.0
    zero_point: int = 0
    name: str = ""
    foreign: str = ""

    @classmethod
    def from_details(cls, details: dict[str, Any]) -> TensorSpec:
        """Make one of an element of `Interpreter.get_input_details()` or its output twin."""
        scale, zero_point = details["quantization"]
        shape = tuple(int(size) for size in details["shape"])
        return cls(
            details["index"],
            shape,
            np.dtype(details["dtype"]),
            float(scale),
            int(zero_point),
            details["name"],
        )

    def __str__(self) -> str:
        """The shape and dtype, such as "1x?x?x3 float32"."""
        sizes = "x".join("?" if size < 0 else str(size) for size in self.shape)
        return f"{sizes or 'scalar'} {self.foreign or self.dtype}"

    @property
    def is_quantised(self) -> bool:
        """Whether the elements are integers that stand for real numbers."""
        return self.scale != 0.0

    def quantise(self, values: np.ndarray) -> np.ndarray:
        """Turn real values into the tensor's elements, rounding to nearest and clipping.

        Source: Jacob et al., arXiv 1712.05877, section 2.1: real = scale (integer - zero point).
        """
        values = np.asarray(values)
        elements = np.empty(values.shape, self.dtype)
        self.write(values, elements)
        return elements

    def write(self, values: np.ndarray, elements: np.ndarray) -> None:
        """As `quantise`, into elements that are there: those of the model itself."""
        if self.dtype.itemsize == 1 and values.dtype == _UINT8:
            look_up(values, self._levels, elements)
            return
        if self.is_quantised:
            values = np.rint(values.astype(np.float64) / self.scale) + self.zero_point
        if np.issubdtype(self.dtype, np.integer):
            limits = np.iinfo(self.dtype)
            values = np.clip(np.rint(values), limits.min, limits.max)
        elements[...] = values

    @functools.cached_property
    def _levels(self) -> int | np.ndarray:
        return level_table(self.quantise(GREY_LEVELS.astype(np.float64)))

    def dequantise(self, elements: np.ndarray) -> np.ndarray:
        """Turn the tensor's elements into float32 real values."""
        if self.is_quantised:
            return ((elements.astype(np.float32) - self.zero_point) * self.scale).astype(np.float32)
        return elements.astype(np.float32)


SMALLEST_SIDE = 8
"""Of an input without channels: smaller ones are rows of features, as of sound."""


@dataclass(frozen=True)
class InputLayout:
    """How an input's shape is read: width and height in pixels, 1 or 3 channels, NCHW or NHWC."""

    size: tuple[int, int]
    channels: int
    is_channels_first: bool


@functools.lru_cache(maxsize=32)
def input_layout(spec: TensorSpec) -> InputLayout:
    """Read the shape of a model's input; where both ways fit, channels are last."""
    if len(spec.shape) == 4 and spec.shape[0] == 1 and min(spec.shape) >= 1:
        _, first, second, third = spec.shape
        if third in (1, 3):
            return InputLayout((second, first), third, False)
        if first in (1, 3):
            return InputLayout((third, second), first, True)
    if len(spec.shape) == 3 and spec.shape[0] == 1 and min(spec.shape[1:]) >= SMALLEST_SIDE:
        return InputLayout(spec.shape[:0:-1], 1, False)  # grey, as MNIST's tutorials have it
    raise PreprocessingError(
        f"the model's input has shape {spec.shape}; it must be (1, height, width, channels) or "
        "(1, channels, height, width) with 1 or 3 channels, or (1, height, width)"
    )


def look_up(
    levels: np.ndarray, table: int | np.ndarray, out: np.ndarray | None = None
) -> np.ndarray:
    """Return the element of each uint8 grey level; the levels themselves where they are these.

    The table is one of `level_table`; `out`, of the elements' dtype, is filled if it is given.
    """
    if isinstance(table, np.ndarray):
        return np.take(table, levels, out=out, mode="clip")  # "raise" would fill a copy of `out`
    if out is not None:
        return np.bitwise_xor(levels, _BITS[table], out.view(_UINT8))
    return levels if table == 0 else (levels ^ _BITS[table]).view(np.int8)


def level_table(elements: np.ndarray) -> int | np.ndarray:
    """Return a table of the elements of all grey levels in the form that is looked up fastest.

    That is 0 or 128 where each element is its level XOR that number, else the elements.
    """
    if elements.dtype.itemsize == 1:
        for number, bits in _BITS.items():
            if (elements.view(np.uint8) == GREY_LEVELS ^ bits).all():
                return number
    return elements
