"""Where the time goes before, at and around inference: loading, preparing, the first inference."""

from __future__ import annotations

import numpy as np
import pytest

from bench.host import jpeg_sources as sources
from models.preprocessing import Preparation, decode, prepare
from models.preprocessing.tensors import TensorSpec
from models.running.samples import IMAGE_SHAPE, answers, difference, fill

FLOAT = TensorSpec(0, IMAGE_SHAPE, np.dtype("float32"))
SPECS = {
    "float32": FLOAT,
    "uint8": TensorSpec(0, IMAGE_SHAPE, np.dtype("uint8"), 1.0, 0),
    "int8": TensorSpec(0, IMAGE_SHAPE, np.dtype("int8"), 1.0, -128),
}
END_TO_END = "640x480"

each_size = pytest.mark.parametrize("size", sources.SIZES)


@each_size
def test_decode(size, measure):
    """From JPEG bytes to RGB pixels, no more of them than the model's input needs."""
    source = sources.jpeg(size)
    pixels = measure(decode, source, FLOAT, info={"source": size})
    assert min(pixels.shape[:2]) >= min(FLOAT.shape[1:3])


@each_size
@pytest.mark.parametrize("dtype", SPECS)
def test_prepare(size, dtype, measure):
    """From JPEG bytes to the model's tensor: decoded, made small, in the input's dtype."""
    source, spec = sources.jpeg(size), SPECS[dtype]
    tensor = measure(prepare, source, spec, info=_preparation(size, spec))
    assert tensor.shape == spec.shape


def test_load_path(tflite_model, load, info, measure, tmp_path):
    """From a file's path to an interpreter that can be invoked.

    The file is a copy, since the kernel forgets none that another interpreter has mapped.
    """
    copy = tmp_path / "copy.tflite"
    copy.write_bytes(tflite_model.read_bytes())
    _measure_loading(measure, load, copy, info, files=[copy])


def test_load_bytes(tflite_model, load, info, measure):
    """From a file's bytes to an interpreter that can be invoked."""
    _measure_loading(measure, load, tflite_model.read_bytes(), info)


def _measure_loading(measure, load, source, info, **options):
    """Time loading, but not the end of the model before: that is in the round's setup."""
    loaded = []
    measure(lambda: loaded.append(load(source)), info=info, setup=loaded.clear, **options)
    assert not difference(answers(load(source)), answers(loaded[0]))


def test_first_inference(tflite_model, interpreter, load, info, measure):
    """The first inference of a freshly loaded model; loading is not in it."""

    def filled():
        model = load(tflite_model.path)
        fill(model)
        return (model,), {}

    model = measure(_invoke, info=info, setup=filled)
    assert not difference(answers(interpreter), model.raw_outputs())


def test_classify_jpeg(classifier, info, measure):
    """From JPEG bytes to the label."""
    if len(classifier.input.shape) != 4 or classifier.input.shape[3] != 3:
        pytest.skip("the model takes no RGB picture")
    source = sources.jpeg(END_TO_END)

    def classify() -> int:
        return classifier.classify(prepare(source, classifier.input))

    preparation = _preparation(END_TO_END, classifier.input)
    answer = measure(classify, info={**info, **preparation})
    assert answer == classifier.classify(prepare(source, classifier.input))


def _preparation(size, spec):
    """What tells one preparation from another."""
    told = Preparation().for_input(spec).as_dict()
    shape = list(spec.shape)
    return {"source": size, "dtype": spec.dtype.name, "input_shape": shape, "preparation": told}


def _invoke(model):
    model.invoke()
    return model
