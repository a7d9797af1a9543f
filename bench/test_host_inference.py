"""Inference on this machine: the kernel alone, and the study's quantity."""

from __future__ import annotations

from bench.results.rows import is_of_the_study
from models.running.samples import (
    answers,
    difference,
    fill,
    other_answers,
    sample_pixels,
)


def test_invoke(interpreter, info, measure):
    """The kernel alone: the inputs are in place, the outputs are not looked at."""
    expected, stale = answers(interpreter), other_answers(interpreter)
    fill(interpreter)
    measure(interpreter.invoke, info=info)
    actual = interpreter.raw_outputs()
    fault = difference(expected, actual)
    # What stands there still was not answered in the rounds.
    assert not fault or difference(stale, actual), fault
    # A model with a state, such as an LSTM, answers the same only when that is set back.
    assert not fault or not difference(expected, answers(interpreter)), fault


def test_classify(classifier, tflite_model, info, measure):
    """Pixels in, label out: recognising and classifying one image, as the study timed it."""
    pixels = sample_pixels(classifier.input)
    answer = measure(classifier.classify, pixels, info=info)
    if tflite_model.card is not None:
        its_own = not is_of_the_study(tflite_model.card.accuracy.fingerprint)
        recorded = tflite_model.card.canary.top1[0]
        assert answer == (classifier.classify(pixels) if its_own else recorded)


def test_round_overhead(measure):
    """What is left when there is nothing to time: the timer, the call and the loop."""
    measure(_nothing, info={})


def _nothing() -> None:
    pass
