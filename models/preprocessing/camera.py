"""Frames as a phone's camera hands them out: YUV with halved chroma."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import numpy as np
from PIL import Image

from models.preprocessing.limits import PreprocessingError, check_memory

Layout = Literal["I420", "YV12", "NV12", "NV21"]
"""Where the chroma lies after the luma: planes U, V; planes V, U; pairs UV; pairs VU."""

Standard = Literal["BT.601", "BT.709"]
Range = Literal["full", "limited"]

_RED_BLUE = {"BT.601": (0.299, 0.114), "BT.709": (0.2126, 0.0722)}
"""Shares of red and blue in luma. Source: ITU-R BT.601-7, 2.5.1; BT.709-6, 3.2."""

_ROTATIONS = {
    0: None,
    90: Image.Transpose.ROTATE_270,
    180: Image.Transpose.ROTATE_180,
    270: Image.Transpose.ROTATE_90,
}
_BYTES_PER_PIXEL = 11
"""Held at once while a frame is converted, measured: three planes, Y, U and V as one, and RGB."""


@dataclass(frozen=True)
class CameraFrame:
    """An 8-bit YUV 4:2:0 frame.

    Attributes:
        data: luma, `width * height` bytes row by row, then chroma, each plane of
            ceil(width / 2) * ceil(height / 2), laid out as `layout` says; no row padding.
        width: in pixels.
        height: in pixels.
        layout: order of the chroma.
        rotation_degrees: how far the frame must be turned clockwise to stand upright
            (`SENSOR_ORIENTATION`): 0, 90, 180 or 270.
        standard: what luma and chroma are made by. BT.601 in full range is what Android's camera
            gives for stills and analysis (`DataSpace.JFIF`, the default of
            `ImageFormat.YUV_420_888` and NV21); video is BT.709, mostly limited.
        range: "full", luma 0..255, or "limited", luma 16..235 and chroma 16..240.
    """

    data: bytes | np.ndarray = field(repr=False)
    width: int
    height: int
    layout: Layout = "NV21"
    rotation_degrees: int = 0
    standard: Standard = "BT.601"
    range: Range = "full"

    @classmethod
    def from_planes(
        cls, y: np.ndarray, u: np.ndarray, v: np.ndarray, rotation_degrees: int = 0, **colour: Any
    ) -> CameraFrame:
        """Pack the three planes of an `android.media.Image` (YUV_420_888).

        Row and pixel strides are NumPy's: pass views such as
        `np.lib.stride_tricks.as_strided(u, (rows, columns), (row_stride, pixel_stride))`. They are
        uint8 of shape (height, width), of u and v halved and rounded up; others are a
        PreprocessingError. `colour` holds the attributes `standard` and `range`.
        """
        planes = [np.asarray(plane) for plane in (y, u, v)]
        height, width = planes[0].shape if planes[0].ndim == 2 else (0, 0)
        chroma = ((height + 1) // 2, (width + 1) // 2)
        for name, plane, shape in zip(
            "yuv", planes, ((height, width), chroma, chroma), strict=True
        ):
            if plane.shape != shape or plane.dtype != np.uint8:
                raise PreprocessingError(
                    f"plane {name} of a {width}x{height} camera frame has shape {plane.shape} and "
                    f"dtype {plane.dtype}, not {shape} and uint8; pass rows, then columns, "
                    "without padding"
                )
        data = np.concatenate([np.ravel(plane) for plane in planes])
        return cls(data, width, height, "I420", rotation_degrees, **colour)


def frame_to_image(frame: CameraFrame) -> Image.Image:
    """Turn a frame into an upright PIL image of mode RGB, chroma interpolated bilinearly.

    Chroma samples are taken to lie between their four luma samples, as in JPEG.
    """
    _check(frame)
    size = (frame.width, frame.height)
    y, *chroma = _planes(frame)
    # Of an odd side, the last chroma sample's outer half belongs to no pixel.
    box = (0, 0, frame.width / 2, frame.height / 2)
    bilinear = Image.Resampling.BILINEAR
    large = [Image.fromarray(plane).resize(size, bilinear, box) for plane in chroma]
    image = Image.merge("RGB", [Image.fromarray(y), *large])
    image = image.convert("RGB", _matrix(frame.standard, frame.range))
    transposition = _ROTATIONS[frame.rotation_degrees]
    return image if transposition is None else image.transpose(transposition)


def _matrix(standard: Standard, levels: Range) -> tuple[float, ...]:
    """Return the rows of R, G and B: their shares of Y, U and V, and what is added."""
    red, blue = _RED_BLUE[standard]
    green = 1 - red - blue
    luma, chroma, black = (1.0, 1.0, 0) if levels == "full" else (255 / 219, 255 / 224, 16)
    of_v, of_u = 2 * (1 - red) * chroma, 2 * (1 - blue) * chroma
    rows = ((0.0, of_v), (-of_u * blue / green, -of_v * red / green), (of_u, 0.0))
    return tuple(share for u, v in rows for share in (luma, u, v, -black * luma - 128 * (u + v)))


def _check(frame: CameraFrame) -> None:
    known = {"layout": Layout, "standard": Standard, "range": Range}
    for name, choices in known.items():
        value = getattr(frame, name)
        if value not in get_args(choices):
            raise PreprocessingError(
                f"unknown camera {name} {value!r}; known are: {', '.join(get_args(choices))}"
            )
    if frame.rotation_degrees not in tuple(_ROTATIONS):
        raise PreprocessingError(
            f"a camera frame cannot be turned by {frame.rotation_degrees} degrees; "
            "it must be 0, 90, 180 or 270"
        )
    width, height = frame.width, frame.height
    if not all(isinstance(side, int | np.integer) and side >= 1 for side in (width, height)):
        raise PreprocessingError(
            f"a camera frame of {width!r}x{height!r} pixels is none; give whole numbers from 1"
        )
    width, height = int(width), int(height)  # NumPy's integers overflow
    check_memory((width, height), width * height * _BYTES_PER_PIXEL, "a camera frame")


def _planes(frame: CameraFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return Y, U and V: uint8, two dimensions each."""
    width, height = int(frame.width), int(frame.height)
    data = _bytes(frame)
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


def _bytes(frame: CameraFrame) -> np.ndarray:
    """Return the frame's bytes, one dimension; an array of two must have the frame's rows."""
    data: Any = frame.data
    if isinstance(data, np.ndarray):
        if data.ndim == 1 or (data.ndim == 2 and data.shape[1] == frame.width):
            return data.ravel()
        raise PreprocessingError(
            f"a camera frame's array has shape {data.shape}; it must have one dimension, or rows "
            f"of {frame.width}"
        )
    if not isinstance(data, bytes | bytearray | memoryview):
        raise PreprocessingError(
            f"a camera frame's data must be bytes or an array, not {type(data).__name__}"
        )
    try:
        return np.frombuffer(bytes(data) if isinstance(data, memoryview) else data, np.uint8)
    except ValueError as error:  # of a memoryview that was released
        raise PreprocessingError(f"a camera frame's bytes cannot be read ({error})") from error
