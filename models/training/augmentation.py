"""Random changes to pictures that are learnt from: moved, turned, relit, on other grounds, cut."""

from __future__ import annotations

import math
from collections.abc import Callable

import tensorflow as tf

from models.data.changes import Changes

BRIGHTEST = 255.0
GROUND_FULL, GROUND_NONE = 5.0, 30.0
"""Grey levels from the ground's colour at which a pixel is all ground, and none of it."""

EVEN = 0.5
"""Share of the border that must be ground, for a picture to have one."""

BLUR_TAPS = 5
"""Pixels to each side that a blur looks at."""

CUT_WITHIN = 0.25  # of the side, from the centre
CUT_SOFTNESS = 0.02  # of the side
OBJECT_RADIUS = 0.44  # of the side: what counts when the areas of a cut are compared


def augment(images: tf.Tensor, changes: Changes, seed: tf.Tensor) -> tf.Tensor:
    """Change a batch, each picture in its own way; the same seed gives the same batch.

    The order is that of the world: a thing lies on a ground, light falls on both, a lens blurs them
    and a sensor adds noise. Pictures are float32 RGB in 0..255, shape (batch, side, side, 3), and
    the seed is int32, shape (2,).
    """
    seeds = tf.unstack(tf.random.split(seed, 6))
    grounds = _grounds(images)
    images = _warp(images, grounds, changes, seeds[0])
    images = _on_other_grounds(images, grounds, changes.ground, seeds[1])
    images = _relight(images, changes.mild_light, seeds[2])
    images = _some(images, changes.lit, seeds[3], lambda some, own: _gain(some, changes.light, own))
    images = _some(images, changes.spoilt, seeds[4], lambda some, own: _blur(some, changes, own))
    images = _some(images, changes.spoilt, seeds[5], lambda some, own: _noise(some, changes, own))
    return tf.clip_by_value(images, 0.0, BRIGHTEST)


def cut_mix(
    images: tf.Tensor, targets: tf.Tensor, share: float, seed: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Fill a part of some pictures from others of the batch, and mix their targets by the areas.

    Source: Yun et al., "CutMix: Regularization Strategy to Train Strong Classifiers with
    Localizable Features", arXiv 1905.04899, section 3.1. In place of its rectangle a straight cut
    passes near the centre, and areas are those of a disc there: a rectangle in a corner of
    Fruits-360's photographs would exchange white for white, and change the targets for nothing.

    Args:
        images: float32, shape (batch, side, side, 3).
        targets: float32, shape (batch, classes).
        share: of the pictures that are cut, 0..1.
        seed: int32, shape (2,).

    Returns:
        Pictures and targets, of the same shapes. A picture's partner is the one at the same place
        from the batch's end.
    """
    batch, side = tf.shape(images)[0], images.shape[1]
    seeds = tf.unstack(tf.random.split(seed, 3))
    angle = _uniform(seeds[0], [batch, 1, 1, 1], 0.0, 2 * math.pi)
    offset = _uniform(seeds[1], [batch, 1, 1, 1], -CUT_WITHIN * side, CUT_WITHIN * side)
    chosen = tf.cast(_uniform(seeds[2], [batch, 1, 1, 1], 0.0, 1.0) < share, tf.float32)
    from_centre = tf.range(side, dtype=tf.float32) - (side - 1) / 2
    x, y = from_centre[:, None], from_centre[:, None, None]
    beyond = tf.cos(angle) * x + tf.sin(angle) * y - offset
    mask = tf.sigmoid(beyond / (CUT_SOFTNESS * side)) * chosen
    disc = tf.cast(x**2 + y**2 < (OBJECT_RADIUS * side) ** 2, tf.float32)
    area = (tf.reduce_sum(mask * disc, [1, 2, 3]) / tf.reduce_sum(disc))[:, None]
    return images + (images[::-1] - images) * mask, targets + (targets[::-1] - targets) * area


def _uniform(seed, shape, low, high):
    return tf.random.stateless_uniform(shape, seed, low, high)


def _some(
    images: tf.Tensor, share: float, seed: tf.Tensor, change: Callable[..., tf.Tensor]
) -> tf.Tensor:
    """Change a share of a batch, drawn anew for each."""
    if not share:
        return images
    seeds = tf.unstack(tf.random.split(seed, 2))
    batch = tf.shape(images)[0]
    count = tf.cast(tf.round(share * tf.cast(batch, tf.float32)), tf.int32)
    rows = tf.random.experimental.stateless_shuffle(tf.range(batch), seeds[0])[:count]
    return tf.tensor_scatter_nd_update(
        images, rows[:, None], change(tf.gather(images, rows), seeds[1])
    )


def _grounds(images):
    """Return the median of each picture's border, shape (batch, 1, 1, 3)."""
    border = _border(images)
    return tf.sort(border, axis=1)[:, border.shape[1] // 2, None, None, :]


def _border(images):
    return tf.concat([images[:, 0], images[:, -1], images[:, 1:-1, 0], images[:, 1:-1, -1]], axis=1)


def _warp(images, grounds, changes, seed):
    """Mirror, turn, zoom and shift in one projective warp: each pixel is interpolated once.

    What comes in from outside is the picture's own ground.
    """
    batch, side = tf.shape(images)[0], images.shape[1]
    seeds = tf.unstack(tf.random.split(seed, 4))
    farthest = math.radians(changes.degrees)
    angle = _uniform(seeds[0], [batch], -farthest, farthest)
    widest = math.log1p(changes.zoom)
    zoom = tf.exp(_uniform(seeds[1], [batch], -widest, widest))
    flip = tf.ones([batch])
    if changes.is_mirrored:
        flip = tf.where(_uniform(seeds[2], [batch], 0.0, 1.0) < 0.5, -1.0, 1.0)
    shift = _uniform(seeds[3], [batch, 2], -changes.shift * side, changes.shift * side)
    # Output pixel to input pixel, about the centre: in = A (out - centre - shift) + centre.
    a = flip * tf.cos(angle) / zoom
    b = -flip * tf.sin(angle) / zoom
    c = tf.sin(angle) / zoom
    d = tf.cos(angle) / zoom
    centre = (side - 1) / 2
    x, y = centre + shift[:, 0], centre + shift[:, 1]
    zero = tf.zeros([batch])
    transforms = tf.stack(
        [a, b, centre - a * x - b * y, c, d, centre - c * x - d * y, zero, zero], axis=1
    )
    warped = tf.raw_ops.ImageProjectiveTransformV3(
        images=images - grounds,
        transforms=transforms,
        output_shape=[side, side],
        interpolation="BILINEAR",
        fill_mode="CONSTANT",
        fill_value=0.0,
    )
    return warped + grounds


def _on_other_grounds(images, grounds, share, seed):
    """Put a share of the pictures on chance colours, softly where thing and ground meet.

    What is of the ground's colour elsewhere in the picture changes, too: highlights, as a rule.
    """
    both = tf.concat([images, tf.broadcast_to(grounds, tf.shape(images))], axis=-1)

    def change(some, own):
        some, ground = some[..., :3], some[..., 3:]
        share_of_ground = _ground_share(some, ground)
        even = tf.reduce_mean(_border(share_of_ground), axis=1)[:, None, None] >= EVEN
        colour = _uniform(own, [tf.shape(some)[0], 1, 1, 3], 0.0, BRIGHTEST)
        changed = some + (colour - some) * share_of_ground
        return tf.concat([tf.where(even, changed, some), ground], axis=-1)

    return _some(both, share, seed, change)[..., :3]


def _ground_share(images, grounds):
    distance = tf.reduce_max(tf.abs(images - grounds), axis=-1, keepdims=True)
    return tf.clip_by_value((GROUND_NONE - distance) / (GROUND_NONE - GROUND_FULL), 0.0, 1.0)


def _relight(images, most, seed):
    """Change brightness and contrast, and no channel alone: some classes differ in colour only."""
    batch = tf.shape(images)[0]
    seeds = tf.unstack(tf.random.split(seed, 2))
    contrast = 1 + _uniform(seeds[1], [batch, 1, 1, 1], -most, most)
    mean = tf.reduce_mean(images, axis=[1, 2], keepdims=True)
    return _gain((images - mean) * contrast + mean, most, seeds[0])


def _gain(images, most, seed):
    return images * (1 + _uniform(seed, [tf.shape(images)[0], 1, 1, 1], -most, most))


def _blur(images, changes, seed):
    """Blur each picture by a Gaussian of its own width, first along one side, then the other."""
    side = images.shape[1]
    most = max(changes.blur * side / 100, 1e-3)
    widths = _uniform(seed, [tf.shape(images)[0], 1], 1e-3, most)
    taps = tf.range(-BLUR_TAPS, BLUR_TAPS + 1, dtype=tf.float32)
    weights = tf.exp(-0.5 * (taps / widths) ** 2)
    weights = (weights / tf.reduce_sum(weights, axis=1, keepdims=True))[:, :, None, None, None]
    for axis in (1, 2):
        edges = [[0, 0] for _ in range(4)]
        edges[axis] = [BLUR_TAPS, BLUR_TAPS]
        padded = tf.pad(images, edges, "SYMMETRIC")
        parts = [
            tf.gather(padded, tf.range(tap, tap + side), axis=axis) * weights[:, tap]
            for tap in range(2 * BLUR_TAPS + 1)
        ]
        images = tf.add_n(parts)
    return images


def _noise(images, changes, seed):
    seeds = tf.unstack(tf.random.split(seed, 2))
    widths = _uniform(seeds[0], [tf.shape(images)[0], 1, 1, 1], 0.0, changes.noise)
    return images + widths * tf.random.stateless_normal(tf.shape(images), seeds[1])
