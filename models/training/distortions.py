"""What happens to a photograph on its way to a model: turned, moved, relit, compressed, rescaled.

Each function takes and gives uint8 RGB of shape (height, width, 3). What comes into view from
outside is white, as the ground of the photographs is.
"""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

from models.preprocessing.colour import WHITE

GROUND_FROM, GROUND_FULL = 225.0, 250.0
"""Grey levels between which a pixel turns from fruit into ground."""

CALIBRATION_IMAGES = 400


def rotated(pixels: np.ndarray, degrees: float) -> np.ndarray:
    """Turn about the centre, counter-clockwise."""
    return np.asarray(
        Image.fromarray(pixels).rotate(degrees, Image.Resampling.BICUBIC, fillcolor=WHITE)
    )


def scaled(pixels: np.ndarray, factor: float) -> np.ndarray:
    """Enlarge (factor above 1) or shrink about the centre; the size of the picture stays."""
    height, width = pixels.shape[:2]
    offset_x, offset_y = width / 2 * (1 - 1 / factor), height / 2 * (1 - 1 / factor)
    return _affine(pixels, (1 / factor, 0, offset_x, 0, 1 / factor, offset_y))


def shifted(pixels: np.ndarray, right: float, down: float) -> np.ndarray:
    """Move by a fraction of the width and of the height."""
    height, width = pixels.shape[:2]
    return _affine(pixels, (1, 0, -right * width, 0, 1, -down * height))


def brightened(pixels: np.ndarray, factor: float) -> np.ndarray:
    """Multiply every channel; 1 changes nothing."""
    return np.asarray(ImageEnhance.Brightness(Image.fromarray(pixels)).enhance(factor))


def jpeg_compressed(pixels: np.ndarray, quality: int) -> np.ndarray:
    """Encode as JPEG (4:2:0, quality 1..95) and decode again."""
    encoded = io.BytesIO()
    Image.fromarray(pixels).save(encoded, "JPEG", quality=quality, subsampling="4:2:0")
    with Image.open(encoded) as image:
        return np.asarray(image.convert("RGB"))


def noisy(pixels: np.ndarray, deviation: float, seed: int) -> np.ndarray:
    """Add Gaussian noise, in grey levels, to each channel; one seed gives one picture."""
    noise = np.random.default_rng(seed).normal(0, deviation, pixels.shape)
    return np.rint(np.clip(pixels + noise, 0, 255)).astype(np.uint8)


def blurred(pixels: np.ndarray, deviation: float) -> np.ndarray:
    """Blur by a Gaussian, in pixels."""
    return np.asarray(Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(deviation)))


def on_ground(pixels: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    """Put another colour in the place of the white ground, softly at the fruit's edge.

    Highlights on the fruit, which are as white, take the colour as well.
    """
    whiteness = pixels.min(axis=2, keepdims=True).astype(np.float32)
    share = np.clip((whiteness - GROUND_FROM) / (GROUND_FULL - GROUND_FROM), 0, 1)
    coloured = pixels * (1 - share) + np.asarray(colour, np.float32) * share
    return np.rint(coloured).astype(np.uint8)


def photographed_at(pixels: np.ndarray, width: int, height: int) -> np.ndarray:
    """Enlarge to a camera's size, so that it must be made small again for a model."""
    return np.asarray(Image.fromarray(pixels).resize((width, height), Image.Resampling.BICUBIC))


def evenly_spread(total: int, count: int = CALIBRATION_IMAGES) -> np.ndarray:
    """Return indices spread evenly over an ordered set, so that every class has its share."""
    return np.linspace(0, total - 1, min(count, total)).astype(int)


def in_other_surroundings(images: np.ndarray) -> np.ndarray:
    """Return the pictures, and each again on a coloured ground, in more or less light.

    Ranges that were taken over photographs on white alone cut off what other grounds reach inside
    the network, and an int8 file then answers wildly on them.

    Args:
        images: uint8 RGB on white, shape (count, height, width, 3).

    Returns:
        Twice as many.
    """
    low_high = (160, 255)
    grounds = [(red, green, blue) for red in low_high for green in low_high for blue in low_high]
    factors = (0.8, 1.0, 1.2)
    changed = [
        brightened(on_ground(image, grounds[index % len(grounds)]), factors[index % len(factors)])
        for index, image in enumerate(images)
    ]
    return np.concatenate([images, changed])


def _affine(pixels: np.ndarray, coefficients: tuple[float, ...]) -> np.ndarray:
    image = Image.fromarray(pixels)
    return np.asarray(
        image.transform(
            image.size,
            Image.Transform.AFFINE,
            coefficients,
            Image.Resampling.BICUBIC,
            fillcolor=WHITE,
        )
    )
