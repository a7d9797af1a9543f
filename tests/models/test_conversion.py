"""Converted files against the Keras models that they come from."""

import numpy as np
import pytest
from ai_edge_litert.tools import flatbuffer_utils

from models.data.canary_images import canary_images as draw_canary_images
from models.data.fruits360 import CLASS_NAMES, SIDE
from models.files.artifacts import PRECISIONS, artifact
from models.files.graph import read_details
from models.judging.evaluation import keras_predict_all, predict_all
from models.running.runtimes import RUNTIMES
from models.training.distortions import evenly_spread, in_other_surroundings
from tests.models.committed import one_float_one_int8

# Largest accepted difference of a probability between Keras and the converted file on photographs,
# and the smallest share of them on which both name the same class.
TOLERANCE = {"float32": 1e-4, "float16": 0.01, "dynamic": 0.2, "int8": 0.35}
AGREEMENT = {"float32": 1.0, "float16": 0.999, "dynamic": 0.995, "int8": 0.99}
# What the runtime's XNNPACK takes from its first to its last node. Of an int8 file LiteRT runs the
# end itself, softmax and uint8 answers; partitions of other files are recorded, not required.
TAKEN_WHOLE = {
    "litert": ("float32", "float16", "dynamic"),
    "tflite-runtime": ("float32", "float16"),
}
# How the weights of most layers are stored, and those of depthwise convolutions.
WEIGHTS = {
    "float32": ("FLOAT32", "FLOAT32"),
    "float16": ("FLOAT16", "FLOAT16"),
    "dynamic": ("INT8", "FLOAT32"),
    "int8": ("INT8", "INT8"),
}


@pytest.fixture(params=PRECISIONS)
def converted(request, architecture):
    return artifact(architecture.name, request.param)


def test_a_converted_file_answers_as_its_keras_model(converted, keras_model, photographs):
    # So many that one near tie among them is a share below the smallest that is accepted.
    same = _check(converted, keras_model, photographs.paths[::3])
    assert same.mean() >= AGREEMENT[converted.precision]


def test_a_converted_file_answers_as_its_keras_model_on_canary_images(
    converted, keras_model, canary_images
):
    if converted.precision == "int8":
        pytest.skip("its ranges are those of photographs: of other pictures it may think otherwise")
    _check(converted, keras_model, canary_images)


def _check(converted, keras_model, pictures):
    """Compare all probabilities; returns for each picture whether both name the same class."""
    expected = keras_predict_all(keras_model, pictures)
    actual = predict_all(RUNTIMES["litert"].load(converted.read_bytes()), pictures)
    assert np.abs(expected - actual).max() <= TOLERANCE[converted.precision]
    same = expected.argmax(axis=1) == actual.argmax(axis=1)
    # Another class may win only where the difference is large enough for that.
    best = np.sort(expected)[:, -2:]
    assert (best[:, 1] - best[:, 0])[~same].max(initial=0) <= 2 * TOLERANCE[converted.precision]
    return same


def test_the_whole_graph_is_one_partition(tflite_model, interpreter, runtime):
    taken_whole = TAKEN_WHOLE[runtime.name]
    if tflite_model.precision not in taken_whole:
        pytest.skip(f"the XNNPACK of {runtime.name} takes whole only: {', '.join(taken_whole)}")
    nodes = len(tflite_model.details.nodes)
    assert interpreter.delegated_partitions() == [nodes]


@pytest.fixture(scope="module")
def network():
    """A small network with all kinds of layers, large enough for its weights to be quantised."""
    keras = pytest.importorskip("keras", reason="TensorFlow is not installed")
    keras.utils.set_random_seed(1)
    layers, image = keras.layers, keras.Input((20, 20, 3))
    x = layers.Rescaling(1 / 255)(image)
    x = layers.SeparableConv2D(64, 5, strides=4, depth_multiplier=4, activation="relu")(x)
    x = layers.Conv2D(128, 1, activation="relu")(x)
    x = layers.DepthwiseConv2D(3, activation="relu")(x)
    x = layers.GlobalAveragePooling2D()(x)
    # Large weights, so that its answers differ from picture to picture.
    far_apart = keras.initializers.RandomUniform(-100, 100)
    x = layers.Dense(20, "softmax", kernel_initializer=far_apart)(x)
    return keras.Model(image, x, name="small")


@pytest.fixture(scope="module")
def pictures():
    return draw_canary_images()[:, ::5, ::5]


@pytest.fixture(scope="module")
def files(network, pictures):
    """Its file of each precision."""
    from models.conversion import convert

    return {precision: convert(network, precision, pictures) for precision in PRECISIONS}


@pytest.mark.parametrize("precision", PRECISIONS)
def test_each_precision_stores_its_weights_as_it_says(files, precision):
    others, depthwise = WEIGHTS[precision]
    expected = {"CONV_2D": others, "FULLY_CONNECTED": others, "DEPTHWISE_CONV_2D": depthwise}
    assert read_details(files[precision]).weight_types == expected


NEAR = {"float32": 5e-6, "float16": 1e-3, "dynamic": 0.03, "int8": 0.04}


def _farthest(content, network, pictures):
    expected = keras_predict_all(network, pictures)
    return np.abs(predict_all(RUNTIMES["litert"].load(content), pictures) - expected).max()


@pytest.mark.parametrize("precision", PRECISIONS)
def test_each_precision_is_as_near_to_keras_as_its_numbers_are(network, files, pictures, precision):
    assert _farthest(files[precision], network, pictures) <= NEAR[precision]


def test_a_scale_that_is_a_hundredth_wrong_would_be_noticed(network, pictures):
    darker = np.rint(pictures * 0.99).astype(np.uint8)
    one, other = (keras_predict_all(network, each) for each in (pictures, darker))
    assert np.abs(one - other).max() > 100 * NEAR["float32"]


def test_int8_ranges_are_those_of_the_calibration_pictures(network, files, pictures):
    """Calibrated on pictures that are nearly black, all that bright ones reach is cut off."""
    from models.conversion import convert

    dark = convert(network, "int8", pictures // 16)
    right = _farthest(files["int8"], network, pictures)
    assert _farthest(dark, network, pictures) > 10 * right


@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_inner_tensors_have_short_names_of_their_own(files, precision):
    """LiteRT's quantiser goes by names."""
    model = flatbuffer_utils.read_model_from_bytearray(bytearray(files[precision]))
    (part,) = model.subgraphs
    outer = {*map(int, part.inputs), *map(int, part.outputs)}
    names = [tensor.name.decode() for tensor in part.tensors]
    assert len({*names}) == len(names)
    assert all(name == str(index) for index, name in enumerate(names) if index not in outer)


def test_an_int8_file_answers_int8_pixels_as_one_of_uint8_pixels_bit_for_bit(
    network, files, pictures, monkeypatch
):
    """Its input is the pixel XOR 0x80, and nothing else changes."""
    tf = pytest.importorskip("tensorflow")
    from models import conversion

    of_int8 = RUNTIMES["litert"].load(files["int8"])
    monkeypatch.setattr(conversion, "INT8_FILES_TAKE", tf.uint8)
    of_uint8 = RUNTIMES["litert"].load(conversion.convert(network, "int8", pictures))
    for image in pictures:
        of_uint8.set_input(image[None])
        of_int8.set_input((image ^ 0x80).view(np.int8)[None])
        of_uint8.invoke()
        of_int8.invoke()
        np.testing.assert_array_equal(of_int8.raw_output(), of_uint8.raw_output())


def test_a_card_names_its_conversion_and_the_types_of_its_weights(converted):
    card = converted.require_card()
    assert card.conversion["versions"].keys() >= {"tensorflow", "keras", "ai-edge-litert"}
    assert len(card.conversion["source_sha256"]) == 64
    others, depthwise = WEIGHTS[converted.precision]
    weights = dict(card.conversion["weights"])
    assert weights.pop("DEPTHWISE_CONV_2D", depthwise) == depthwise
    small = {"FLOAT32", "FLOAT32, INT8"} if converted.precision == "dynamic" else set()
    assert others in weights.values() or "FLOAT32, INT8" in weights.values()
    assert set(weights.values()) <= {others, *small}
    assert converted.details.weight_types == card.conversion["weights"]


@one_float_one_int8
def test_contract_of_input_and_output(tflite_model, interpreter):
    if tflite_model.card is None:
        pytest.skip("a user's own model may take anything")
    assert interpreter.input.shape == (1, SIDE, SIDE, 3)
    assert interpreter.output.shape == (1, len(CLASS_NAMES))
    if tflite_model.precision == "int8":
        assert (interpreter.input.dtype, interpreter.output.dtype) == (np.int8, np.uint8)
        assert (interpreter.input.scale, interpreter.input.zero_point) == (1.0, -128)
        assert (interpreter.output.scale, interpreter.output.zero_point) == (1 / 256, 0)
    else:
        assert interpreter.input.dtype == interpreter.output.dtype == np.float32
        assert not interpreter.input.is_quantised


def test_folding_the_scaling_changes_no_answer(network, pictures):
    from models.conversion import fold_scaling

    folded = fold_scaling(network)
    expected = keras_predict_all(network, pictures)
    actual = keras_predict_all(folded, pictures)
    assert np.abs(expected - actual).max() < 1e-5
    assert not [layer for layer in folded.layers if type(layer).__name__ == "Rescaling"]


def test_a_stem_of_two_halves_becomes_one_and_changes_no_answer(network, pictures):
    from models.conversion import with_dense_stem

    dense = with_dense_stem(network)
    expected = keras_predict_all(network, pictures)
    actual = keras_predict_all(dense, pictures)
    assert np.abs(expected - actual).max() < 1e-5
    assert type(dense.layers[2]).__name__ == "Conv2D"
    assert with_dense_stem(dense) is dense


@pytest.mark.slow
def test_a_scaling_with_an_offset_is_not_folded():
    keras = pytest.importorskip("keras")
    from models.conversion import fold_scaling

    image = keras.Input((8, 8, 3))
    x = keras.layers.Rescaling(1 / 127.5, offset=-1)(image)
    network = keras.Model(image, keras.layers.Conv2D(2, 3)(x))
    with pytest.raises(ValueError, match="without an offset"):
        fold_scaling(network)


def test_unknown_precisions_and_missing_calibration_are_refused(network):
    from models.conversion import convert

    with pytest.raises(ValueError, match=r"unknown precision 'int4'.*float32"):
        convert(network, "int4")
    with pytest.raises(ValueError, match="calibration"):
        convert(network, "int8")


def test_calibration_pictures_are_spread_over_the_whole_set():
    chosen = evenly_spread(1000, count=5)
    assert chosen[0] == 0
    assert chosen[-1] == 999
    assert np.ptp(np.diff(chosen)) <= 1
    assert evenly_spread(3, count=5).tolist() == [0, 1, 2]


def test_calibration_covers_other_grounds_and_other_light():
    white = np.full((24, 4, 4, 3), 255, np.uint8)
    pictures = in_other_surroundings(white)
    np.testing.assert_array_equal(pictures[:24], white)
    assert len({tuple(picture[0, 0]) for picture in pictures[24:]}) > 8
    assert pictures[24:].min() <= 0.8 * 160 + 1
