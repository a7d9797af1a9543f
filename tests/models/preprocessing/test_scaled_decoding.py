"""JPEGs decoded at a half, a quarter or an eighth show the picture where it is, unstretched."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from fixtures.strategies import encode, input_spec
from models.preprocessing import Preparation, decode, prepare

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
@pytest.mark.parametrize("orientation", [1, 3, 6, 7])
@pytest.mark.parametrize("scale", [2, 4, 8])
def test_every_side_is_decoded_where_it_belongs(scale, orientation, fit):
    for width in SIDES:
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
