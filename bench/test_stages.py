"""Where the time goes before, at and around inference: loading, preparing, the first inference."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.host import JPEG_SIZES, jpeg
from models.preprocessing import decode, prepare
from models.running.samples import answers, difference, fill

END_TO_END = "640x480"

each_size = pytest.mark.parametrize("size", JPEG_SIZES)


@each_size
def test_decode(size, picture_size, measure):
    """From JPEG bytes to RGB pixels, no more of them than the model's input needs."""
    source, given = jpeg(size), picture_size
    without = replace(given.preparation, normalisation=None).as_dict()
    info = {**given.info(size), "dtype": None, "preparation": without}
    pixels = measure(decode, source, given.spec, given.preparation, info=info)
    assert pixels.size


@each_size
def test_prepare(size, picture_input, measure):
    """From JPEG bytes to the model's tensor: decoded, made small, in the input's dtype."""
    source, given = jpeg(size), picture_input
    tensor = measure(prepare, source, given.spec, given.preparation, info=given.info(size))
    assert tensor.shape == given.spec.shape


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


def test_classify_jpeg(classifier, own_input, info, measure):
    """From JPEG bytes to the label."""
    source, preparation = jpeg(END_TO_END), own_input.preparation

    def classify() -> int:
        return classifier.classify(prepare(source, classifier.input, preparation))

    answer = measure(classify, info={**info, **own_input.info(END_TO_END)})
    assert answer == classifier.classify(prepare(source, classifier.input, preparation))


def _invoke(model):
    model.invoke()
    return model
