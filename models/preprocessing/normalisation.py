"""From grey levels to a model's elements: what real values it wants, who says so, and the step."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from PIL import Image

from models.preprocessing.limits import PreprocessingError
from models.preprocessing.tensors import GREY_LEVELS, TensorSpec, input_layout, level_table, look_up

ToldBy = Literal["option", "card", "metadata", "quantisation", "assumption"]

KNOWN_RANGES = {"0..255": (0.0, 1.0), "0..1": (0.0, 255.0), "-1..1": (127.5, 127.5)}
"""Mean and standard deviation of the ranges that published models are trained on."""

_SAME_LEVELS, _SAME_RANGE_LEVELS = 1.0, 12.0
_SAME_TOP = 0.05


@dataclass(frozen=True)
class Normalisation:
    """The step real value = (grey level - mean) / std, the grey levels being 0..255.

    The terms are those of TFLite metadata's `NormalizationOptions`.

    Attributes:
        mean: one number for all channels, or one for each.
        std: as `mean`; none is 0.
        told_by: where the numbers are from.

    Raises:
        PreprocessingError: the numbers are not finite, std is 0, or they do not go together.
    """

    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)
    told_by: ToldBy = "option"

    def __post_init__(self) -> None:
        for name in ("mean", "std"):
            object.__setattr__(self, name, _numbers(name, getattr(self, name)))
        if 0.0 in self.std or len({len(self.mean), len(self.std)} | {1}) > 2:
            raise PreprocessingError(
                f"mean {self.mean} and std {self.std} make no normalisation: give one number each, "
                "or one a channel, and no std of 0"
            )
        if self.told_by not in get_args(ToldBy):
            raise PreprocessingError(f"a normalisation cannot be told by {self.told_by!r}")

    def __str__(self) -> str:
        """Say it as the table of a card does."""
        mean, std = (
            str(numbers[0]) if len(numbers) == 1 else str(numbers)
            for numbers in (self.mean, self.std)
        )
        return f"(grey level - {mean}) / {std} [{self.told_by}]"

    @property
    def changes_nothing(self) -> bool:
        """Whether the real values are the grey levels."""
        return not any(self.mean) and set(self.std) == {1.0}

    @property
    def warning(self) -> str | None:
        """One line for the user where nothing told what the model takes; else None."""
        if self.told_by != "assumption":
            return None
        low, high = ((level - self.mean[0]) / self.std[0] for level in (0, 255))
        other = (
            " (the other usual reading, -1..1, is 127.5 of each)" if (low, high) == (0, 1) else ""
        )
        return (
            f"nothing tells what values the model's input takes: assumed {low:.4g} for black and "
            f"{high:.4g} for white; --mean and --std say otherwise{other}"
        )

    @classmethod
    def of_input(cls, spec: TensorSpec) -> Normalisation:
        """Return what an input's dtype and quantisation tell, else what is usual.

        An 8-bit input whose range is that of a known normalisation takes the grey levels as they
        are (int8: less 128), as the TFLite task library hands them over. So does one of another
        range, for want of better; a float input is assumed to take 0..255. So is one of 16 bits,
        unless 1 is the largest value that its scale lets it take: then it is 0..1.
        """
        if spec.dtype == np.int16 and abs(spec.scale * np.iinfo(np.int16).max - 1) < _SAME_TOP:
            return cls((0.0,), (255.0,), "assumption")
        if spec.dtype not in (np.uint8, np.int8):
            return cls(told_by="assumption")
        if not spec.is_quantised:
            return cls((float(-np.iinfo(spec.dtype).min),), told_by="quantisation")
        first = spec.zero_point - int(np.iinfo(spec.dtype).min)
        as_they_are = (float(first),), (1 / spec.scale,)
        for mean, std in KNOWN_RANGES.values():
            ends = ((level - mean) / std / spec.scale + first - level for level in (0, 255))
            distance = max(abs(end) for end in ends)
            if distance <= _SAME_LEVELS:
                return cls(*as_they_are, "quantisation")
            if distance <= _SAME_RANGE_LEVELS:
                return cls((mean,), (std,), "quantisation")
        return cls(*as_they_are, "assumption")


def _numbers(name: str, values: object) -> tuple[float, ...]:
    try:
        numbers = tuple(float(value) for value in np.ravel(values))  # type: ignore[call-overload]
    except (TypeError, ValueError):
        numbers = ()
    if not numbers or not all(math.isfinite(number) for number in numbers):
        raise PreprocessingError(f"{name} {values!r} must be one finite number, or one a channel")
    return numbers


def to_elements(
    pixels: np.ndarray, spec: TensorSpec, normalisation: Normalisation, *, is_bgr: bool
) -> np.ndarray:
    """Bring uint8 or float32 RGB of the model's size, (height, width, 3), to its input's elements.

    Pixels that are the elements already are not copied.
    """
    layout = input_layout(spec)
    if layout.channels == 1:
        pixels = _grey(pixels)
    elif is_bgr:
        pixels = pixels[..., ::-1]
    found = _normalised(pixels, spec, normalisation)
    if layout.is_channels_first:
        found = found.transpose(2, 0, 1)
    return np.ascontiguousarray(found).reshape(spec.shape)


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
