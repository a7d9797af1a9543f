"""Inference on this machine: the kernel alone, and the study's quantity."""

from __future__ import annotations

from models.running.samples import sample_pixels


def test_invoke(interpreter, info, measure):
    """The kernel alone: the input is in place, the output is not looked at."""
    pixels = sample_pixels(interpreter.input)
    expected = interpreter.predict(pixels)
    measure(interpreter.invoke, info=info)
    assert (interpreter.output.dequantise(interpreter.raw_output()).ravel() == expected).all()


def test_classify(interpreter, tflite_model, info, measure):
    """Pixels in, label out: recognising and classifying one image, as the study timed it."""
    pixels = sample_pixels(interpreter.input)
    answer = measure(interpreter.classify, pixels, info=info)
    if tflite_model.card is not None:
        assert answer == tflite_model.card.canary.top1[0]


def test_round_overhead(measure):
    """What is left when there is nothing to time: the timer, the call and the loop."""
    measure(_nothing, info={})


def _nothing() -> None:
    pass
