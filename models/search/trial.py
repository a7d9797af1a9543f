"""One trial: a shape is trained on arcs, asked about the others, converted and timed."""

from __future__ import annotations

import contextlib
import gc
import io
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from models import arcs
from models.artifacts import Artifact
from models.fruits360 import CLASS_NAMES, DatasetError, Photographs
from models.preprocessing.resizing import resize
from models.runtimes import RUNTIMES
from models.search.latency import Latency, measure
from models.search.space import Candidate

RUNTIME = "litert"


@dataclass(frozen=True)
class Effort:
    """How thoroughly each trial is measured.

    Attributes:
        epochs: of each training.
        folds: number of arcs that are held out, one after the other; a training each.
        rounds: of `invoke` that are timed.
    """

    epochs: int
    folds: int
    rounds: int


@dataclass(frozen=True)
class Outcome:
    """What a trial found.

    Attributes:
        correct: photographs of the held-out arcs that were classified rightly, by fold.
        asked: photographs of the held-out arcs, by fold.
        latency: in float32, on one thread.
        file_bytes: size of the float32 `.tflite` file.
    """

    correct: tuple[int, ...]
    asked: tuple[int, ...]
    latency: Latency
    file_bytes: int

    @property
    def accuracy(self) -> float:
        """Share of the photographs that were classified rightly, over all folds, 0..1."""
        return sum(self.correct) / sum(self.asked)

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain numbers, under the names that a trial's record has."""
        return {
            "correct": self.correct,
            "asked": self.asked,
            "latency_ratio": self.latency.ratio,
            "invoke_us": self.latency.candidate_us,
            "reference_us": self.latency.reference_us,
            "file_bytes": self.file_bytes,
        }


def resized(images: np.ndarray, side: int) -> np.ndarray:
    """Bring pictures to another size, as a photograph is prepared for a model of that size.

    Args:
        images: uint8 RGB, shape (count, height, width, 3).
        side: in pixels.

    Returns:
        uint8 RGB, shape (count, side, side, 3).
    """
    if images.shape[1:3] == (side, side):
        return images
    result = np.empty((len(images), side, side, 3), np.uint8)
    for index, pixels in enumerate(images):
        result[index] = resize(Image.fromarray(pixels), (side, side), "squash", "antialiased")
    return result


def steps(training: Photographs, effort: Effort) -> int:
    """Return about how many batches a trial learns from, for a progress bar."""
    from models.training import Recipe

    learnt = len(training) * (arcs.FOLDS - 1) // arcs.FOLDS
    return max(1, learnt // Recipe.batch_size) * effort.epochs * effort.folds


def run(
    candidate: Candidate,
    training: Photographs,
    reference: Artifact,
    effort: Effort,
    seed: int,
    on_step: Callable[[], None] = lambda: None,
) -> Outcome:
    """Train, ask, convert and time one candidate; the same seed gives the same accuracy.

    Args:
        candidate: what is measured.
        training: the photographs of Training. Test is never looked at.
        reference: the network whose time the latency is a share of.
        effort: how thoroughly.
        seed: of weights, order and augmentation, in every fold.
        on_step: called after each batch.

    Raises:
        DatasetError: the turns have too few photographs to hold an arc out.
        ArtifactError: the reference is missing or damaged.
    """
    from models.conversion import convert

    images = resized(training.images, candidate.side)
    correct, asked = [], []
    for fold in range(effort.folds):
        split = arcs.held_out(training, fold)
        if not split.asked.any():
            raise DatasetError(f"the turns are too short to hold out fold {fold} of {arcs.FOLDS}")
        model = _trained(candidate, images, training.labels, split.learnt, effort, seed, on_step)
        correct.append(_correct(model, images[split.asked], training.labels[split.asked]))
        asked.append(int(split.asked.sum()))
    with contextlib.redirect_stdout(io.StringIO()):  # Keras lists what it exports for the converter
        content = convert(model, "float32")
    runtime = RUNTIMES[RUNTIME]
    latency = measure(runtime.load(content), runtime.load(reference.read_bytes()), effort.rounds)
    return Outcome(tuple(correct), tuple(asked), latency, len(content))


def _trained(
    candidate: Candidate,
    images: np.ndarray,
    labels: np.ndarray,
    learnt: np.ndarray,
    effort: Effort,
    seed: int,
    on_step: Callable[[], None],
):
    import keras

    from models.architectures.patch_separable import build
    from models.training import Examples, Recipe, train

    # A search builds hundreds of networks in one process, and Keras keeps what it is not told to
    # forget.
    keras.backend.clear_session()
    gc.collect()
    keras.utils.set_random_seed(seed)
    model = build((candidate.side, candidate.side, 3), len(CLASS_NAMES), shape=candidate.shape)
    with tempfile.TemporaryDirectory() as checkpoints:
        model, _ = train(
            model,
            Examples(images[learnt], labels[learnt]),
            None,
            Recipe(epochs=effort.epochs, seed=seed),
            Path(checkpoints),
            on_batch=lambda step: on_step(),
        )
    return model


def _correct(model, images: np.ndarray, labels: np.ndarray) -> int:
    from models.evaluation import keras_predict_all

    return int((keras_predict_all(model, images).argmax(axis=1) == labels).sum())
