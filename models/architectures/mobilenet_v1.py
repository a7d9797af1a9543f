"""MobileNetV1 with a width multiplier of 0.375 and fewer repetitions.

Source: Howard et al., "MobileNets: Efficient Convolutional Neural Networks for Mobile Vision
Applications", arXiv 1704.04861, section 3.2 (table 1: the body) and section 3.3 (the width
multiplier).
"""

from __future__ import annotations

import keras
from keras import layers

from models.architectures import fitting_strides

WIDTH_MULTIPLIER = 0.375
STEM_FILTERS = 32
# (filters before the width multiplier, stride) of each depthwise-separable block. The paper's
# table 1 has five blocks of 512 at stride 1 and a second one of 1024: on pictures of 100x100
# those run on maps of 7x7 and 4x4, where one of each holds what 20 classes need.
BLOCKS = ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), (512, 1), (1024, 2))


def build(input_shape: tuple[int, int, int] = (100, 100, 3), classes: int = 20) -> keras.Model:
    """A strided convolution, depthwise-separable blocks, global average, one dense layer.

    Args:
        input_shape: (height, width, channels) of the picture.
        classes: number of output probabilities.

    Returns:
        A model from float32 RGB in 0..255, shape (batch, height, width, 3), to float32
        probabilities, shape (batch, classes).
    """
    image = keras.Input(input_shape, name="image")
    x = layers.Rescaling(1 / 255, name="scale_pixels")(image)
    strides = fitting_strides(2, input_shape[0])
    x = layers.Conv2D(
        _width(STEM_FILTERS), 3, strides=strides, padding="same", use_bias=False, name="stem"
    )(x)
    x = norm_relu(x, "stem")
    for index, (filters, strides) in enumerate(BLOCKS, start=1):
        x = separable_block(x, _width(filters), strides, f"block{index}")
    x = layers.GlobalAveragePooling2D(name="average")(x)
    probabilities = layers.Dense(classes, activation="softmax", name="probabilities")(x)
    return keras.Model(image, probabilities, name="mobilenet_v1")


def _width(filters: int) -> int:
    return int(filters * WIDTH_MULTIPLIER)


def separable_block(x, filters: int, strides: int, name: str):
    """Convolve depthwise, then pointwise: the paper's section 3.1 and figure 3."""
    x = layers.DepthwiseConv2D(
        3, strides=strides, padding="same", use_bias=False, name=f"{name}_depthwise"
    )(x)
    x = norm_relu(x, f"{name}_depthwise")
    x = layers.Conv2D(filters, 1, use_bias=False, name=f"{name}_pointwise")(x)
    return norm_relu(x, f"{name}_pointwise")


def norm_relu(x, name: str):
    """Batch normalisation and the ReLU that stops at 6."""
    x = layers.BatchNormalization(name=f"{name}_norm")(x)
    return layers.ReLU(6.0, name=f"{name}_relu")(x)
