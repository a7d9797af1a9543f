"""Patch Separable: a stem of patches that do not overlap, then depthwise-separable convolutions.

Source: the stem is the patch embedding of Dosovitskiy et al., "An Image is Worth 16x16 Words",
arXiv 2010.11929, section 3.1, in a convolutional network as in Trockman and Kolter, "Patches Are
All You Need?", arXiv 2201.09792, section 2; the body is that of Howard et al., "MobileNets", arXiv
1704.04861, section 3.1. It learns from pictures that are cut (`models.training.augmentation`).

It is designed for few weights and a short call, by what `python -m bench operators --each` shows of
the study's four and of it (float32, LiteRT 2.3.0, one thread of an AMD EPYC with AVX-512):
    * The first layers take most of the time: there the picture is large, and has few channels.
      In AlexNet Separable the stem's filters of 11x11 take 64 to 65 % of it. Patches of 5x5
      read each pixel once, and leave maps of 20x20 to all that follows; the stem is one dense
      matrix product, 16 outputs wide, which is what XNNPACK runs best, in float32 and, with dot
      products of int8, on ARM.
    * Depthwise convolutions have a low arithmetic intensity: the first one here does 29 GFLOP/s,
      the pointwise one after it 77. They see 20x20 positions at most.
    * Widths are multiples of 4 and mostly of 8, as vector registers are, and small enough that
      weights and maps stay in the first-level cache.
    * No residual additions and no expansions: each is another pass over a map.
    * 1,013,880 multiply-accumulates in all. Half of them are the stem's, which takes 37 % of a
      call; what remains is mostly the calls of 15 operators.
"""

from __future__ import annotations

from dataclasses import dataclass

import keras
from keras import layers

from models.architectures.mobilenet_v1 import norm_relu, separable_block


@dataclass(frozen=True)
class Block:
    """One depthwise-separable convolution.

    Attributes:
        filters: outputs of its pointwise half.
        strides: of its depthwise half.
        kernel_size: of its depthwise half, in pixels of its input.
    """

    filters: int
    strides: int = 1
    kernel_size: int = 3


@dataclass(frozen=True)
class Shape:
    """Widths, depths and strides.

    Attributes:
        patch_side: of a patch, in pixels: the stem's kernel.
        patch_strides: from one patch to the next, in pixels; the rest of the picture is not read.
        stem_filters: outputs of the stem.
        blocks: in order.
    """

    patch_side: int
    patch_strides: int
    stem_filters: int
    blocks: tuple[Block, ...]


SHAPE = Shape(2, 6, 16, (Block(32, 2), Block(48, 2), Block(48)))


def build(
    input_shape: tuple[int, int, int] = (100, 100, 3), classes: int = 20, *, shape: Shape = SHAPE
) -> keras.Model:
    """Patches, depthwise-separable blocks, global average, one dense layer.

    Args:
        input_shape: (height, width, channels) of the picture.
        classes: number of output probabilities.
        shape: widths, depths and strides.

    Returns:
        A model from float32 RGB in 0..255, shape (batch, height, width, 3), to float32
        probabilities, shape (batch, classes).
    """
    image = keras.Input(input_shape, name="image")
    x = layers.Rescaling(1 / 255, name="scale_pixels")(image)
    x = layers.Conv2D(
        shape.stem_filters,
        shape.patch_side,
        strides=shape.patch_strides,
        use_bias=False,
        name="stem",
    )(x)
    x = norm_relu(x, "stem")
    for index, block in enumerate(shape.blocks, start=1):
        x = separable_block(
            x, block.filters, block.strides, f"block{index}", kernel_size=block.kernel_size
        )
    x = layers.GlobalAveragePooling2D(name="average")(x)
    probabilities = layers.Dense(classes, activation="softmax", name="probabilities")(x)
    return keras.Model(image, probabilities, name="patch_separable")
