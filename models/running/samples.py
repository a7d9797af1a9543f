"""Something to feed a model of any inputs, the same in every run and every process."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from models.data.canary_images import canary_images
from models.data.fruits360 import SIDE
from models.preprocessing.tensors import TensorSpec
from models.running.loaded_model import LoadedModel

IMAGE_SHAPE = (1, SIDE, SIDE, 3)
_CHANNELS = (1, 3, 4)
_OTHER = 10
"""The number of samples that are answered otherwise than the first: the project's models take this
canary image for another fruit."""


def sample_pixels(spec: TensorSpec) -> np.ndarray:
    """Return one input for `classify`: of the project's models a canary image, uint8 RGB."""
    return canary_images(1) if spec.shape == IMAGE_SHAPE else sample_elements(spec)


def sample_elements(spec: TensorSpec, number: int = 0) -> np.ndarray:
    """Return elements that suit an input's shape, dtype and quantisation.

    Integers of 8 and 16 bits take all their values: there the step and zero point say what they
    mean. Of 32 and 64 bits they are 0 or 1, for they may be indices. Floating-point pictures are
    whole numbers in 0..255, other floating-point inputs lie in -1..1. By the number of an input in
    its model each is filled with something else.
    """
    if spec.shape == IMAGE_SHAPE:
        return spec.quantise(canary_images(number + 1)[number:])
    random, dtype = np.random.RandomState(number), spec.dtype
    if dtype == np.bool_:
        return random.randint(0, 2, spec.shape).astype(dtype)
    if np.issubdtype(dtype, np.integer):
        limits = np.iinfo(dtype)
        low, high = (limits.min, limits.max) if dtype.itemsize <= 2 else (0, 1)
        return random.randint(low, high + 1, spec.shape).astype(dtype)
    is_picture = len(spec.shape) == 4 and {spec.shape[1], spec.shape[3]} & {*_CHANNELS}
    if is_picture:
        return random.randint(0, 256, spec.shape).astype(dtype)
    return random.uniform(-1, 1, spec.shape).astype(dtype)


def fill(model: LoadedModel) -> None:
    """Set a model's variable tensors back and every input to its sample."""
    model.reset()
    model.set_inputs([sample_elements(spec, number) for number, spec in enumerate(model.inputs)])


def answers(model: LoadedModel) -> list[np.ndarray]:
    """Return a model's outputs for its samples, from its initial state."""
    fill(model)
    model.invoke()
    return model.raw_outputs()


def other_answers(model: LoadedModel) -> list[np.ndarray]:
    """Return a model's outputs for elements that are not its samples; they stay in its memory."""
    model.reset()
    inputs = enumerate(model.inputs, start=_OTHER)
    model.set_inputs([sample_elements(spec, number) for number, spec in inputs])
    model.invoke()
    return model.raw_outputs()


def difference(expected: Sequence[np.ndarray], actual: Sequence[np.ndarray]) -> str | None:
    """Say in which output two answers differ; None where they are the same. NaN equals NaN."""
    for number, (one, other) in enumerate(zip(expected, actual, strict=True)):
        if one.shape != other.shape:
            return f"output {number} has the shape {other.shape}, not {one.shape}"
        same = one == other
        if np.issubdtype(one.dtype, np.inexact):
            same |= np.isnan(one) & np.isnan(other)
        if not same.all():
            return f"output {number} differs in {np.count_nonzero(~same):,} of {one.size:,} values"
    return None


def nan_remark(outputs: Sequence[np.ndarray]) -> str | None:
    """Say which outputs are not numbers; None where all are."""
    parts = [
        f"{np.count_nonzero(np.isnan(each)):,} of {each.size:,} values of output {number}"
        for number, each in enumerate(outputs)
        if np.issubdtype(each.dtype, np.inexact) and np.isnan(each).any()
    ]
    return f"NaN: {', '.join(parts)}" if parts else None
