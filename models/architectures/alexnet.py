"""AlexNet, narrow, with most of its weights in the dense layers, as in the paper.

Source: Krizhevsky, Sutskever, Hinton, "ImageNet Classification with Deep Convolutional Neural
Networks", NIPS 2012, section 3.5 (the layers) and figure 2.
"""

from __future__ import annotations

from collections.abc import Callable

import keras
from keras import layers

from models.architectures import fitting_strides

# The study's pair has 952,835 and 866,750 parameters: to make the convolutions separable saves 9 %.
# So the convolutions hold 12 % of the weights, and the dense layers, which both share, the rest.
# Here: 573,316 and 517,052, and 9.8 %.
FILTERS = (16, 32, 48, 48, 32)
DENSE_UNITS = (640, 640)


def build(
    input_shape: tuple[int, int, int] = (100, 100, 3),
    classes: int = 20,
    *,
    name: str = "alexnet",
    convolution: Callable[..., layers.Layer] = layers.Conv2D,
) -> keras.Model:
    """Five convolutions with the 11x11 stride-4 stem, three poolings, three dense layers.

    Args:
        input_shape: (height, width, channels) of the picture.
        classes: number of output probabilities.
        name: name of the Keras model.
        convolution: makes each of the five convolutions (`alexnet_separable` passes its own).

    Returns:
        A model from float32 RGB in 0..255, shape (batch, height, width, 3), to float32
        probabilities, shape (batch, classes).

    What differs from the paper, and why:
        * an eighth of the filters (of the first convolution a sixth), and 640 of 4096 dense units:
          20 classes, not 1000;
        * batch normalisation in place of local response normalisation (section 3.3): it folds
          into the convolution when the model is converted, so it costs nothing at run time;
        * no grouping over two GPUs (section 3.2);
        * no dropout (section 4.2): cut pictures keep the dense layers from learning by heart;
        * a pooling pads maps of less than 3x3, so that small pictures can be classified, too.
    """
    image = keras.Input(input_shape, name="image")
    x = layers.Rescaling(1 / 255, name="scale_pixels")(image)

    strides = fitting_strides(4, input_shape[0])
    x = _convolution(x, convolution, FILTERS[0], 11, "conv1", strides=strides, padding="valid")
    x = _pooling(x, "pool1")
    x = _convolution(x, convolution, FILTERS[1], 5, "conv2")
    x = _pooling(x, "pool2")
    x = _convolution(x, convolution, FILTERS[2], 3, "conv3")
    x = _convolution(x, convolution, FILTERS[3], 3, "conv4")
    x = _convolution(x, convolution, FILTERS[4], 3, "conv5")
    x = _pooling(x, "pool5")

    x = layers.Flatten(name="flatten")(x)
    for index, units in enumerate(DENSE_UNITS, start=6):
        x = layers.Dense(units, activation="relu", name=f"dense{index}")(x)
    probabilities = layers.Dense(classes, activation="softmax", name="probabilities")(x)
    return keras.Model(image, probabilities, name=name)


def _convolution(x, convolution, filters, kernel_size, name, *, strides=1, padding="same"):
    x = convolution(
        filters, kernel_size, strides=strides, padding=padding, use_bias=False, name=name
    )(x)
    x = layers.BatchNormalization(name=f"{name}_norm")(x)
    return layers.ReLU(name=f"{name}_relu")(x)


def _pooling(x, name):
    padding = "valid" if min(x.shape[1:3]) >= 3 else "same"
    return layers.MaxPooling2D(3, 2, padding=padding, name=name)(x)
