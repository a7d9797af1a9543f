"""Patch Separable: a stem of small patches far apart, then depthwise-separable convolutions.

Source: the stem is the patch embedding of Dosovitskiy et al., "An Image is Worth 16x16 Words",
arXiv 2010.11929, section 3.1, in a convolutional network as in Trockman and Kolter, "Patches Are
All You Need?", arXiv 2201.09792, section 2, but with gaps between the patches; the body is that of
Howard et al., "MobileNets", arXiv 1704.04861, section 3.1. It learns from pictures that are cut
(`models.training.augmentation`).

It is designed for few weights and a short call. Figures are of float32, LiteRT 2.3.0, one thread of
an AMD EPYC with AVX-512:
    * The first layers of a network take most of its time: there the picture is large, and has few
      channels. In AlexNet Separable the stem's filters of 11x11 take 65 %
      (`python -m bench operators --each`). Here the stem reads patches of 2x2, one in each 6x6
      pixels: a ninth of the picture (`models/README.md`, "The fifth shape").
    * Maps of 17x17 leave the stem, and 5x5 after two blocks. Depthwise convolutions have a low
      arithmetic intensity, so none sees more than that.
    * At this size an operator costs a few tenths of a microsecond whatever it computes. So there
      are 11, no residual additions and no expansions. The last block keeps its strides at 1:
      what is averaged at the end is 25 positions.
    * Widths are multiples of 16, as vector registers are, and small enough that weights and maps
      stay in the first-level cache.
    * 223,584 multiply-accumulates in all.
"""

from __future__ import annotations

import keras
from keras import layers

from models.architectures import fitting_strides
from models.architectures.mobilenet_v1 import norm_relu, separable_block

PATCH_SIDE = 2
PATCH_STRIDES = 6  # from one patch to the next, in pixels
STEM_FILTERS = 16
BLOCKS = ((32, 2), (48, 2), (48, 1))  # (filters, strides) of each depthwise-separable block


def build(
    input_shape: tuple[int, int, int] = (100, 100, 3),
    classes: int = 20,
    patch_strides: int = PATCH_STRIDES,
    is_gated: bool = False,
) -> keras.Model:
    """Patches, depthwise-separable blocks, global average, one dense layer.

    Args:
        input_shape: (height, width, channels) of the picture.
        classes: number of output probabilities.
        patch_strides: from one patch to the next, in pixels.
        is_gated: whether the stem's channels are weighted by what they are in the mean over the
            picture: its light and its ground. Source: Hu et al., "Squeeze-and-Excitation Networks",
            arXiv 1709.01507, section 3, with one layer in place of two.

    Returns:
        A model from float32 RGB in 0..255, shape (batch, height, width, 3), to float32
        probabilities, shape (batch, classes).
    """
    image = keras.Input(input_shape, name="image")
    x = layers.Rescaling(1 / 255, name="scale_pixels")(image)
    strides = fitting_strides(patch_strides, input_shape[0])
    x = layers.Conv2D(STEM_FILTERS, PATCH_SIDE, strides, use_bias=False, name="stem")(x)
    x = norm_relu(x, "stem")
    if is_gated:
        mean = layers.GlobalAveragePooling2D(keepdims=True, name="gate_mean")(x)
        gate = layers.Conv2D(STEM_FILTERS, 1, activation="relu", name="gate")(mean)
        x = layers.Multiply(name="gated")([x, gate])
    for index, (filters, strides) in enumerate(BLOCKS, start=1):
        x = separable_block(x, filters, strides, f"block{index}")
    x = layers.GlobalAveragePooling2D(name="average")(x)
    probabilities = layers.Dense(classes, activation="softmax", name="probabilities")(x)
    return keras.Model(image, probabilities, name="patch_separable")
