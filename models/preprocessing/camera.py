"""Frames as a phone's camera hands them out: YUV with halved chroma."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np
from PIL import Image

from models.preprocessing.errors import PreprocessingError

Layout = Literal["I420", "YV12", "NV12", "NV21"]
"""Where the chroma lies after the luma: planes U, V; planes V, U; pairs UV; pairs VU."""

_ROTATIONS = {
    0: None,
    90: Image.Transpose.ROTATE_270,
    180: Image.Transpose.ROTATE_180,
    270: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True)
class CameraFrame:
    """An 8-bit YUV 4:2:0 frame.

    The colours are full-range BT.601, as Android's camera gives them (`DataSpace.JFIF`, the
    default of `ImageFormat.YUV_420_888` and NV21).

    Attributes:
        data: luma, `width * height` bytes row by row, then chroma, each plane of
            ceil(width / 2) * ceil(height / 2), laid out as `layout` says; no row padding.
        width: in pixels.
        height: in pixels.
        layout: order of the chroma.
        rotation_degrees: how far the frame must be turned clockwise to stand upright
            (`SENSOR_ORIENTATION`): 0, 90, 180 or 270.
    """

    data: bytes | np.ndarray = field(repr=False)
    width: int
    height: int
    layout: Layout = "NV21"
    rotation_degrees: int = 0

    @classmethod
    def from_planes(
        cls,
        y: np.ndarray,
        u: np.ndarray,
        v: np.ndarray,
        rotation_degrees: int = 0,
    ) -> CameraFrame:
        """Pack the three planes of an `android.media.Image` (YUV_420_888).

        Row and pixel strides are NumPy's: pass views such as
        `np.lib.stride_tricks.as_strided(u, (rows, columns), (row_stride, pixel_stride))`.

        Args:
            y: uint8, shape (height, width).
            u, v: uint8, shape (ceil(height / 2), ceil(width / 2)).
        """
        height, width = y.shape
        data = np.concatenate([np.ravel(plane) for plane in (y, u, v)])
        return cls(data, width, height, "I420", rotation_degrees)


def to_image(frame: CameraFrame) -> Image.Image:
    """Turn a frame into an upright PIL image of mode RGB, chroma interpolated bilinearly.

    Raises:
        PreprocessingError: sizes, layout or rotation are wrong.
    """
    y, u, v = _planes(frame)
    size = (frame.width, frame.height)
    chroma = [Image.fromarray(plane).resize(size, Image.Resampling.BILINEAR) for plane in (u, v)]
    image = Image.merge("YCbCr", [Image.fromarray(y), *chroma]).convert("RGB")
    transposition = _ROTATIONS[frame.rotation_degrees]
    return image if transposition is None else image.transpose(transposition)


def _planes(frame: CameraFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return Y, U and V: uint8, two dimensions each."""
    if frame.layout not in get_args(Layout):
        raise PreprocessingError(
            f"unknown camera layout {frame.layout!r}; known are: {', '.join(get_args(Layout))}"
        )
    if frame.rotation_degrees not in _ROTATIONS:
        raise PreprocessingError(
            f"a camera frame cannot be turned by {frame.rotation_degrees} degrees; "
            "it must be 0, 90, 180 or 270"
        )
    width, height = frame.width, frame.height
    if width < 1 or height < 1:
        raise PreprocessingError(f"a camera frame of {width}x{height} pixels is empty")
    if isinstance(frame.data, np.ndarray):
        data = frame.data.ravel()
    elif isinstance(frame.data, bytes | bytearray | memoryview):
        data = np.frombuffer(frame.data, np.uint8)
    else:
        raise PreprocessingError(
            f"a camera frame's data must be bytes or an array, not {type(frame.data).__name__}"
        )
    rows, columns = (height + 1) // 2, (width + 1) // 2
    expected = width * height + 2 * rows * columns
    if data.dtype != np.uint8 or data.size != expected:
        raise PreprocessingError(
            f"a {width}x{height} camera frame has {expected} bytes, not {data.size} "
            f"of dtype {data.dtype}; remove the rows' padding or correct the size"
        )
    luma, chroma = np.split(data, [width * height])
    y = luma.reshape(height, width)
    if frame.layout in ("NV12", "NV21"):
        first, second = np.moveaxis(chroma.reshape(rows, columns, 2), 2, 0)
    else:
        first, second = chroma.reshape(2, rows, columns)
    is_u_first = frame.layout in ("I420", "NV12")
    return (y, first, second) if is_u_first else (y, second, first)
