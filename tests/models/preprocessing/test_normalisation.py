"""Grey levels become the values that the model takes, rounded to its steps, and who said so."""

from dataclasses import replace

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
LEVELS = np.arange(256, dtype=np.uint8).repeat(3).reshape(16, 16, 3)


def spec_of(dtype: str, scale: float = 0.0, zero_point: int = 0) -> TensorSpec:
    return TensorSpec(0, (1, 16, 16, 3), np.dtype(dtype), scale, zero_point)


@pytest.mark.parametrize(
    ("dtype", "scale", "zero_point"),
    [("uint8", 1 / 128, 128), ("uint8", 1 / 127.5, 127), ("uint8", 1 / 255, 0), ("uint8", 1.0, 0),
     ("int8", 1 / 128, 0), ("int8", 1 / 127.5, -1), ("int8", 1 / 255, -128), ("int8", 1.0, -128)],
)  # fmt: skip
def test_an_8_bit_input_of_a_known_range_takes_the_levels_themselves(dtype, scale, zero_point):
    """A quantised MobileNet of scale 1/128 was fed 0..255, clipped to 0..1, before."""
    spec = spec_of(dtype, scale, zero_point)
    tensor = prepare(LEVELS, spec)[0]
    np.testing.assert_array_equal(tensor.astype(int), LEVELS.astype(int) + np.iinfo(dtype).min)
    normalisation = Normalisation.of_input(spec)
    assert normalisation.told_by == "quantisation"
    assert normalisation.warning is None


def test_a_range_that_is_nearly_a_known_one_keeps_its_own_steps():
    """Calibration saw nothing brighter than 250."""
    spec = spec_of("int8", 250 / 255, -128)
    real = spec.dequantise(prepare(LEVELS, spec))[0]
    assert np.abs(real - np.minimum(LEVELS, 250)).max() <= 0.5


@pytest.mark.parametrize("spec", [spec_of("float32"), spec_of("int8", 0.0187, -14)])
def test_what_nothing_tells_is_assumed_and_said_in_one_line(spec):
    warning = Normalisation.of_input(spec).warning
    assert warning is not None
    assert "assumed" in warning
    assert "\n" not in warning


@given(images(channels=(3,)), st.sampled_from([((127.5,), (127.5,)), ((0.0,), (255.0,)),
       ((123.675, 116.28, 103.53), (58.395, 57.12, 57.375))]))  # fmt: skip
def test_mean_and_std_of_a_float_input(pixels, numbers):
    mean, std = numbers
    told = Preparation(normalisation=Normalisation(mean, std, "metadata"))
    expected = (prepare(pixels, input_spec()) - mean) / std
    np.testing.assert_allclose(prepare(pixels, input_spec(), told), expected, atol=1e-5)


@given(images(channels=(3,)), st.sampled_from(("uint8", "int8")), st.floats(0.005, 0.05))
def test_mean_and_std_of_a_quantised_input(pixels, dtype, scale):
    spec = TensorSpec(0, (1, 100, 100, 3), np.dtype(dtype), scale, int(np.iinfo(dtype).min) + 110)
    mean, std = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)
    told = Preparation(normalisation=Normalisation(mean, std))
    real = (prepare(pixels, input_spec()).astype(np.float64) - mean) / std
    np.testing.assert_array_equal(prepare(pixels, spec, told), spec.quantise(real))


@pytest.mark.parametrize(
    ("mean", "std"),
    [(0, 0), ((1, 2), 3), ((1, 2, 3), (1, 2)), (float("nan"), 1), ("a", 1), ((), 1)],
)
def test_numbers_that_make_no_normalisation_are_refused(mean, std):
    with pytest.raises(PreprocessingError):
        prepare(LEVELS, spec_of("float32"), Preparation(normalisation=Normalisation(mean, std)))


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


def test_an_int16_input_whose_largest_value_is_1_takes_0_to_1():
    """Of 16x8 quantisation; as 0..255 nearly every grey level would be its largest element."""
    spec = spec_of("int16", 1 / 32_767, 0)
    normalisation = Normalisation.of_input(spec)
    assert (normalisation.mean, normalisation.std) == ((0,), (255,))
    assert "-1..1, is 127.5 of each" in str(normalisation.warning)
    assert prepare(LEVELS, spec, Preparation())[0, :, :, 0].max() == 32_767
    assert len(np.unique(prepare(LEVELS, spec, Preparation()))) == 256
    assert Normalisation.of_input(spec_of("int16", 255 / 32_767, 0)).changes_nothing


def test_a_grey_input_may_have_no_channels():
    """As MNIST's tutorials have it."""
    with_channel, without = (replace(spec_of("float32"), shape=(1, 28, 20, *c)) for c in ((1,), ()))
    expected, actual = (prepare(LEVELS, each, Preparation()) for each in (with_channel, without))
    assert actual.shape == without.shape
    assert (actual == expected[..., 0]).all()
