"""One picture through every runtime, through Keras, and through every precision.

What a quantised file rounds moves the logits, and by softmax that moves a probability much where
the network is undecided and hardly at all where it is sure. So tolerances are of log-odds: a file
may multiply the odds of a class, and of one class against another, by at most e to that power.
The likeliest class may differ only where the reference's own margin is below that.
"""

import itertools
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit, logit

from fixtures.strategies import encoded_images, fruit_photographs, images, input_spec
from models.data.canary_images import canary_images
from models.files import artifacts
from models.preprocessing import decode, prepare
from models.preprocessing.pipeline import read_pixels
from models.running import runtimes
from tests.models.committed import one_float_one_int8


@dataclass(frozen=True)
class Tolerance:
    """How far an answer may lie from the reference's.

    Attributes:
        log_odds: largest change of any log-odds, in nats.
        probability: what is too small to be told apart; of int8 files the output's own step.
    """

    log_odds: float
    probability: float = 1e-3


# A third to twice more than the largest change that was seen in tens of thousands of pictures. The
# runtimes run the same weights, but round the integers between layers each in its own way. An int8
# file knows only the ranges that its calibration reached inside the network, and cuts off what goes
# beyond: on one light blue ground MobileNetV2's moves by 2.6, on the others by less than 1. Of a
# plain green picture it may think anything, so that outside of photographs it is compared between
# the runtimes only.
FLOAT32 = Tolerance(1e-3, 1e-5)
INT8_STEP = 1 / 256
BETWEEN_RUNTIMES = {
    "float32": FLOAT32,
    "float16": Tolerance(0.01),
    "dynamic": Tolerance(1.5),
    "int8": Tolerance(3.5, INT8_STEP),
}
FROM_KERAS_ON_PHOTOGRAPHS = {
    "float32": FLOAT32,
    "float16": Tolerance(0.1),
    "dynamic": Tolerance(1.5),
    "int8": Tolerance(3.5, INT8_STEP),
}
FROM_KERAS_ON_ANYTHING = {"float32": FLOAT32, "float16": Tolerance(0.2), "dynamic": Tolerance(2.5)}
SMALL_TOLERANCE = {
    "float32": FLOAT32,
    "float16": Tolerance(0.01),
    "dynamic": Tolerance(0.1),
    "int8": Tolerance(0.1, INT8_STEP),
}


def pictures():
    """Fruit, and what no network was trained on."""
    return st.one_of(
        fruit_photographs().map(lambda photograph: photograph.pixels),
        images(channels=(3,)),
        encoded_images().map(lambda encoded: encoded.data),
    )


def assert_agreement(expected: np.ndarray, actual: np.ndarray, tolerance: Tolerance) -> None:
    """Compare probabilities, one dimension each."""
    log_odds = logit(expected.astype(float))  # infinite where a probability is 0 or 1
    lowest = expit(log_odds - tolerance.log_odds) - tolerance.probability
    highest = expit(log_odds + tolerance.log_odds) + tolerance.probability
    assert (lowest <= actual).all()
    assert (actual <= highest).all()
    first, second = expected[expected.argmax()], expected[actual.argmax()]
    assert first <= second * np.exp(tolerance.log_odds) + tolerance.probability


def answer(model: runtimes.LoadedModel, picture) -> np.ndarray:
    return model.predict(prepare(picture, model.input))


@one_float_one_int8
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
    pixels = read_pixels(photographs.take(slice(None, None, 7)), 100)
    source = fruit_photographs(pixels).map(lambda photograph: photograph.pixels)
    check_against_keras(keras_model, every_precision, source, FROM_KERAS_ON_PHOTOGRAPHS)


@pytest.fixture(scope="module")
def network():
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
def test_a_small_network_agrees_with_keras(runtime, network, precision):
    from models.conversion import convert

    # Ranges of tensors must cover what hypothesis draws: every single colour's extremes.
    corners = [np.full((20, 20, 3), colour) for colour in itertools.product((0, 255), repeat=3)]
    calibration = np.concatenate([canary_images()[:, ::5, ::5], corners]).astype(np.uint8)
    model = runtime.load(convert(network, precision, calibration))

    @given(pictures())
    def agree(picture):
        pixels = prepare(picture, input_spec("float32", 20, 20))
        expected = np.asarray(network(pixels, training=False))[0]
        assert_agreement(expected, answer(model, picture), SMALL_TOLERANCE[precision])

    agree()


def test_a_disagreement_is_noticed():
    sure, undecided = np.array([0.9, 0.1]), np.array([0.51, 0.49])
    factor_of_two = Tolerance(np.log(2))
    with pytest.raises(AssertionError):
        assert_agreement(sure, sure[::-1], factor_of_two)
    with pytest.raises(AssertionError):
        assert_agreement(undecided, np.array([0.32, 0.68]), factor_of_two)
    assert_agreement(undecided, undecided[::-1], factor_of_two)
    assert_agreement(undecided, np.array([0.36, 0.64]), factor_of_two)
    # The same difference of the probability is too much where the network is sure.
    assert_agreement(sure, np.array([0.85, 0.15]), factor_of_two)
    with pytest.raises(AssertionError):
        assert_agreement(sure, np.array([0.75, 0.25]), factor_of_two)
    assert_agreement(np.array([1.0, 0.0]), np.array([1.0, 0.0]), factor_of_two)


@one_float_one_int8
def test_swapped_channels_are_noticed(tflite_model, photographs):
    """The widest tolerances still see a fault that preparation could really have."""
    model = runtimes.available()[0].load(tflite_model.path)

    def swap_channels():
        for picture in map(decode, photographs.paths[::100]):
            assert_agreement(
                answer(model, picture),
                answer(model, picture[..., ::-1]),
                FROM_KERAS_ON_PHOTOGRAPHS[tflite_model.precision],
            )

    with pytest.raises(AssertionError):
        swap_channels()
