"""The ratio of two models' times."""

from __future__ import annotations

import gc

import pytest

from models.artifacts import artifact
from models.runtimes import RUNTIMES
from models.search.latency import measure, summarise
from models.turns import WARMUP_ROUNDS


class _Recorded:
    """A loaded model whose calls are written down."""

    def __init__(self, name, model, calls):
        self.input, self._model = model.input, model
        self._name, self._calls = name, calls
        self.was_collecting = False

    def set_input(self, elements):
        self._model.set_input(elements)

    def invoke(self):
        self.was_collecting |= gc.isenabled()
        self._calls.append(self._name)
        self._model.invoke()


def test_the_two_take_turns_without_garbage_collection():
    calls = []
    candidate, reference = (
        _Recorded(name, RUNTIMES["litert"].load(artifact(name, precision).read_bytes()), calls)
        for name, precision in (("alexnet_separable", "int8"), ("mobilenet_v2", "float32"))
    )
    latency = measure(candidate, reference, rounds=5)
    assert calls == ["alexnet_separable", "mobilenet_v2"] * (WARMUP_ROUNDS + 5)
    assert not candidate.was_collecting
    assert gc.isenabled()
    assert latency.ratio == latency.candidate_us / latency.reference_us > 0


def test_rounds_that_were_disturbed_do_not_count():
    quiet = summarise([1000] * 100, [4000] * 100)
    disturbed = summarise([1000] * 60 + [90_000] * 40, [4000] * 40 + [70_000] * 60)
    assert quiet == disturbed
    assert (quiet.ratio, quiet.candidate_us, quiet.reference_us) == pytest.approx((0.25, 1.0, 4.0))
