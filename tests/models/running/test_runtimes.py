"""The runtimes, and what goes into and out of a model."""

import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from models.files.artifacts import ArtifactError, artifact, user_model
from models.preprocessing.tensors import TensorSpec
from models.running.probe import probe
from models.running.runtimes import RUNTIMES, Runtime, RuntimeUnavailableError
from models.running.samples import sample_pixels
from tests.models.committed import one_float_one_int8
from tests.processes import python

scales = st.floats(1e-4, 10.0)


@given(scale=scales, zero_point=st.integers(0, 255), real=st.floats(-1e3, 1e3))
def test_quantising_is_off_by_half_a_step_at_most(scale, zero_point, real):
    spec = TensorSpec(0, (1,), np.dtype(np.uint8), scale, zero_point)
    lowest, highest = (spec.dequantise(np.array([edge], np.uint8))[0] for edge in (0, 255))
    expected = np.clip(real, lowest, highest)
    actual = spec.dequantise(spec.quantise(np.array([real])))[0]
    assert abs(actual - expected) <= scale / 2 * 1.001 + 1e-5 * abs(expected)


@given(scale=scales, zero_point=st.integers(-128, 127), element=st.integers(-128, 127))
def test_quantising_what_was_dequantised_gives_the_same_element(scale, zero_point, element):
    spec = TensorSpec(0, (1,), np.dtype(np.int8), scale, zero_point)
    elements = np.array([element], np.int8)
    assert spec.quantise(spec.dequantise(elements)) == elements


@given(
    dtype=st.sampled_from(["uint8", "int8"]), scale=scales | st.just(1.0) | st.just(0.0),
    zero_point=st.integers(-128, 255),
)  # fmt: skip
@example(dtype="int8", scale=1.0, zero_point=-128)  # what the project's files take
@example(dtype="uint8", scale=1.0, zero_point=0)
def test_grey_levels_are_looked_up_as_they_are_reckoned(dtype, scale, zero_point):
    limits = np.iinfo(dtype)
    zero_point = int(np.clip(zero_point, limits.min, limits.max)) if scale else 0
    spec = TensorSpec(0, (256,), np.dtype(dtype), scale, zero_point)
    levels = np.arange(256, dtype=np.uint8)
    looked_up, reckoned = spec.quantise(levels), spec.quantise(levels.astype(np.float64))
    assert looked_up.dtype == reckoned.dtype
    assert looked_up.tolist() == reckoned.tolist()


def test_float_tensors_take_values_as_they_are():
    spec = TensorSpec(0, (2,), np.dtype(np.float32))
    values = spec.quantise(np.array([0.25, 300]))
    assert values.dtype == np.float32
    assert values.tolist() == [0.25, 300]


@one_float_one_int8
def test_classify_and_predict_agree(interpreter, canary_images):
    for image in canary_images[:4].reshape(-1, *interpreter.input.shape):
        probabilities = interpreter.predict(image)
        assert probabilities.dtype == np.float32
        assert probabilities.ndim == 1
        assert interpreter.classify(image) == probabilities.argmax()


@one_float_one_int8
def test_pixels_may_lie_in_memory_in_any_order(interpreter, canary_images):
    """They are written into the model's own memory, which has an order of its own."""
    image = canary_images[:1].reshape(interpreter.input.shape)
    expected = interpreter.predict(image)
    for other in (np.asfortranarray(image), image[..., ::-1].copy()[..., ::-1]):
        assert (interpreter.predict(other) == expected).all()


@one_float_one_int8
def test_both_interfaces_of_litert_give_the_same_answers(tflite_model, canary_images):
    """Bit by bit, for both run the same kernels."""
    pair = [RUNTIMES[name] for name in ("litert", "litert-compiled")]
    if not all(runtime.is_available for runtime in pair):
        pytest.skip("ai-edge-litert is not installed")
    interpreted, compiled = (runtime.load(tflite_model.path) for runtime in pair)
    assert compiled.input.quantise(canary_images[:1]).shape == interpreted.input.shape
    for image in canary_images[:3]:
        assert compiled.classify(image) == interpreted.classify(image)
        assert (compiled.raw_output() == interpreted.raw_output()).all()
        assert (compiled.predict(image) == interpreted.predict(image)).all()


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="needs /proc")
@pytest.mark.parametrize("name", list(RUNTIMES))
def test_a_model_has_as_many_threads_as_it_was_given(name):
    """The calling thread is one of them, so that a pool has one less."""
    if not RUNTIMES[name].is_available:
        pytest.skip(f"{name} is not installed")
    path = artifact("mobilenet_v2", "float32").path
    RUNTIMES[name].load(path)  # what a runtime starts once, for all models
    for threads in (1, 2, 3):
        before = set(Path("/proc/self/task").iterdir())
        model = RUNTIMES[name].load(path, threads=threads)
        sample = sample_pixels(model.input)
        model.classify(sample)
        assert len(set(Path("/proc/self/task").iterdir()) - before) == threads - 1


def test_samples_fit_any_input():
    for shape, dtype in [((1, 8, 8, 1), np.float32), ((1, 5), np.int8), ((2, 3), np.int32)]:
        pixels = sample_pixels(TensorSpec(0, shape, np.dtype(dtype)))
        assert pixels.shape == shape
        assert pixels.dtype == dtype
    ours = sample_pixels(TensorSpec(0, (1, 100, 100, 3), np.dtype(np.float32)))
    assert ours.dtype == np.uint8


def test_a_runtime_that_is_not_installed_says_how_to_get_it():
    absent = Runtime("absent", "no-such-runtime", "no_such_runtime.interpreter")
    assert not absent.is_available
    with pytest.raises(RuntimeUnavailableError, match="pip install no-such-runtime"):
        absent.load(b"")


@pytest.mark.slow
def test_a_runtime_is_refused_when_tensorflow_came_first():
    """TensorFlow's global symbols would replace the runtime's own kernels."""
    pytest.importorskip("tensorflow")
    code = (
        "import tensorflow\n"
        "from models.running.runtimes import RUNTIMES, RuntimeUnavailableError\n"
        "try:\n    RUNTIMES['litert'].load(b'')\n"
        "except RuntimeUnavailableError as error:\n    print(error)\n"
    )
    assert "would run TensorFlow's kernels" in python("-c", code).stdout


class TestProbe:
    @pytest.fixture
    def harmed(self, tmp_path):
        def make(harm):
            path = tmp_path / "harmed.tflite"
            path.write_bytes(harm(artifact("mobilenet_v2", "float32").path.read_bytes()))
            return user_model(path)

        return make

    def test_a_sound_file_passes(self, runtime):
        probe(artifact("mobilenet_v2", "float32"), runtime)

    @pytest.mark.parametrize("kept", [8, 1_000, 20_000])
    def test_a_truncated_file_is_refused_by_name(self, harmed, runtime, kept):
        path = harmed(lambda content: content[:kept])
        with pytest.raises(
            ArtifactError, match=r"harmed\.tflite: (damaged|.*refuses|.*crashes)"
        ) as caught:
            probe(path, runtime)
        assert "\n" not in str(caught.value)

    def test_a_crash_is_the_childs(self, tmp_path, monkeypatch):
        """A runtime that dies of a signal is reported; this process goes on."""
        (tmp_path / "crashing.py").write_text(
            "import os, signal\n"
            "def Interpreter(**options):\n    os.kill(os.getpid(), signal.SIGSEGV)\n"
        )
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))
        monkeypatch.setitem(RUNTIMES, "crashing", Runtime("crashing", "crashing", "crashing"))
        child = (
            "import models.running.runtimes as r, models.running.probe as p, sys\n"
            "r.RUNTIMES['crashing'] = r.Runtime('crashing', 'crashing', 'crashing')\n"
            "sys.exit(p._main(*sys.argv[-3:]))\n"
        )
        monkeypatch.setattr("models.running.probe.COMMAND", [sys.executable, "-c", child])
        with pytest.raises(ArtifactError, match="crashes on it \\(signal 11\\)"):
            probe(artifact("mobilenet_v2", "float32"), RUNTIMES["crashing"])
