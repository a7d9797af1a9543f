"""Inference on this machine: the kernel alone, and the study's quantity."""

from __future__ import annotations

from bench.results.rows import is_of_the_study
from models.running.samples import answers, difference, fill, other_answers, sample_pixels


def test_invoke(tflite_model, interpreter, load, info, measure, benchmark, rounds, pytestconfig):
    """The kernel alone: the inputs are in place, the outputs are not looked at."""
    expected, stale = answers(interpreter), other_answers(interpreter)
    fill(interpreter)
    measure(interpreter.invoke, info=info)
    actual = interpreter.raw_outputs()
    fault = difference(expected, actual)
    if fault:  # a model with a state goes on from round to round: as a fresh one does
        fresh = load(tflite_model.path)
        same = not difference(expected, answers(fresh)), not difference(stale, other_answers(fresh))
        assert all(same), fault
        fill(fresh)
        warmup_rounds = pytestconfig.getoption("warmup_rounds")
        for _ in range(rounds + warmup_rounds if benchmark.enabled else 1):
            fresh.invoke()
        assert not difference(fresh.raw_outputs(), actual), fault


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
