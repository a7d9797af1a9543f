"""Canary images: generated pictures on which a model's answers are recorded.

They let a machine without the photographs prove that a committed file, run by its own runtimes,
answers as it did where its accuracy was measured.
"""

from __future__ import annotations

import functools
import hashlib

import numpy as np

from models.data.fruits360 import SIDE

COUNT = 16
SEED = 20_201


def canary_images(count: int = COUNT, seed: int = SEED) -> np.ndarray:
    """Draw fruit-like blobs on a white ground.

    Only whole-number arithmetic on a frozen generator (`RandomState`) is used, so that every
    machine and version of NumPy draws the same pixels.

    Returns:
        uint8 RGB, shape (count, 100, 100, 3).
    """
    return np.stack([_blob(seed + index) for index in range(count)])


def fingerprint(images: np.ndarray) -> str:
    """Return the sha256 of the pixels (hexadecimal)."""
    return hashlib.sha256(np.ascontiguousarray(images).tobytes()).hexdigest()


@functools.cache
def _blob(seed: int) -> np.ndarray:
    """One ellipse, shaded from a highlight outwards, with a patch of a second colour."""
    random = np.random.RandomState(seed)
    y, x = np.mgrid[:SIDE, :SIDE].astype(np.int64)
    centre_x, centre_y = random.randint(44, 57, 2)
    radius_x, radius_y = random.randint(34, 48, 2)
    skin, patch = random.randint((60, 40, 0), (256, 230, 90), (2, 3)).astype(np.int64)
    light_x, light_y = random.randint(25, 75, 2)
    patch_x, patch_y = random.randint(20, 80, 2)

    inside = ((x - centre_x) * radius_y) ** 2 + ((y - centre_y) * radius_x) ** 2 <= (
        radius_x * radius_y
    ) ** 2
    shade = 256 - ((x - light_x) ** 2 + (y - light_y) ** 2) // 48
    nearness = np.clip(256 - ((x - patch_x) ** 2 + (y - patch_y) ** 2) // 5, 0, 256)[..., None]
    colour = (skin * (256 - nearness) + patch * nearness) // 256
    fruit = np.clip(colour * np.clip(shade, 90, 256)[..., None] // 256, 0, 255)
    return np.where(inside[..., None], fruit, 255).astype(np.uint8)
