"""One picture through every runtime, through Keras, and through every precision.

Each test states how far probabilities may lie apart. The likeliest class may differ only where
the reference is itself undecided: where its margin between the two classes is below that.
"""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.strategies import encoded_images, fruit_photographs, images, input_spec
from models import artifacts, runtimes
from models.canary import canary_images
from models.preprocessing import prepare

# Largest accepted differences of a probability, about three times what was seen in hundreds of
# pictures. The runtimes run the same weights, but round the integers between layers each in its
# own way. An int8 file knows only the ranges that photographs of fruit reach inside the network,
# and cuts off what goes beyond: of a plain green picture it may think anything, so that outside of
# photographs it is compared between the runtimes only.
BETWEEN_RUNTIMES = {"float32": 1e-4, "float16": 1e-3, "dynamic": 0.25, "int8": 0.4}
FROM_KERAS_ON_PHOTOGRAPHS = {"float32": 1e-4, "float16": 0.02, "dynamic": 0.25, "int8": 0.4}
FROM_KERAS_ON_ANYTHING = {"float32": 1e-4, "float16": 0.03, "dynamic": 0.3}
SMALL_TOLERANCE = {"float32": 1e-5, "float16": 1e-3, "dynamic": 0.02, "int8": 0.02}


def pictures():
    """Fruit, and what no network was trained on."""
    return st.one_of(
        fruit_photographs().map(lambda photograph: photograph.pixels),
        images(channels=(3,)),
        encoded_images().map(lambda encoded: encoded.data),
    )


def assert_agreement(expected: np.ndarray, actual: np.ndarray, tolerance: float) -> None:
    """Compare probabilities, one dimension each."""
    assert np.abs(expected - actual).max() <= tolerance
    first, second = expected.argmax(), actual.argmax()
    assert first == second or expected[first] - expected[second] <= tolerance


def answer(model: runtimes.LoadedModel, picture) -> np.ndarray:
    return model.predict(prepare(picture, model.input))


def test_runtimes_agree(tflite_model):
    """Every runtime against the first, on the same file."""
    reference, *others = [runtime.load(tflite_model.path) for runtime in runtimes.available()]
    if not others:
        pytest.skip("only one runtime is installed")
    tolerance = BETWEEN_RUNTIMES[tflite_model.precision or "int8"]

    @given(pictures())
    def agree(picture):
        expected = answer(reference, picture)
        for other in others:
            assert_agreement(expected, answer(other, picture), tolerance)

    agree()


@pytest.fixture
def every_precision(architecture, runtime):
    return {
        precision: runtime.load(artifacts.artifact(architecture.name, precision).path)
        for precision in artifacts.PRECISIONS
    }


def check_against_keras(keras_model, every_precision, source, tolerances) -> None:
    import tensorflow as tf

    graph = tf.function(lambda pixels: keras_model(pixels, training=False))  # ten times as fast

    @given(source)
    def agree(picture):
        pixels = prepare(picture, every_precision["float32"].input)
        expected = graph(pixels).numpy()[0]
        for precision, tolerance in tolerances.items():
            assert_agreement(expected, answer(every_precision[precision], picture), tolerance)

    agree()


def test_every_precision_agrees_with_keras(keras_model, every_precision):
    check_against_keras(keras_model, every_precision, pictures(), FROM_KERAS_ON_ANYTHING)


def test_every_precision_agrees_with_keras_on_photographs(
    keras_model, every_precision, photographs
):
    source = fruit_photographs(photographs.images[::7]).map(lambda photograph: photograph.pixels)
    check_against_keras(keras_model, every_precision, source, FROM_KERAS_ON_PHOTOGRAPHS)


@pytest.fixture(scope="module")
def small_network():
    """An untrained network of 20x20 pixels: the comparison itself needs no trained files."""
    keras = pytest.importorskip("keras", reason="TensorFlow is not installed")
    keras.utils.set_random_seed(0)
    image = keras.Input((20, 20, 3))
    x = keras.layers.Rescaling(1 / 255)(image)
    x = keras.layers.Conv2D(4, 3, strides=2, activation="relu")(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    return keras.Model(image, keras.layers.Dense(5, activation="softmax")(x))


@pytest.mark.filterwarnings("ignore:Statistics for quantized inputs")  # the converter's, of int8
@pytest.mark.parametrize("precision", artifacts.PRECISIONS)
def test_a_small_network_agrees_with_keras(runtime, small_network, precision):
    from models.conversion import convert

    # Ranges of tensors must cover what hypothesis draws: every single colour's extremes.
    corners = [np.full((20, 20, 3), colour) for colour in itertools.product((0, 255), repeat=3)]
    calibration = np.concatenate([canary_images()[:, ::5, ::5], corners]).astype(np.uint8)
    model = runtime.load(convert(small_network, precision, calibration))

    @given(pictures())
    def agree(picture):
        pixels = prepare(picture, input_spec("float32", 20, 20))
        expected = np.asarray(small_network(pixels, training=False))[0]
        assert_agreement(expected, answer(model, picture), SMALL_TOLERANCE[precision])

    agree()


def test_a_disagreement_is_noticed():
    sure, undecided = np.array([0.9, 0.1]), np.array([0.51, 0.49])
    with pytest.raises(AssertionError):
        assert_agreement(sure, sure[::-1], 0.1)
    with pytest.raises(AssertionError):
        assert_agreement(undecided, np.array([0.45, 0.55]), 0.05)
    assert_agreement(undecided, undecided[::-1], 0.05)
