"""Measuring what a model answers: on photographs, and on the canary images."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models.data.canary_images import fingerprint
from models.files.cards import Accuracy, Canary

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import keras

    from models.data.fruits360 import Photographs
    from models.running.runtimes import LoadedModel

# Largest accepted difference of a probability between the card's canary answers and another
# machine's or runtime's. Float kernels differ by rounding; integer kernels by a step of the
# output's quantisation (1/256), times what a step inside the network makes of it.
CANARY_TOLERANCE = {"float32": 1e-4, "float16": 1e-3, "dynamic": 0.05, "int8": 0.05}


def predict_all(
    model: LoadedModel,
    images: np.ndarray,
    progress: Callable[[Iterable[np.ndarray]], Iterable[np.ndarray]] = iter,
) -> np.ndarray:
    """Classify pictures one at a time.

    Args:
        model: an interpreter.
        images: RGB in 0..255, shape (count, height, width, 3).
        progress: wraps the iteration over the pictures.

    Returns:
        float32 probabilities, shape (count, classes).
    """
    return np.stack([model.predict(image) for image in progress(images)])


def keras_predict_all(model: keras.Model, images: np.ndarray) -> np.ndarray:
    """Classify pictures in Keras; arguments and result are those of `predict_all`."""
    batches = np.array_split(images, max(1, len(images) // 256))
    return np.concatenate(
        [np.asarray(model(batch.astype(np.float32), training=False)) for batch in batches]
    )


def accuracy(probabilities: np.ndarray, photographs: Photographs) -> Accuracy:
    """Count the right answers.

    Args:
        probabilities: shape (count, classes).
        photographs: what was classified, in the same order.
    """
    correct = int((probabilities.argmax(axis=1) == photographs.labels).sum())
    return Accuracy(correct, len(photographs), photographs.fingerprint)


def canary(model: LoadedModel, images: np.ndarray) -> Canary:
    """Record a model's answers on canary images (uint8, shape (count, height, width, 3))."""
    probabilities = predict_all(model, images)
    return Canary(
        fingerprint(images),
        tuple(int(index) for index in probabilities.argmax(axis=1)),
        tuple(tuple(round(float(value), 6) for value in row) for row in probabilities),
    )


def canary_mismatches(expected: Canary, actual: Canary, tolerance: float) -> list[str]:
    """Say where two recordings of canary answers disagree; an empty list where they agree.

    The likeliest class may differ only where the expected margin over it is below twice the
    tolerance.
    """
    if expected.fingerprint != actual.fingerprint:
        return ["the canary images have other pixels than those that the answers were recorded on"]
    faults = []
    for index, (old, new) in enumerate(
        zip(expected.probabilities, actual.probabilities, strict=True)
    ):
        difference = float(np.abs(np.subtract(old, new)).max())
        if difference > tolerance:
            faults.append(
                f"canary {index}: a probability differs by {difference:.5f} (at most {tolerance})"
            )
        top, other = expected.top1[index], actual.top1[index]
        if top != other and old[top] - old[other] > 2 * tolerance:
            faults.append(f"canary {index}: class {other} in place of {top}")
    return faults
