"""The whole state of a training after an epoch, in one file, for going on where it stopped."""

from __future__ import annotations

import hashlib
import json
import os
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from models.data.changes import Changes
from models.training.augmentation import augment, cut_mix
from models.zoo import PUBLISHED_SEED

FILE_NAME = "checkpoint.npz"
PATIENCE = 10
LAST_PART = 4
"""The best of own pictures' epochs is one of the last quarter. Before, steps are long and what is
held out, a film or two of each class, goes up and down by ten points: its best would be chance."""

FEWEST_STEPS = 600
"""Of a training of few photographs. The means and variances that batch normalisation answers by
follow the batches' by a hundredth a step: after a few dozen they are still those it began with, and
every answer is the same class, however well the batches are told apart."""

Logs = dict[str, float]


def digest(*arrays: np.ndarray) -> str:
    """Return the sha256 over shapes, dtypes and elements (hexadecimal)."""
    sha = hashlib.sha256()
    for array in arrays:
        sha.update(f"{array.shape} {array.dtype}".encode())
        sha.update(np.ascontiguousarray(array).data)
    return sha.hexdigest()


class Checkpoint(keras.callbacks.Callback):
    """Writes weights, the optimizer's state and the history after each epoch, in one atomic step.

    It keeps arrays, not a Keras file: that one forgets which variables have no weight decay.

    Attributes:
        history: one dict of losses and accuracies for each epoch that is done.
        best: the epochs that were done when what was held out was known best, of the last ones
            where these were reached.
        before_last: how many epochs come before the last ones.
    """

    def __init__(self, directory: Path, identity: dict[str, Any], epochs: int):
        super().__init__()
        self._path = directory / FILE_NAME
        self._identity = json.loads(json.dumps(identity))
        self.history: list[Logs] = []
        self.before_last = epochs - epochs // LAST_PART
        self._best_weights: list[np.ndarray] = []

    @property
    def best(self) -> int:
        """Of epochs that know as many the one of least loss; the last where nothing is held out."""
        ranks = [(logs.get("val_accuracy", 0), -logs.get("val_loss", 0)) for logs in self.history]
        first = self.before_last if len(ranks) > self.before_last else 0
        return max(range(first, len(ranks)), key=lambda epoch: (ranks[epoch], epoch)) + 1

    def resume(self, model: keras.Model) -> None:
        """Take up the state that is kept, if it is of the same training; else change nothing.

        Args:
            model: compiled, its optimizer built.
        """
        try:
            with np.load(self._path) as kept:
                state = json.loads(str(kept["state"]))
                arrays, best = (
                    [kept[name] for name in kept.files if name.startswith(kind)]
                    for kind in ("array", "best")
                )
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return
        variables = _variables(model)
        if state["identity"] == self._identity and len(arrays) == len(variables):
            self.history, self._best_weights = state["history"], best
            for variable, array in zip(variables, arrays, strict=True):
                variable.assign(array)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Keep the state, and the weights that know what is held out best."""
        self.history.append({name: float(value) for name, value in (logs or {}).items()})
        if "val_loss" in self.history[-1] and self.best == len(self.history):
            self._best_weights = self.model.get_weights()
        self._path.parent.mkdir(parents=True, exist_ok=True)
        arrays: dict[str, Any] = {
            f"array{number}": np.asarray(variable)
            for number, variable in enumerate(_variables(self.model))
        }
        arrays |= {f"best{number}": array for number, array in enumerate(self._best_weights)}
        state = json.dumps({"identity": self._identity, "history": self.history})
        partial = self._path.with_suffix(".partial.npz")
        np.savez(partial, state=np.array(state), **arrays)
        os.replace(partial, self._path)

    def take_best(self, model: keras.Model) -> None:
        """Go back to the weights that knew best what was held out."""
        if self._best_weights:
            model.set_weights(self._best_weights)


def _variables(model: keras.Model) -> list[keras.Variable]:
    return [*model.variables, *model.optimizer.variables]  # with the seeds of dropout


@dataclass(frozen=True)
class Recipe:
    """How a network is trained. Where its defaults come from: `models/README.md`.

    Attributes:
        cut_mix: share of the pictures of which a part is another's, 0..1, where they may be cut.
        strength: how much of the light, grounds, noise and blur that may be it learns from, 0..1.
    """

    epochs: int = 30
    batch_size: int = 64
    learning_rate: float = 3e-3
    warmup_epochs: float = 1.0
    weight_decay: float = 0.05
    label_smoothing: float = 0.05
    seed: int = PUBLISHED_SEED
    cut_mix: float = 0.5
    strength: float = 0.0


@dataclass(frozen=True)
class Examples:
    """Pictures, uint8 RGB, shape (count, height, width, 3); the indices of their classes, shape
    (count,); and what may change in them."""

    images: np.ndarray
    labels: np.ndarray
    changes: Changes


def train(
    model: keras.Model, examples: Examples, recipe: Recipe, directory: Path, *,
    held_out: Examples | None = None, minutes: float | None = None,
    on_epoch: Callable[[int, Logs], None] = lambda epoch, logs: None,
    on_batch: Callable[[int], None] = lambda step: None,
) -> tuple[list[Logs], int]:  # fmt: skip
    """Train `model` in place and return its history, resuming from `directory` if it can.

    Every batch is a function of (seed, step), and the whole state is kept after each epoch: a run
    that was interrupted ends with the same weights, bit for bit, as one that was not. What is kept
    is taken up only by the same training: see `identity`. Nothing is measured on the way but what
    was held out for that, since a figure that is looked at each epoch is one that is chosen by.

    Args:
        model: an uncompiled network that takes float32 RGB in 0..255, and ends in classes.
        examples: what it learns from.
        recipe: the hyperparameters.
        directory: where the checkpoint lives.
        held_out: what the best epoch is known by, whose weights are kept; it ends where a
            `PATIENCE`th of the epochs brought none among the last ones.
        minutes: it ends after the epoch in which they are over.
        on_epoch: called with (epochs done, their logs), for epochs of an earlier call too.
        on_batch: called with the number of steps done in this epoch.

    Returns:
        One dict of loss and accuracy an epoch, and after how many its weights are these.
    """
    steps = len(examples.labels) // recipe.batch_size
    for layer in model.layers if held_out is not None else ():
        if isinstance(layer, keras.layers.BatchNormalization):
            # An epoch leaves a hundredth of what it began with; else what is held out is misjudged.
            layer.momentum = min(layer.momentum, max(0.9, 0.01 ** (1 / steps)))
    batch = _batch_of(examples, recipe, model.output_shape[-1])
    checkpoint = Checkpoint(directory, identity(model, examples, recipe, batch), recipe.epochs)
    _compile(model, recipe, steps)
    checkpoint.resume(model)
    for done, logs in enumerate(checkpoint.history, start=1):
        on_epoch(done, logs)
    first, started = len(checkpoint.history), time.monotonic()
    patience = max(5, recipe.epochs // PATIENCE)

    def is_over() -> bool:
        is_late = minutes is not None and time.monotonic() - started > 60 * minutes
        done = len(checkpoint.history)
        is_settled = held_out is not None and done > checkpoint.before_last
        return is_late or (is_settled and done - checkpoint.best >= patience)

    def end_epoch(epoch: int, logs: Logs) -> None:
        on_epoch(epoch + 1, logs)
        model.stop_training = is_over()

    if first < recipe.epochs and not (first and is_over()):
        numbers = tf.data.Dataset.range(first * steps, recipe.epochs * steps, output_type=tf.int32)
        model.fit(
            numbers.map(batch, num_parallel_calls=2).prefetch(2),
            steps_per_epoch=steps, initial_epoch=first, epochs=recipe.epochs,
            callbacks=[
                checkpoint,
                keras.callbacks.LambdaCallback(
                    on_train_batch_end=lambda batch, logs: on_batch(batch + 1),
                    on_epoch_end=end_epoch,
                ),
            ],
            validation_data=held_out and _plain(held_out, model.output_shape[-1]),
            shuffle=False,  # a batch's pictures are chosen by its step
            verbose=0,
        )  # fmt: skip
    checkpoint.take_best(model)
    return checkpoint.history, checkpoint.best


def _plain(examples: Examples, classes: int) -> tf.data.Dataset:
    pairs = tf.data.Dataset.from_tensor_slices((examples.images, examples.labels))
    return pairs.batch(256).map(
        lambda pixels, labels: (tf.cast(pixels, tf.float32), tf.one_hot(labels, classes))
    )


def identity(
    model: keras.Model, examples: Examples, recipe: Recipe, batch: Callable
) -> dict[str, Any]:
    """Return what makes two trainings the same one: recipe, layers, first weights, data, batches.

    The first batch speaks for the augmentation that makes it: whatever changes there changes its
    pixels or targets.
    """
    return {
        "recipe": vars(recipe),
        "layers": model.to_json(),
        "weights": digest(*model.get_weights()),
        "data": digest(examples.images, examples.labels),
        "first_batch": digest(*(np.asarray(part) for part in batch(tf.constant(0)))),
    }


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
    optimizer.build(model.trainable_variables)
    model.compile(
        optimizer=optimizer,
        loss=keras.losses.CategoricalCrossentropy(label_smoothing=recipe.label_smoothing),
        metrics=["accuracy"],
        jit_compile=False,
    )


def _batch_of(examples: Examples, recipe: Recipe, classes: int) -> Callable:
    """Return the function from a step (int32) to its batch of augmented pictures and targets."""
    images, labels = tf.constant(examples.images), tf.constant(examples.labels)
    count = len(examples.labels)
    steps = count // recipe.batch_size
    changes = examples.changes.at(recipe.strength, recipe.cut_mix)

    def batch(step):
        epoch, within = step // steps, step % steps
        order = tf.random.experimental.stateless_shuffle(tf.range(count), [recipe.seed, epoch])
        chosen = tf.slice(order, [within * recipe.batch_size], [recipe.batch_size])
        pixels = tf.cast(tf.gather(images, chosen), tf.float32)
        pixels.set_shape([recipe.batch_size, *examples.images.shape[1:]])
        targets = tf.one_hot(tf.gather(labels, chosen), classes)
        seed = tf.stack([recipe.seed, step])
        pixels = augment(pixels, changes, seed)
        if changes.cut:
            pixels, targets = cut_mix(pixels, targets, changes.cut, seed)
        return pixels, targets

    return batch
