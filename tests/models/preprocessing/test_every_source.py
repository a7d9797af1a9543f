"""Whatever a picture comes in, the tensor has the model's shape, dtype and range."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from fixtures.strategies import (
    camera_frames,
    encode,
    encoded_images,
    fruit_photographs,
    images,
    input_spec,
    input_specs,
)
from models.preprocessing import Preparation, PreprocessingError, decode, prepare
from models.preprocessing.tensors import TensorSpec

FITS = st.sampled_from(("squash", "letterbox"))
SCALINGS = st.sampled_from(("antialiased", "android"))


def sources():
    """Everything that `prepare` takes, except paths, which are tested one by one."""
    return st.one_of(
        images(),
        images().map(lambda pixels: pixels.astype(np.float32)),
        images().map(lambda pixels: pixels.astype(np.uint16) * 257),
        images(channels=(3, 4)).map(Image.fromarray),
        encoded_images().map(lambda encoded: encoded.data),
        camera_frames(),
        fruit_photographs().map(lambda photograph: photograph.pixels),
    )


@given(sources(), input_specs(in_levels=True), FITS, SCALINGS)
def test_shape_dtype_and_range(source, spec, fit, scaling):
    tensor = prepare(source, spec, Preparation(fit=fit, resampling=scaling))
    assert tensor.shape == spec.shape
    assert tensor.dtype == spec.dtype
    values = spec.dequantise(tensor)
    assert values.min() >= 0
    assert values.max() <= 255


@given(sources())
def test_decoding_gives_rgb_bytes(source):
    pixels = decode(source)
    assert pixels.dtype == np.uint8
    assert pixels.ndim == 3
    assert pixels.shape[2] == 3


@given(images(channels=(3,), min_side=100, max_side=100), input_specs(sides=(100,), in_levels=True))
def test_a_picture_that_fits_is_not_copied(pixels, spec):
    tensor = prepare(pixels, spec)
    assert np.shares_memory(tensor, pixels) == (spec.dtype == np.uint8)
    if spec.dtype == np.float32:
        floats = pixels.astype(np.float32)
        assert np.shares_memory(prepare(floats, spec), floats)


def test_fractions_of_a_picture_that_fits_are_kept():
    pixels = np.full((100, 100, 3), 99.25, np.float32)
    assert (prepare(pixels, input_spec()) == 99.25).all()


@pytest.mark.parametrize(
    "source",
    [
        None,
        5,
        ["a.jpg"],
        np.zeros((0, 4, 3), np.uint8),
        np.zeros((4, 4, 2), np.uint8),
        np.zeros((1, 4, 4, 3), np.uint8),
        np.zeros((4, 4, 3), np.int64),
        np.zeros((4, 4, 3), bool),
        np.full((4, 4, 3), np.nan, np.float32),
        np.full((4, 4, 3), -1, np.float32),
        np.full((4, 4, 3), 256, np.float64),
        Image.new("RGB", (0, 4)),
        "no such file.jpg",
        "null\0character.jpg",
        b"",
        b"\x89PNG\r\n\x1a\n",
        encode(np.zeros((4, 4, 3), np.uint8), "TIFF"),
    ],
    ids=lambda source: type(source).__name__,
)
def test_what_is_no_picture_is_refused_in_one_line(source):
    with pytest.raises(PreprocessingError) as caught:
        prepare(source, input_spec())
    assert str(caught.value)
    assert "\n" not in str(caught.value)


def test_paths_that_are_no_files_are_refused(tmp_path):
    import os

    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)  # opening it would wait for a writer for ever
    for path in (tmp_path, fifo, "/dev/zero"):
        with pytest.raises(PreprocessingError, match="not a file"):
            prepare(path, input_spec())


@pytest.mark.parametrize("shape", [(100, 100), (2, 100, 100, 3), (1, 100, 100, 4), (1, 0, 9, 3)])
def test_models_that_take_no_picture_are_refused(shape):
    spec = TensorSpec(0, shape, np.dtype("float32"))
    with pytest.raises(PreprocessingError, match="model's input has shape"):
        prepare(np.zeros((4, 4, 3), np.uint8), spec)


@pytest.mark.parametrize(
    "option",
    [
        {"fit": "stretch"},
        {"resampling": "nearest"},
        {"channel_order": "GBR"},
        {"colour_profile": "P3"},
        {"region": (0.5, 0, 0.5, 1)},
        {"region": (0, 0, 100, 100)},
        {"region": "middle"},
        {"fit": "crop", "crop_from": 0},
        {"crop_from": 256},
        {"ground": (0, 0, 256)},
        {"ground": 0},
        {"white": 0},
        {"white": "1"},
    ],
    ids=repr,
)
def test_unknown_options_are_refused(option):
    with pytest.raises(PreprocessingError, match="must be"):
        Preparation(**option)
