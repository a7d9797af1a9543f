"""The same pixels as two other decoders make, of every mode and subsampling, and at a fraction.

OpenCV and imagecodecs bring their own libjpeg-turbo, libpng and libwebp: where the three disagree
by more than rounding, one of them is wrong.
"""

import io
import itertools
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from PIL import Image

from fixtures.strategies import encode, input_spec
from models.preprocessing import Preparation, decode, prepare

LARGEST_DIFFERENCE = {"JPEG": 4, "PNG": 1, "WEBP": 4}
"""Grey levels: of chroma that is interpolated, of 16 bits that are rounded or cut."""

SIZES = ((16, 16), (17, 33), (40, 31), (1, 9))


def pixels_of(size: tuple[int, int], channels: int) -> np.ndarray:
    noise = np.random.RandomState(sum(size)).randint(0, 256, (5, 4, channels)).astype(np.uint8)
    bands = [Image.fromarray(band).resize(size, Image.Resampling.BICUBIC) for band in
             np.moveaxis(noise, 2, 0)]  # fmt: skip
    return np.stack([np.asarray(band) for band in bands], axis=2)


def files() -> Iterator[tuple[str, bytes]]:
    """Return container and bytes of 204 files."""
    for size, sampling, progressive, quality, optimize in itertools.product(
        SIZES, ("4:4:4", "4:2:2", "4:2:0"), (False, True), (30, 75, 95), (False, True)
    ):
        options = {"quality": quality, "optimize": optimize, "progressive": progressive}
        yield "JPEG", encode(pixels_of(size, 3), "JPEG", subsampling=sampling, **options)
    for size, quality in itertools.product(SIZES, (20, 95)):
        yield "JPEG", encode(pixels_of(size, 1), "JPEG", quality=quality)
        yield "WEBP", encode(pixels_of(size, 3), "WEBP", quality=quality)
    for size in SIZES:
        for channels in (1, 3):
            yield "PNG", encode(pixels_of(size, channels), "PNG")
            yield "WEBP", encode(pixels_of(size, channels), "WEBP", lossless=True)
        for colours in (2, 4, 16, 200):
            stream = io.BytesIO()
            Image.fromarray(pixels_of(size, 3)).quantize(colours).save(stream, "PNG")
            yield "PNG", stream.getvalue()
        for image in (
            Image.fromarray(pixels_of(size, 1)[..., 0].astype(np.uint16) * 257),
            Image.fromarray(pixels_of(size, 1)[..., 0]).convert("1"),
        ):
            stream = io.BytesIO()
            image.save(stream, "PNG")
            yield "PNG", stream.getvalue()


def opencv() -> Callable[[bytes], np.ndarray]:
    import cv2

    return lambda data: cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]


def imagecodecs() -> Callable[[bytes], np.ndarray]:
    import imagecodecs as codecs

    def read(data: bytes) -> np.ndarray:
        found = codecs.imread(data)
        if found.dtype == np.uint16:
            found = np.rint(found / 257).astype(np.uint8)
        found = found.astype(np.uint8) * 255 if found.dtype == bool else found
        return np.repeat(found[..., None], 3, 2) if found.ndim == 2 else found[..., :3]

    return read


@pytest.mark.parametrize("other", [opencv, imagecodecs])
def test_pixels_agree(other):
    read, made = other(), 0
    for container, data in files():
        difference = np.abs(decode(data).astype(int) - read(data))
        assert difference.max() <= LARGEST_DIFFERENCE[container], (container, made)
        made += 1
    assert made >= 200


SIDES = range(97, 132)
LARGEST_ERROR = {2: 4, 4: 8, 8: 12}
"""Of any pixel, in grey levels: what sides that the scale divides have as well, since decoding at
a fraction averages squares of pixels and not triangles."""


def smooth(width: int, height: int) -> np.ndarray:
    """Colours that change slowly: what remains is an error of place."""
    coarse = np.random.RandomState(0).randint(0, 256, (4, 5, 3)).astype(np.uint8)
    image = Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(image)


@pytest.mark.parametrize("fit", ["squash", "letterbox", "crop"])
@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("scale", [2, 4, 8])
def test_every_side_is_decoded_where_it_belongs(scale, orientation, fit):
    for width in SIDES[orientation % 3 :: 3]:
        height = SIDES[0] + SIDES[-1] - width
        options = {"quality": 95, "subsampling": "4:4:4"}
        data = encode(smooth(width, height), "JPEG", orientation, **options)
        whole = decode(data)
        rows, columns = (side // (2 * scale) for side in whole.shape[:2])
        spec = input_spec(height=rows, width=columns)
        assert decode(data, spec, Preparation(fit=fit)).shape[0] < whole.shape[0]
        ways = (prepare(source, spec, Preparation(fit=fit)) for source in (data, whole))
        assert np.abs(np.subtract(*ways)).max() <= LARGEST_ERROR[scale]


def test_a_letterbox_has_the_proportions_of_the_whole_picture():
    """Of which 129 x 8 pixels are 17 x 1 at an eighth, and 3.2 times as wide."""
    data = encode(np.zeros((40, 129, 3), np.uint8), "JPEG")
    tensor = prepare(data, input_spec(height=8, width=8), Preparation(fit="letterbox"))[0]
    assert (tensor[..., 0] < 128).any(axis=1).sum() == round(8 * 40 / 129)


def test_a_region_of_a_jpeg_is_decoded_finely_enough():
    """A tenth of the picture needs ten times the pixels of all of it."""
    pixels = smooth(1600, 1600)
    data = encode(pixels, "JPEG", quality=95, subsampling="4:4:4")
    spec, part = input_spec(height=40, width=40), Preparation(region=(0.5, 0.2, 0.6, 0.3))
    assert decode(data, spec).shape[0] == 200
    assert decode(data, spec, part).shape[0] == 800
    assert np.abs(prepare(data, spec, part) - prepare(pixels, spec, part)).max() <= 4
