"""Camera frames: YUV 4:2:0 in every layout."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given

from fixtures.strategies import camera_frames, input_spec
from models.preprocessing import CameraFrame, PreprocessingError, decode, prepare


def frame_of(y: int, u: int, v: int, layout: str, width: int = 5, height: int = 3) -> CameraFrame:
    chroma = ((height + 1) // 2) * ((width + 1) // 2)
    ordered = {
        "I420": [u] * chroma + [v] * chroma,
        "YV12": [v] * chroma + [u] * chroma,
        "NV12": [u, v] * chroma,
        "NV21": [v, u] * chroma,
    }
    return CameraFrame(bytes([y] * (width * height) + ordered[layout]), width, height, layout)


@pytest.mark.parametrize(
    ("standard", "levels", "yuv", "rgb"),
    [
        ("BT.601", "limited", (81, 90, 240), (255, 0, 0)),
        ("BT.601", "limited", (145, 54, 34), (0, 255, 0)),
        ("BT.709", "limited", (63, 102, 240), (255, 0, 0)),
        ("BT.709", "limited", (173, 42, 26), (0, 255, 0)),
        ("BT.709", "full", (54, 99, 255), (255, 0, 0)),
        ("BT.709", "limited", (16, 128, 128), (0, 0, 0)),
        ("BT.601", "limited", (235, 128, 128), (255, 255, 255)),
    ],
)
def test_primaries_of_every_standard(standard, levels, yuv, rgb):
    """The test colours of ITU-R BT.601 and BT.709 in 8 bits."""
    frame = replace(frame_of(*yuv, "NV12"), standard=standard, range=levels)
    assert np.abs(decode(frame).astype(int) - rgb).max() <= 2


def planes_of(frame: CameraFrame) -> list[np.ndarray]:
    """Return Y, U and V, each of the frame's size, chroma interpolated between pixel centres."""
    height, width = frame.height, frame.width
    shape = (height + 1) // 2, (width + 1) // 2
    luma, chroma = np.split(np.frombuffer(frame.data, np.uint8).astype(float), [height * width])
    if frame.layout in ("NV12", "NV21"):
        first, second = np.moveaxis(chroma.reshape(*shape, 2), 2, 0)
    else:
        first, second = chroma.reshape(2, *shape)
    u, v = (first, second) if frame.layout in ("I420", "NV12") else (second, first)
    for axis, side in enumerate((height, width)):
        place = np.clip((np.arange(side) + 0.5) / 2 - 0.5, 0, shape[axis] - 1)
        low = np.floor(place).astype(int)
        high = np.minimum(low + 1, shape[axis] - 1)
        share = np.expand_dims(place - low, 1 - axis)
        u, v = (
            each.take(low, axis) * (1 - share) + each.take(high, axis) * share for each in (u, v)
        )
    return [luma.reshape(height, width), u, v]


@given(camera_frames())
def test_frames_are_the_formula(frame):
    """Sources: JFIF 1.02, page 3, and ITU-R BT.709-6; rounding of chroma is doubled by 1.8."""
    y, u, v = planes_of(frame)
    u, v = u - 128, v - 128
    if frame.range == "limited":
        y, u, v = (y - 16) * 255 / 219, u * 255 / 224, v * 255 / 224
    expected = {
        "BT.601": [y + 1.402 * v, y - 0.344136 * u - 0.714136 * v, y + 1.772 * u],
        "BT.709": [y + 1.5748 * v, y - 0.187324 * u - 0.468124 * v, y + 1.8556 * u],
    }[frame.standard]
    turned = np.rot90(np.clip(np.stack(expected, axis=2), 0, 255), -frame.rotation_degrees // 90)
    assert np.abs(decode(frame) - turned).max() <= 3


def test_planes_with_strides():
    """YUV_420_888 as most phones give it: padded rows, U and V interleaved in one buffer."""
    width, height, row_stride = 6, 4, 8
    random = np.random.RandomState(0)
    luma = random.randint(0, 256, (height, row_stride)).astype(np.uint8)
    pairs = random.randint(0, 256, (height // 2, row_stride)).astype(np.uint8)
    y, u, v = luma[:, :width], pairs[:, 0:width:2], pairs[:, 1:width:2]
    data = np.concatenate([y.ravel(), np.stack([u, v], axis=2).ravel()]).tobytes()
    np.testing.assert_array_equal(
        decode(CameraFrame.from_planes(y, u, v)), decode(CameraFrame(data, width, height, "NV12"))
    )


def test_sides_may_be_numpys():
    """A uint8 of 200 times one of 200 is 64."""
    data = bytes(range(240)) * 250
    frame, ours = CameraFrame(data, 200, 200), CameraFrame(data, np.uint8(200), np.uint8(200))
    np.testing.assert_array_equal(decode(ours), decode(frame))


@pytest.mark.parametrize(
    "frame",
    [
        CameraFrame(b"", 0, 0),
        CameraFrame(b"", -2, 4),
        CameraFrame(b"\0" * 5, 2, 2),
        CameraFrame(b"\0" * 7, 2, 2),
        CameraFrame(np.zeros(6, np.float32), 2, 2),
        CameraFrame(b"\0" * 6, 2, 2, "RGB"),  # type: ignore[arg-type]
        CameraFrame(b"\0" * 6, 2, 2, "NV21", 45),
        CameraFrame("\0" * 6, 2, 2),  # type: ignore[arg-type]
    ],
)
def test_frames_that_cannot_be_are_refused(frame):
    with pytest.raises(PreprocessingError):
        prepare(frame, input_spec())


@pytest.mark.parametrize(
    "planes",
    [
        (np.zeros((4, 6)), np.zeros((2, 3), np.uint8), np.zeros((2, 3), np.uint8)),
        (np.zeros((4, 6), np.uint8), np.zeros((3, 2), np.uint8), np.zeros((2, 3), np.uint8)),
        (np.zeros((4, 6), np.uint8), np.zeros((2, 4), np.uint8), np.zeros((2, 4), np.uint8)),
        (np.zeros((4, 6, 1), np.uint8), np.zeros((2, 3), np.uint8), np.zeros((2, 3), np.uint8)),
    ],
    ids=["floats", "transposed", "padded", "three dimensions"],
)
def test_planes_that_cannot_be_are_refused(planes):
    with pytest.raises(PreprocessingError, match="plane"):
        CameraFrame.from_planes(*planes)


def test_a_transposed_frame_is_refused():
    with pytest.raises(PreprocessingError, match="rows of 8"):
        prepare(CameraFrame(np.zeros((6, 8), np.uint8).T, 8, 4), input_spec())
