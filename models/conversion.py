"""From a trained Keras model to `.tflite` files of four precisions."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Iterator

import keras
import numpy as np
import tensorflow as tf
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.tools import flatbuffer_utils
from keras import layers

INT8_FILES_TAKE = tf.int8
"""With uint8 the file begins with a conversion to int8, which no XNNPACK takes: in the fifth
network's former shape it lasted nearly as long as all that followed."""


def convert(model: keras.Model, precision: str, calibration: np.ndarray | None = None) -> bytes:
    """Convert a network that takes RGB in 0..255.

    The batch is fixed at 1: with an open batch dimension XNNPACK does not take the whole graph.
    The scaling of pixels is folded into the first convolution, so it is part of the graph and
    costs nothing; and the two halves of a separable one into each other.

    Args:
        model: input (batch, height, width, 3), RGB in 0..255; output class probabilities.
        precision: "float32", "float16" (weights), "dynamic" (int8 weights but for depthwise
            convolutions, float arithmetic at the edges) or "int8" (full integer: int8 in, which is
            a pixel XOR 0x80, and uint8 out).
        calibration: for int8: uint8 RGB photographs, shape (count, height, width, 3), over
            which the ranges of all tensors are taken.

    Returns:
        The file's bytes.

    Raises:
        ValueError: unknown precision, or int8 without calibration photographs.
    """
    if precision not in _SETTINGS:
        raise ValueError(f"unknown precision {precision!r}; known are: {', '.join(_SETTINGS)}")
    if precision == "int8" and (calibration is None or not len(calibration)):
        raise ValueError("int8 needs calibration photographs")
    network = with_batch_of_one(with_dense_stem(fold_scaling(model)))
    converter = tf.lite.TFLiteConverter.from_keras_model(network)
    # Per-channel dense weights make FULLY_CONNECTED version 12, which tflite-runtime refuses.
    converter._experimental_disable_per_channel_quantization_for_dense_layers = True
    _SETTINGS[precision](converter, calibration)
    with contextlib.redirect_stdout(io.StringIO()):  # Keras tells of a file that is removed again
        content = converter.convert()
    if precision == "dynamic":
        content = with_float_depthwise(content, convert(model, "float32"))
    return with_short_names(content)


def _float32(converter, calibration):
    pass


def _float16(converter, calibration):
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_types = [tf.float16]


def _dynamic(converter, calibration):
    converter.optimizations = [tf.lite.Optimize.DEFAULT]


def _int8(converter, calibration):
    def representative() -> Iterator[list[np.ndarray]]:
        for image in calibration:
            yield [image[None].astype(np.float32)]

    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = representative
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = INT8_FILES_TAKE
    converter.inference_output_type = tf.uint8


_SETTINGS: dict[str, Callable] = {
    "float32": _float32,
    "float16": _float16,
    "dynamic": _dynamic,
    "int8": _int8,
}


def with_float_depthwise(content: bytes, float_content: bytes) -> bytes:
    """Return a file whose depthwise convolutions have the float weights of another.

    XNNPACK takes no depthwise convolution that quantises its input as it runs: each one goes to the
    runtime's own slower kernel, and cuts the graph (AlexNet Separable, with a stem of 63 spatial
    filters, took 721 us so, and 137 with float weights). Their weights are few. Both are the bytes
    of files with float tensors between their operators.
    """
    model = flatbuffer_utils.read_model_from_bytearray(bytearray(content))
    exact = flatbuffer_utils.read_model_from_bytearray(bytearray(float_content))
    for weights, expected in zip(_depthwise(model), _depthwise(exact), strict=True):
        if weights.type == schema.TensorType.INT8:  # else it is too small to be quantised
            if list(weights.shape) != list(expected.shape):
                raise ValueError("the float32 file is another network's")
            model.buffers[weights.buffer].data = exact.buffers[expected.buffer].data
            weights.type, weights.quantization = schema.TensorType.FLOAT32, None
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


def _depthwise(model: schema.ModelT) -> list[schema.TensorT]:
    """Return the weights of the depthwise convolutions, in the order of the graph."""
    code = schema.BuiltinOperator.DEPTHWISE_CONV_2D
    return [
        graph.tensors[operator.inputs[1]]
        for graph in model.subgraphs
        for operator in graph.operators
        if model.operatorCodes[operator.opcodeIndex].builtinCode == code
    ]


def with_short_names(content: bytes) -> bytes:
    """Return an equal file whose inner tensors are called by their numbers.

    The converter's names are of no use when a file runs, and take a tenth to a fifth of the
    smallest ones. LiteRT's own quantiser and other tools go by names, so each must have one.
    """
    model = flatbuffer_utils.read_model_from_bytearray(bytearray(content))
    for graph in model.subgraphs:
        named = {*map(int, graph.inputs), *map(int, graph.outputs)}
        for index, tensor in enumerate(graph.tensors):
            if index not in named:
                tensor.name = str(index)
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


def with_batch_of_one(model: keras.Model) -> keras.Model:
    """Return the same network with the batch dimension fixed at 1; weights are shared."""
    image = keras.Input(batch_shape=(1, *model.input_shape[1:]), name="image")
    return keras.Model(image, model(image), name=model.name)


def fold_scaling(model: keras.Model) -> keras.Model:
    """Return an equal network whose first convolution does the scaling of the pixels.

    A convolution is linear: conv(s x; w) = conv(x; s w), with padding too, since a padded zero
    scales to zero. A network that begins otherwise, or with an offset, is a ValueError.
    """
    scaling, first = model.layers[1], model.layers[2]
    if not isinstance(scaling, layers.Rescaling) or np.any(scaling.offset):
        raise ValueError(f"{model.name} does not begin with a Rescaling layer without an offset")

    def clone(layer):
        if layer is scaling:
            return layers.Identity(name=layer.name)
        return layer.__class__.from_config(layer.get_config())

    folded = keras.models.clone_model(model, clone_function=clone)
    folded.set_weights(model.get_weights())
    convolution = folded.get_layer(first.name)
    kernel, *others = convolution.get_weights()  # the depthwise one, where there are two
    convolution.set_weights([kernel * float(scaling.scale), *others])
    return folded


def with_dense_stem(model: keras.Model) -> keras.Model:
    """Return an equal network whose first convolution is dense, where it was separable.

    Nothing stands between the halves of a separable convolution, so they are one dense one, whose
    weights are w[y, x, c, f] = sum over m of depthwise[y, x, c, m] pointwise[c m, f]. That has more
    multiply-accumulates. But XNNPACK runs several spatial filters a colour as groups of one channel
    each, where products of int8 have nothing to sum over: `invoke` of AlexNet Separable takes 0.916
    (0.913 to 0.918) of its time so in float32, and 0.413 (0.412 to 0.415) in int8
    (`python -m bench ratios`, AMD EPYC with AVX-512).
    """
    first = model.layers[2]
    if not isinstance(first, layers.SeparableConv2D):
        return model
    own = first.get_config()
    kept = ("name", "filters", "kernel_size", "strides", "padding", "dilation_rate", "activation",
            "use_bias")  # fmt: skip
    dense = layers.Conv2D(**{key: own[key] for key in kept})

    def clone(layer):
        return dense if layer is first else layer.__class__.from_config(layer.get_config())

    folded = keras.models.clone_model(model, clone_function=clone)
    for old, new in zip(model.layers, folded.layers, strict=True):
        if old is not first:
            new.set_weights(old.get_weights())
    depthwise, pointwise, *bias = (weights.astype(np.float64) for weights in first.get_weights())
    by_channel = pointwise.reshape(*depthwise.shape[2:], -1)
    dense.set_weights([np.einsum("yxcm,cmf->yxcf", depthwise, by_channel), *bias])
    return folded
