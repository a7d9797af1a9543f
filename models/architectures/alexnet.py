"""AlexNet, reduced to about half of its width.

Source: Krizhevsky, Sutskever, Hinton, "ImageNet Classification with Deep Convolutional Neural
Networks", NIPS 2012, section 3.5 (the layers) and figure 2.
"""

from __future__ import annotations

from collections.abc import Callable

import keras
from keras import layers

# About half of the paper's 96-256-384-384-256 filters: the study's task has 20 classes, not 1000.
# A quarter (294,012 parameters) was enough for this network, but not for its separable twin, which
# has the same filters and then took one red apple for another.
FILTERS = (64, 128, 160, 160, 128)
# The paper's 4096-4096 dense units, where most of its 60 million weights are. The feature map in
# front of them is 2x2 here (6x6 in the paper), so 128 is all that they can be fed with.
DENSE_UNITS = (128, 128)


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
        * about half of the filters and 128 dense units (see above);
        * batch normalisation in place of local response normalisation (section 3.3): it folds
          into the convolution when the model is converted, so it costs nothing at run time;
        * no grouping over two GPUs (section 3.2);
        * no dropout (section 4.2): the dense layers are 32 times narrower, and with it the network
          did not learn its own training photographs;
        * a pooling pads maps of less than 3x3, so that small pictures can be classified, too.
    """
    image = keras.Input(input_shape, name="image")
    x = layers.Rescaling(1 / 255, name="scale_pixels")(image)

    x = _convolution(x, convolution, FILTERS[0], 11, "conv1", strides=4, padding="valid")
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
