"""Photographs as an app gets them: JPEG bytes of a camera's sizes, the same in every run."""

from __future__ import annotations

import functools
import io

import numpy as np
from PIL import Image

from models.data.canary_images import canary_images

SIZES: dict[str, tuple[int, int]] = {
    "100x100": (100, 100),
    "640x480": (640, 480),
    "12MP": (4032, 3024),
}
"""Width and height in pixels: the data set's, a preview's, a phone camera's."""

GRAIN = 7
"""Most that a sensor's noise adds or takes, in grey levels: smooth areas compress too well."""

QUALITY = 90


@functools.cache
def jpeg(size: str) -> bytes:
    """Return a canary image at one of `SIZES`, with grain, as baseline JPEG (4:2:0)."""
    width, height = SIZES[size]
    image = Image.fromarray(canary_images(1)[0])
    pixels = np.asarray(image.resize((width, height), Image.Resampling.BICUBIC))
    grain = np.random.RandomState(0).randint(-GRAIN, GRAIN + 1, pixels.shape, np.int8)
    noisy = np.clip(pixels.astype(np.int16) + grain, 0, 255).astype(np.uint8)
    stream = io.BytesIO()
    Image.fromarray(noisy).save(stream, "JPEG", quality=QUALITY, subsampling="4:2:0")
    return stream.getvalue()
