"""Converted files against the Keras models that they come from."""

from __future__ import annotations

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.tools import flatbuffer_utils

from models.data.fruits360 import CLASS_NAMES, SIDE
from models.files.artifacts import PRECISIONS, artifact
from models.judging.evaluation import keras_predict_all, predict_all
from models.running.runtimes import RUNTIMES
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
WEIGHTED = (
    schema.BuiltinOperator.CONV_2D,
    schema.BuiltinOperator.DEPTHWISE_CONV_2D,
    schema.BuiltinOperator.FULLY_CONNECTED,
)


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


def test_depthwise_weights_of_a_dynamic_file_are_those_of_float(keras_model):
    """The weights of its other layers are int8."""
    from models.conversion import convert

    float_weights, dynamic_weights = (
        _weights(convert(keras_model, precision)) for precision in ("float32", "dynamic")
    )
    assert [operator for operator, _ in dynamic_weights] == [each for each, _ in float_weights]
    types = set()
    for (operator, expected), (_, actual) in zip(float_weights, dynamic_weights, strict=True):
        if operator == schema.BuiltinOperator.DEPTHWISE_CONV_2D:
            np.testing.assert_array_equal(actual, expected)
        else:
            types.add(actual.dtype)
    assert np.dtype(np.int8) in types


def _weights(content: bytes) -> list[tuple[int, np.ndarray]]:
    """Return each operator that has weights, by its code, with them."""
    model = flatbuffer_utils.read_model_from_bytearray(bytearray(content))
    (part,) = model.subgraphs
    dtypes = {schema.TensorType.FLOAT32: np.float32, schema.TensorType.INT8: np.int8}
    found = []
    for operator in part.operators:
        code = model.operatorCodes[operator.opcodeIndex].builtinCode
        if code in WEIGHTED:
            tensor = part.tensors[operator.inputs[1]]
            data = np.frombuffer(model.buffers[tensor.buffer].data.tobytes(), dtypes[tensor.type])
            found.append((code, data.reshape(tensor.shape)))
    return found


@one_float_one_int8
def test_inner_tensors_have_short_names_of_their_own(tflite_model):
    """LiteRT's quantiser goes by names."""
    model = flatbuffer_utils.read_model_from_bytearray(bytearray(tflite_model.read_bytes()))
    (part,) = model.subgraphs
    outer = {*map(int, part.inputs), *map(int, part.outputs)}
    names = [tensor.name.decode() for tensor in part.tensors]
    assert len({*names}) == len(names)
    assert all(name == str(index) for index, name in enumerate(names) if index not in outer)


def test_an_int8_file_answers_int8_pixels_as_one_of_uint8_pixels_bit_for_bit(
    keras_model, canary_images, monkeypatch
):
    """Its input is the pixel XOR 0x80, and nothing else changes."""
    tf = pytest.importorskip("tensorflow")
    from models import conversion

    load = RUNTIMES["litert"].load
    of_int8 = load(conversion.convert(keras_model, "int8", canary_images))
    monkeypatch.setattr(conversion, "INT8_FILES_TAKE", tf.uint8)
    of_uint8 = load(conversion.convert(keras_model, "int8", canary_images))
    for image in canary_images:
        of_uint8.set_input(image[None])
        of_int8.set_input((image ^ 0x80).view(np.int8)[None])
        of_uint8.invoke()
        of_int8.invoke()
        np.testing.assert_array_equal(of_int8.raw_output(), of_uint8.raw_output())


def test_a_card_names_its_conversion_and_the_types_of_its_weights(converted):
    card = converted.require_card()
    assert card.conversion["versions"].keys() >= {"tensorflow", "keras", "ai-edge-litert"}
    assert len(card.conversion["source_sha256"]) == 64
    others, depthwise = {
        "float32": ("FLOAT32", "FLOAT32"),
        "float16": ("FLOAT16", "FLOAT16"),
        "dynamic": ("INT8", "FLOAT32"),
        "int8": ("INT8", "INT8"),
    }[converted.precision]
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


@one_float_one_int8
def test_outputs_are_probabilities(tflite_model, interpreter, canary_images):
    if tflite_model.card is None:
        pytest.skip("a user's own model may answer anything")
    probabilities = predict_all(interpreter, canary_images)
    assert probabilities.min() >= 0
    # An int8 file rounds each of 20 probabilities to 1/256.
    assert probabilities.sum(axis=1) == pytest.approx(1, abs=20 / 512)


def test_folding_the_scaling_changes_no_answer(keras_model, canary_images):
    from models.conversion import fold_scaling

    folded = fold_scaling(keras_model)
    expected = keras_predict_all(keras_model, canary_images)
    actual = keras_predict_all(folded, canary_images)
    assert np.abs(expected - actual).max() < 1e-5
    assert not [layer for layer in folded.layers if type(layer).__name__ == "Rescaling"]


def test_a_stem_of_two_halves_becomes_one_and_changes_no_answer(keras_model, canary_images):
    from models.conversion import with_dense_stem

    dense = with_dense_stem(keras_model)
    expected = keras_predict_all(keras_model, canary_images)
    actual = keras_predict_all(dense, canary_images)
    assert np.abs(expected - actual).max() < 1e-5
    assert type(dense.layers[2]).__name__ == "Conv2D"
    assert (dense is keras_model) == (type(keras_model.layers[2]).__name__ == "Conv2D")


def test_a_stem_of_two_halves_may_have_a_bias():
    keras = pytest.importorskip("keras")
    from models.conversion import with_dense_stem

    image = keras.Input((9, 8, 3))
    x = keras.layers.SeparableConv2D(
        5, 3, strides=2, padding="same", depth_multiplier=2, activation="relu",
        bias_initializer="uniform",
    )(keras.layers.Rescaling(0.5)(image))  # fmt: skip
    network = keras.Model(image, x)
    pictures = np.random.default_rng(0).uniform(0, 1, (4, 9, 8, 3))
    actual, expected = (np.asarray(each(pictures)) for each in (with_dense_stem(network), network))
    np.testing.assert_allclose(actual, expected, atol=1e-6)


def test_a_scaling_with_an_offset_is_not_folded():
    keras = pytest.importorskip("keras")
    from models.conversion import fold_scaling

    image = keras.Input((8, 8, 3))
    x = keras.layers.Rescaling(1 / 127.5, offset=-1)(image)
    network = keras.Model(image, keras.layers.Conv2D(2, 3)(x))
    with pytest.raises(ValueError, match="without an offset"):
        fold_scaling(network)


def test_unknown_precisions_and_missing_calibration_are_refused(keras_model):
    from models.conversion import convert

    with pytest.raises(ValueError, match=r"unknown precision 'int4'.*float32"):
        convert(keras_model, "int4")
    with pytest.raises(ValueError, match="calibration"):
        convert(keras_model, "int8")


def test_calibration_pictures_are_spread_over_the_whole_set():
    pytest.importorskip("tensorflow")
    from models.training.distortions import evenly_spread

    chosen = evenly_spread(1000, count=5)
    assert chosen[0] == 0
    assert chosen[-1] == 999
    assert np.ptp(np.diff(chosen)) <= 1
    assert evenly_spread(3, count=5).tolist() == [0, 1, 2]


def test_calibration_covers_other_grounds_and_other_light():
    pytest.importorskip("keras", reason="TensorFlow is not installed")
    from models.training.distortions import in_other_surroundings

    white = np.full((24, 4, 4, 3), 255, np.uint8)
    pictures = in_other_surroundings(white)
    np.testing.assert_array_equal(pictures[:24], white)
    assert len({tuple(picture[0, 0]) for picture in pictures[24:]}) > 8
    assert pictures[24:].min() <= 0.8 * 160 + 1
