"""The integer and the floating-point way into a model say the same."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.strategies import images, input_spec, input_specs
from models.preprocessing import (
    Normalisation,
    Preparation,
    PreprocessingError,
    prepare,
    prepare_batch,
)
from models.preprocessing.tensors import TensorSpec

FLOAT = input_spec()


@given(images(), st.sampled_from(("uint8", "int8")))
def test_dequantised_integers_are_the_floats(pixels, dtype):
    spec = input_spec(dtype)
    np.testing.assert_array_equal(spec.dequantise(prepare(pixels, spec)), prepare(pixels, FLOAT))


@given(images(channels=(3,), min_side=100, max_side=100), st.sampled_from(("uint8", "int8")))
def test_a_float_picture_is_quantised_like_an_integer_one(pixels, dtype):
    spec = input_spec(dtype)
    floats = pixels.astype(np.float32)
    np.testing.assert_array_equal(prepare(floats, spec), prepare(pixels, spec))


def test_of_many_the_faulty_one_is_named():
    with pytest.raises(PreprocessingError, match="picture 1: the picture is empty"):
        prepare_batch([np.zeros((4, 4, 3), np.uint8), b""], FLOAT)


def test_none_at_all_is_refused():
    with pytest.raises(PreprocessingError, match="no picture"):
        prepare_batch([], FLOAT)


@given(images(), input_specs(dtypes=("uint8", "int8")))
def test_no_level_is_cut_off_to_the_step_below(pixels, spec):
    """Truncating instead of rounding is off by more than half a step nearly everywhere.

    Where the model's range ends before the picture's it is the range's end.
    """
    real = prepare(pixels, TensorSpec(0, spec.shape, np.dtype("float32")))
    limits = np.iinfo(spec.dtype)
    low, high = (spec.dequantise(np.array(limit)) for limit in (limits.min, limits.max))
    told = Preparation(normalisation=Normalisation())
    difference = np.abs(spec.dequantise(prepare(pixels, spec, told)) - np.clip(real, low, high))
    assert difference.max() <= spec.scale / 2 + 1e-3
