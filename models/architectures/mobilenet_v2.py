"""MobileNetV2, with a quarter to a half of its width.

Source: Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks",
arXiv 1801.04381, section 3.3 (figure 3: the block) and section 4 (table 2: the body).
"""

from __future__ import annotations

import keras
from keras import layers

from models.architectures import fitting_strides
from models.architectures.mobilenet_v1 import norm_relu

STEM_FILTERS = 8
# (expansion t, output channels c, repetitions n, stride s of the first), as in the paper's
# table 2, with a quarter to a half of its 16-24-32-64-96 channels (multiples of 8, which the
# kernels work in), two repetitions at the most, and without its last two rows (160 and 320
# channels on a map that is 4x4 here). The head has an eighth of its 1280.
BOTTLENECKS = ((1, 8, 1, 1), (6, 8, 2, 2), (6, 16, 2, 2), (6, 16, 2, 2), (6, 24, 2, 1))
HEAD_FILTERS = 160


def build(input_shape: tuple[int, int, int] = (100, 100, 3), classes: int = 20) -> keras.Model:
    """A strided convolution, inverted residuals, a 1x1 head, global average, one dense layer.

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
        STEM_FILTERS, 3, strides=strides, padding="same", use_bias=False, name="stem"
    )(x)
    x = norm_relu(x, "stem")
    index = 0
    for expansion, filters, repetitions, first_strides in BOTTLENECKS:
        for repetition in range(repetitions):
            index += 1
            strides = first_strides if repetition == 0 else 1
            x = _inverted_residual(x, expansion, filters, strides, f"block{index}")
    x = layers.Conv2D(HEAD_FILTERS, 1, use_bias=False, name="head")(x)
    x = norm_relu(x, "head")
    x = layers.GlobalAveragePooling2D(name="average")(x)
    probabilities = layers.Dense(classes, activation="softmax", name="probabilities")(x)
    return keras.Model(image, probabilities, name="mobilenet_v2")


def _inverted_residual(x, expansion, filters, strides, name):
    """Expand, filter depthwise, project without an activation (the linear bottleneck)."""
    block_input = x
    channels = x.shape[-1]
    if expansion != 1:
        x = layers.Conv2D(expansion * channels, 1, use_bias=False, name=f"{name}_expand")(x)
        x = norm_relu(x, f"{name}_expand")
    x = layers.DepthwiseConv2D(
        3, strides=strides, padding="same", use_bias=False, name=f"{name}_depthwise"
    )(x)
    x = norm_relu(x, f"{name}_depthwise")
    x = layers.Conv2D(filters, 1, use_bias=False, name=f"{name}_project")(x)
    x = layers.BatchNormalization(name=f"{name}_project_norm")(x)
    if strides == 1 and channels == filters:
        x = layers.Add(name=f"{name}_add")([block_input, x])
    return x
