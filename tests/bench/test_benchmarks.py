"""What the benchmarks of this machine time, and that they notice where nothing is."""

import inspect
from types import SimpleNamespace

import numpy as np
import pytest

from bench import test_host_inference as host
from bench import test_stages as stages
from fixtures.prepared_inputs import PreparedInput
from models.files.artifacts import user_model
from models.preprocessing import Preparation
from models.preprocessing.tensors import TensorSpec
from models.running.runtimes import RUNTIMES
from tests.models.running.test_any_file import BATCH, SUM, TWO_OUTPUTS, accumulator
from tests.models.small_files import colour_classifier, stream


@pytest.fixture
def given(tmp_path, monkeypatch):
    """What benchmarks ask for, of a small model; `calls` are those within the timed part."""
    calls, is_timed = [], [False]

    def noted(name, function):
        def call(*arguments):
            if is_timed[0]:
                calls.append(name)
            return function(*arguments)

        return call

    def load(source):
        model = RUNTIMES["litert"].load(source)
        for name in ("set_input", "write_input", "invoke", "raw_output", "reset"):
            setattr(model, name, noted(name, getattr(model, name)))
        return model

    def measure(function, *arguments, info, setup=None, files=()):
        """As the fixture does it: a warm-up, then a round."""
        for _ in range(2):
            made = setup() if setup else None
            calls.clear()
            is_timed[0] = True
            value = function(*(made[0] if made else arguments))
            is_timed[0] = False
        return value

    for name in ("decode", "prepare"):
        monkeypatch.setattr(stages, name, noted(name, getattr(stages, name)))
    path = tmp_path / "colours.tflite"
    path.write_bytes(colour_classifier((1, 100, 100, 3)))
    picture = PreparedInput("", TensorSpec(0, (1, 8, 8, 3), np.dtype("uint8")), Preparation())
    return SimpleNamespace(
        calls=calls, measure=measure, load=noted("load", load), interpreter=load(path),
        classifier=load(path), tflite_model=user_model(path), info={}, tmp_path=tmp_path,
        own_input=picture, picture_input=picture, picture_size=picture, size="100x100",
        benchmark=SimpleNamespace(enabled=True), rounds=1,
        pytestconfig=SimpleNamespace(getoption=lambda _: 1),
    )  # fmt: skip


ANSWERED = ["invoke", "raw_output"]


@pytest.mark.parametrize(
    ("benchmark_function", "timed"),
    [
        (host.test_invoke, ["invoke"]),
        (host.test_classify, ["write_input", *ANSWERED]),
        (host.test_round_overhead, []),
        (stages.test_decode, ["decode"]),
        (stages.test_prepare, ["prepare"]),
        (stages.test_load_path, ["load"]),
        (stages.test_load_bytes, ["load"]),
        (stages.test_first_inference, ["invoke"]),
        (stages.test_classify_jpeg, ["prepare", "set_input", *ANSWERED]),
    ],
)
def test_just_what_a_benchmark_is_named_after_is_timed(given, benchmark_function, timed):
    asked = inspect.signature(benchmark_function).parameters
    benchmark_function(**{name: getattr(given, name) for name in asked})
    assert given.calls == timed


@pytest.mark.parametrize(
    "content",
    [SUM, TWO_OUTPUTS, BATCH, accumulator(), stream()],
    ids=["two inputs", "two outputs", "batch of 4", "state", "variable"],
)
@pytest.mark.parametrize("rounds", [0, 1, 3])
def test_an_inference_that_was_not_run_is_noticed(runtime, content, rounds):
    def load(_):
        return runtime.load(content)

    def measure(function, info):
        for _ in range(rounds):
            function()

    told = SimpleNamespace(path=None), load(None), load, {}, measure, SimpleNamespace(enabled=True)
    if rounds:
        host.test_invoke(*told, rounds, SimpleNamespace(getoption=lambda _: 0))
    else:
        with pytest.raises(AssertionError, match="output 0 differs"):
            host.test_invoke(*told, 1, SimpleNamespace(getoption=lambda _: 0))
