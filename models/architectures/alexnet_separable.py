"""AlexNet Separable: the study's own variant of AlexNet.

Source: the study, Table 1 ("AlexNet with every Conv2D replaced by SeparableConv2D"); depthwise
separable convolution as in Chollet, "Xception", arXiv 1610.02357, section 1.2.
"""

from __future__ import annotations

import keras
from keras import layers

from models.architectures import alexnet

# Spatial filters for each colour in the stem. With one, the whole network would see the picture
# through three filters. In a `.tflite` file they cost no time: conversion multiplies both halves of
# the stem into one convolution (`models.conversion.with_dense_stem`).
STEM_DEPTH_MULTIPLIER = 8


def build(input_shape: tuple[int, int, int] = (100, 100, 3), classes: int = 20) -> keras.Model:
    """`alexnet` with every Conv2D replaced by SeparableConv2D and nothing else.

    Arguments, input and output are those of `models.architectures.alexnet.build`. A k x k
    convolution from c to f channels has k*k*c*f weights; its separable form with m spatial
    filters a channel has k*k*c*m + c*m*f.
    """
    return alexnet.build(input_shape, classes, name="alexnet_separable", convolution=_separable)


def _separable(filters: int, kernel_size: int, *, strides: int, **options) -> layers.Layer:
    depth_multiplier = STEM_DEPTH_MULTIPLIER if options["name"] == "conv1" else 1
    return layers.SeparableConv2D(
        filters, kernel_size, strides=strides, depth_multiplier=depth_multiplier, **options
    )
