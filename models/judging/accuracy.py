"""Measuring what a model answers: on photographs, and on the canary images."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models.data.canary_images import fingerprint
from models.data.photographs import DatasetError
from models.files.cards import Accuracy, Canary
from models.preprocessing import Picture, prepare
from models.preprocessing.limits import naming
from models.preprocessing.tensors import TensorSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import keras

    from models.data.photographs import Photographs
    from models.running.loaded_model import LoadedModel

# Largest accepted difference of a probability between the card's canary answers and another
# machine's or runtime's. Float kernels differ by rounding; integer kernels by a step of the
# output's quantisation (1/256), times what a step inside the network makes of it.
CANARY_TOLERANCE = {"float32": 1e-4, "float16": 1e-3, "dynamic": 0.05, "int8": 0.05}

KERAS_BATCH = 256
"""Pictures at a time: they and what the layers make of them fit into memory."""


def predict_all(
    model: LoadedModel,
    pictures: Sequence[Picture] | np.ndarray,
    progress: Callable[[Iterable[Picture]], Iterable[Picture]] = iter,
) -> np.ndarray:
    """Classify pictures one at a time, each as `models.preprocessing.prepare` makes it.

    Args:
        model: in a runtime.
        pictures: paths, encoded bytes, arrays, or one array of shape (count, height, width, 3).
        progress: wraps the iteration over the pictures.

    Returns:
        float32 probabilities, shape (count, classes).

    Raises:
        PreprocessingError: one of the pictures is damaged, or the model takes none; the message
            names a file.
    """
    tensors = (_prepared(picture, model.input) for picture in progress(pictures))
    return np.stack([model.predict(tensor) for tensor in tensors])


def keras_predict_all(model: keras.Model, pictures: Sequence[Picture] | np.ndarray) -> np.ndarray:
    """Classify pictures in Keras; arguments, result and errors are those of `predict_all`."""
    spec = TensorSpec(0, (1, *model.input_shape[1:]), np.dtype(np.float32))
    starts = range(0, len(pictures), KERAS_BATCH)
    answers = []
    for start in starts:
        chosen = pictures[start : start + KERAS_BATCH]
        batch = np.concatenate([_prepared(picture, spec) for picture in chosen])
        answers.append(np.asarray(model(batch, training=False)))
    return np.concatenate(answers)


def _prepared(picture: Picture, spec: TensorSpec) -> np.ndarray:
    with naming(picture):
        return prepare(picture, spec)


def is_right(probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Tell which answers are right: the one count, by the likeliest class.

    Args:
        probabilities: shape (count, classes); of equal ones the first counts, and an answer with
            a NaN is wrong.
        labels: class indices, shape (count,).

    Returns:
        bool, shape (count,).
    """
    return (probabilities.argmax(axis=1) == labels) & ~np.isnan(probabilities).any(axis=1)


def check_classes(count: int, photographs: Photographs) -> None:
    """Check that a model that answers with `count` values knows the photographs' classes.

    Raises:
        DatasetError: it has more or fewer.
    """
    if count != len(photographs.class_names):
        raise DatasetError(
            f"the model answers with {count} values, and there are "
            f"{len(photographs.class_names)} labels; name its labels with --labels FILE"
        )


def accuracy(probabilities: np.ndarray, photographs: Photographs) -> Accuracy:
    """Count the right answers.

    Args:
        probabilities: shape (count, classes).
        photographs: what was classified, in the same order.

    Raises:
        DatasetError: as for `check_classes`.
    """
    check_classes(probabilities.shape[1], photographs)
    right = is_right(probabilities, photographs.labels)
    return Accuracy(int(right.sum()), len(photographs), photographs.fingerprint)


def measure_accuracy(
    model: LoadedModel,
    photographs: Photographs,
    progress: Callable[[Iterable[Picture]], Iterable[Picture]] = iter,
) -> Accuracy:
    """Classify photographs and count the right answers; as `predict_all`."""
    return accuracy(predict_all(model, photographs.paths, progress), photographs)


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
