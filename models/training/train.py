"""Training from scratch: seeded, resumable, and the same for every architecture."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import keras
import numpy as np
import tensorflow as tf

from models.data.fruits360 import CLASS_NAMES
from models.training.augmentation import augment

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class Recipe:
    """How a network is trained. The defaults were chosen on held-out rotation series of the
    Training photographs, never on Test.

    With a teacher, the targets are a mixture of the labels and of the teacher's probabilities for
    the very picture that is learnt, as augmented: Hinton, Vinyals and Dean, "Distilling the
    Knowledge in a Neural Network", arXiv 1503.02531, section 2, at a temperature of 1; and Beyer et
    al., "Knowledge distillation: A good teacher is patient and consistent", arXiv 2106.05237,
    section 3, for showing both the same picture.

    Attributes:
        teacher: name of the architecture that teaches, or None.
        teacher_share: of the mixture, 0..1.
    """

    epochs: int = 30
    batch_size: int = 64
    learning_rate: float = 3e-3
    warmup_epochs: float = 1.0
    weight_decay: float = 0.05
    label_smoothing: float = 0.1
    seed: int = 360
    teacher: str | None = None
    teacher_share: float = 0.7


@dataclass(frozen=True)
class Examples:
    """Pictures and their labels.

    Attributes:
        images: uint8 RGB, shape (count, height, width, 3).
        labels: integer class indices, shape (count,).
    """

    images: np.ndarray
    labels: np.ndarray


def train(
    model: keras.Model,
    training: Examples,
    validation: Examples | None,
    recipe: Recipe,
    directory: Path,
    *,
    teacher: keras.Model | None = None,
    on_epoch: Callable[[int, dict[str, float]], None] = lambda epoch, logs: None,
    on_batch: Callable[[int], None] = lambda step: None,
) -> tuple[keras.Model, list[dict[str, float]]]:
    """Train `model` and return it with its history, resuming from `directory` if it can.

    Every batch is a function of (seed, step), so a run that was interrupted goes on with the
    batches it would have had. After each epoch the model with its optimizer state and the
    history are written to `directory`; a checkpoint of another recipe or architecture is not
    resumed but replaced.

    Args:
        model: an uncompiled network that takes float32 RGB in 0..255.
        training: what it learns from.
        validation: measured after each epoch, never used for a choice here; may be None.
        recipe: the hyperparameters.
        directory: where the checkpoint lives.
        teacher: the trained network that `recipe.teacher` names, if it does.
        on_epoch: called with (epochs done, their logs).
        on_batch: called with the number of steps done in all.

    Returns:
        The trained model and one dict of losses and accuracies an epoch.
    """
    recipe = replace(recipe, batch_size=min(recipe.batch_size, len(training.labels)))
    steps = len(training.labels) // recipe.batch_size
    identity = {"recipe": vars(recipe), "parameters": model.count_params(), "name": model.name,
                "training": len(training.labels)}  # fmt: skip
    history = _Checkpoint.history(directory, identity)
    if history:
        model = keras.models.load_model(directory / "checkpoint.keras")
    else:
        _compile(model, recipe, steps)
    for done, logs in enumerate(history, start=1):
        on_epoch(done, logs)
    if len(history) < recipe.epochs:
        model.fit(
            _batches(training, recipe, teacher, first_step=len(history) * steps, steps=steps),
            steps_per_epoch=steps,
            initial_epoch=len(history),
            epochs=recipe.epochs,
            validation_data=_in_order(validation) if validation else None,
            callbacks=[
                _Checkpoint(directory, identity, history),
                keras.callbacks.LambdaCallback(
                    on_train_batch_end=lambda batch, logs: on_batch(batch + 1),
                    on_epoch_end=lambda epoch, logs: on_epoch(epoch + 1, logs),
                ),
            ],
            shuffle=False,  # a batch's pictures are chosen by its step
            verbose=0,
        )
    return model, history


class _Checkpoint(keras.callbacks.Callback):
    """Writes the whole training state after each epoch, each file in one atomic step."""

    def __init__(self, directory: Path, identity: dict, history: list[dict[str, float]]):
        super().__init__()
        self._directory, self._identity, self._history = directory, identity, history
        directory.mkdir(parents=True, exist_ok=True)

    def on_epoch_end(self, epoch, logs=None):
        self._history.append({name: float(value) for name, value in (logs or {}).items()})
        partial = self._directory / "partial.keras"
        self.model.save(partial)
        os.replace(partial, self._directory / "checkpoint.keras")
        partial = self._directory / "partial.json"
        partial.write_text(json.dumps({"identity": self._identity, "history": self._history}))
        os.replace(partial, self._directory / "checkpoint.json")

    @staticmethod
    def history(directory: Path, identity: dict) -> list[dict[str, float]]:
        try:
            state = json.loads((directory / "checkpoint.json").read_text())
        except (OSError, ValueError):
            return []
        return state["history"] if state.get("identity") == identity else []


def _compile(model: keras.Model, recipe: Recipe, steps: int) -> None:
    warmup_steps = min(int(recipe.warmup_epochs * steps), recipe.epochs * steps // 2)
    schedule = keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=0.0,
        warmup_target=recipe.learning_rate,
        warmup_steps=warmup_steps,
        decay_steps=recipe.epochs * steps - warmup_steps,
    )
    optimizer = keras.optimizers.AdamW(schedule, weight_decay=recipe.weight_decay)
    optimizer.exclude_from_weight_decay(var_names=["gamma", "beta", "bias"])
    model.compile(
        optimizer=optimizer,
        loss=keras.losses.CategoricalCrossentropy(label_smoothing=recipe.label_smoothing),
        metrics=["accuracy"],
        jit_compile=False,
    )


def _batches(
    examples: Examples, recipe: Recipe, teacher: keras.Model | None, first_step: int, steps: int
) -> tf.data.Dataset:
    images, labels = tf.constant(examples.images), tf.constant(examples.labels)
    count = len(examples.labels)

    def batch(step):
        epoch, within = step // steps, step % steps
        order = tf.random.experimental.stateless_shuffle(tf.range(count), [recipe.seed, epoch])
        chosen = tf.slice(order, [within * recipe.batch_size], [recipe.batch_size])
        pixels = tf.cast(tf.gather(images, chosen), tf.float32)
        pixels.set_shape([recipe.batch_size, *examples.images.shape[1:]])
        targets = tf.one_hot(tf.gather(labels, chosen), len(CLASS_NAMES))
        pixels = augment(pixels, tf.stack([recipe.seed, step]))
        if teacher is not None:
            taught = teacher(pixels, training=False)
            targets = (1 - recipe.teacher_share) * targets + recipe.teacher_share * taught
        return pixels, targets

    last_step = recipe.epochs * steps
    dataset = tf.data.Dataset.range(first_step, last_step, output_type=tf.int32)
    return dataset.map(batch, num_parallel_calls=2).prefetch(2)


def _in_order(examples: Examples) -> tf.data.Dataset:
    dataset = tf.data.Dataset.from_tensor_slices((examples.images, examples.labels))
    return dataset.batch(256).map(
        lambda pixels, labels: (tf.cast(pixels, tf.float32), tf.one_hot(labels, len(CLASS_NAMES)))
    )
