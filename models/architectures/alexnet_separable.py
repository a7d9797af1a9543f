"""AlexNet Separable: the study's own variant of AlexNet.

Source: the study, Table 1 ("AlexNet with every Conv2D replaced by SeparableConv2D"); depthwise
separable convolution as in Chollet, "Xception", arXiv 1610.02357, section 1.2.
"""

from __future__ import annotations

import keras
from keras import layers

from models.architectures import alexnet


def build(input_shape: tuple[int, int, int] = (100, 100, 3), classes: int = 20) -> keras.Model:
    """`alexnet` with every Conv2D replaced by SeparableConv2D and nothing else.

    Arguments, input and output are those of `models.architectures.alexnet.build`. A k x k
    convolution from c to f channels has k*k*c*f weights; its separable form has k*k*c + c*f.
    """
    return alexnet.build(
        input_shape, classes, name="alexnet_separable", convolution=layers.SeparableConv2D
    )
