"""What a PNG's tRNS chunk says, after the specification.

Pillow compares the chunk's numbers with samples that it has scaled to 8 bits before, and takes a
palette of alphas that ends in a line feed for another (12.0, 13.0).
Source: PNG (Third Edition), section 11.3.1.1.
"""

from __future__ import annotations

import struct
from typing import BinaryIO

import numpy as np
from PIL import Image, PngImagePlugin

from models.preprocessing.limits import check_memory
from models.preprocessing.opening import load_pixels
from models.preprocessing.refusal import PreprocessingError

GREY, COLOUR, PALETTE = 0, 2, 3
_HEADER_BYTES = 33
_WIDE_BYTES = 12


def correct_transparency(image: Image.Image, stream: BinaryIO) -> Image.Image | None:
    """Set what Pillow calls the transparency of a PNG, before it is decoded.

    Args:
        image: opened; its `info` is changed.
        stream: the file; its position is kept.

    Returns:
        the alpha, mode L, where Pillow's pixels will not tell: of 16 bits a colour, it only keeps
        the upper half.
    """
    position = stream.tell()
    depth, colour_type, content = _read(stream)
    alpha = None
    if content is None:
        pass
    elif colour_type == PALETTE:
        image.info["transparency"] = content
    elif colour_type == GREY and depth < 16:
        largest = (1 << depth) - 1
        (value,) = struct.unpack(">H", content[:2])
        image.info["transparency"] = (value & largest) * (255 // largest)
    elif colour_type == COLOUR and depth == 8:
        image.info["transparency"] = tuple(content[1:6:2])
    elif colour_type == COLOUR:
        alpha = _wide_alpha(stream, image.info.pop("transparency"))
    stream.seek(position)
    return alpha


def _wide_alpha(stream: BinaryIO, colour: tuple[int, ...]) -> Image.Image:
    """Return the alpha of 16-bit RGB: 0 where both halves of each sample are the colour's.

    The lower halves are read by the unpacker for the other byte order, whose upper ones they are.
    """
    is_colour = np.array(True)
    for rawmode, shift in (("RGB;16B", 8), ("RGB;16L", 0)):
        stream.seek(0)
        with PngImagePlugin.PngImageFile(stream) as half:
            if not half.tile:
                raise PreprocessingError("the PNG cannot be read: it has no pixels (IDAT)")
            half.tile = [half.tile[0]._replace(args=rawmode)]
            check_memory(half.size, half.width * half.height * _WIDE_BYTES, "such a PNG")
            load_pixels(half)
            same = np.ones(half.size[::-1], bool)
            for channel, value in enumerate(colour):
                same &= np.equal(np.asarray(half.getchannel(channel)), (value >> shift) & 255)
        is_colour = is_colour & same
    return Image.fromarray(~is_colour * np.uint8(255))


def _read(stream: BinaryIO) -> tuple[int, int, bytes | None]:
    """Return bit depth, colour type and the chunk's content, if there is one before the pixels."""
    stream.seek(0)
    header = stream.read(_HEADER_BYTES)
    depth, colour_type = header[24], header[25]
    while len(head := stream.read(8)) == 8:
        length, name = struct.unpack(">I4s", head)
        if name == b"tRNS":
            return depth, colour_type, stream.read(length)
        if name in (b"IDAT", b"IEND"):
            break
        stream.seek(length + 4, 1)
    return depth, colour_type, None
