"""Camera frames: YUV 4:2:0 in every layout."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.strategies import camera_frames, input_spec
from models.preprocessing import CameraFrame, PreprocessingError, decode, prepare

LAYOUTS = ("I420", "YV12", "NV12", "NV21")


def frame_of(y: int, u: int, v: int, layout: str, width: int = 5, height: int = 3) -> CameraFrame:
    chroma = ((height + 1) // 2) * ((width + 1) // 2)
    ordered = {
        "I420": [u] * chroma + [v] * chroma,
        "YV12": [v] * chroma + [u] * chroma,
        "NV12": [u, v] * chroma,
        "NV21": [v, u] * chroma,
    }
    return CameraFrame(bytes([y] * (width * height) + ordered[layout]), width, height, layout)


@given(st.integers(0, 255), st.integers(0, 255), st.integers(0, 255), st.sampled_from(LAYOUTS))
def test_colours_are_full_range_bt601(y, u, v, layout):
    """Source of the formula: JFIF 1.02, page 3."""
    expected = np.clip(
        [
            y + 1.402 * (v - 128),
            y - 0.344136 * (u - 128) - 0.714136 * (v - 128),
            y + 1.772 * (u - 128),
        ],
        0,
        255,
    )
    pixels = decode(frame_of(y, u, v, layout))
    assert pixels.shape == (3, 5, 3)
    assert np.abs(pixels - expected).max() <= 1.5


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


@given(camera_frames())
def test_layouts_are_the_same_picture(frame):
    frame = replace(frame, layout="I420", rotation_degrees=0)
    count = frame.width * frame.height
    luma, chroma = frame.data[:count], frame.data[count:]
    u, v = np.split(chroma, 2)
    others = {
        "YV12": [luma, v, u],
        "NV12": [luma, np.stack([u, v], axis=1).ravel()],
        "NV21": [luma, np.stack([v, u], axis=1).ravel()],
    }
    expected = decode(frame)
    for layout, parts in others.items():
        data = np.concatenate(parts).tobytes()
        np.testing.assert_array_equal(
            decode(CameraFrame(data, frame.width, frame.height, layout)), expected
        )


@given(camera_frames())
def test_rotation_turns_clockwise(frame):
    plain = decode(replace(frame, rotation_degrees=0))
    turned = np.rot90(plain, -frame.rotation_degrees // 90)
    np.testing.assert_array_equal(decode(frame), turned)


@given(camera_frames())
def test_grey_chroma_gives_the_luma(frame):
    count = frame.width * frame.height
    data = frame.data.copy()
    data[count:] = 128
    pixels = decode(replace(frame, data=data, rotation_degrees=0))
    luma = data[:count].reshape(frame.height, frame.width)
    np.testing.assert_array_equal(pixels, np.repeat(luma[..., None], 3, axis=2))


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
