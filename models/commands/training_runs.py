"""One training run from its name to its record: what `train` and `seeds` do."""

from __future__ import annotations

import functools
import math
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from models import zoo
from models.data import arcs, series
from models.data.changes import FRUIT
from models.data.photographs import Photographs
from models.data.tasks import Task
from models.files.cards import Accuracy
from models.files.run_records import (
    REPORTED,
    RunRecord,
    count_by_group,
    pack,
    run_name,
)
from models.judging import reported
from models.preprocessing.pipeline import read_pixels
from models.terminal.screen import Bars
from models.training import provenance

if TYPE_CHECKING:
    import keras

    from models.training.train import Recipe

BASELINE = "colour_histogram"

FEWEST_STEPS = 600
"""Of a training of few photographs. The means and variances that batch normalisation answers by
follow the batches' by a hundredth a step: after a few dozen they are still those it began with, and
every answer is the same class, however well the batches are told apart."""


@dataclass(frozen=True)
class Runs:
    """What all runs of a command share.

    Attributes:
        directory: of the artifacts.
        checkpoints: where each run keeps its state, in a folder of its name.
        task: what is learnt.
        epochs: in place of the recipe's; None: the recipe's.
    """

    directory: Path
    checkpoints: Path
    task: Task
    epochs: int | None = None
    _pixels_by_split: dict[str, np.ndarray] = field(default_factory=dict, repr=False)

    def train(
        self, architecture: zoo.Architecture, split: str, seed: int
    ) -> tuple[keras.Model, RunRecord]:
        """Train a network, or take up what is kept of it, and ask it."""
        from models.judging.accuracy import is_right, keras_predict_all

        started = time.monotonic()
        recipe = self._recipe(architecture, seed, len(self._learnt(split)))
        model, history = self._learn(architecture, split, recipe)
        learnt, asked = self._learnt(split), self._asked(split)
        right = is_right(keras_predict_all(model, asked.paths), asked.labels)
        record = self._record(
            architecture.name, split, seed, learnt, asked, right,
            parameters=model.count_params(),
            recipe={
                **vars(recipe),
                "changes": vars(self.task.changes.at(recipe.strength, recipe.cut_mix)),
            },
            history={key: [round(row[key], 5) for row in history] for key in history[0]},
            seconds=round(time.monotonic() - started),
            versions=provenance.versions(("tensorflow", "keras")),
        )  # fmt: skip
        return model, record

    def baseline(self, split: str) -> RunRecord:
        """Ask the nearest neighbour by colours."""
        from models.training.colour_histogram import BINS, nearest_labels

        started = time.monotonic()
        learnt, asked = self._learnt(split), self._asked(split)
        answers = nearest_labels(
            self._pixels(split), learnt.labels, read_pixels(asked, self.task.side)
        )
        return self._record(
            BASELINE, split, 0, learnt, asked, answers == asked.labels,
            parameters=len(learnt) * BINS**3,
            recipe={"bins": BINS, "distance": "hellinger"},
            history={},
            seconds=round(time.monotonic() - started),
            versions=provenance.versions(("numpy", "scipy")),
        )  # fmt: skip

    def _record(self, name, split, seed, learnt, asked, right, **facts) -> RunRecord:
        return RunRecord(
            architecture=name,
            split=split,
            seed=seed,
            learnt={"photographs": len(learnt), "fingerprint": learnt.fingerprint},
            accuracy=Accuracy(int(right.sum()), len(asked), asked.fingerprint),
            groups=count_by_group(right, asked.groups),
            right=pack(right),
            commit=provenance.commit(),
            **facts,
        )

    @functools.cached_property
    def _training(self) -> Photographs:
        return self.task.load("Training")

    def _learnt(self, split: str) -> Photographs:
        if split == "whole":
            return self._training
        if split == "other-series":
            return series.first_series(self._training)
        return self._training.take(_development(split, self._training).learnt)

    def _asked(self, split: str) -> Photographs:
        """Return what the run is judged by. The reported ones are opened here and nowhere else."""
        if split in REPORTED:
            ask = {"whole": reported.the_test_split, "other-series": reported.other_series}
            return ask[split](self.task)
        return self._training.take(_development(split, self._training).asked)

    def _pixels(self, split: str) -> np.ndarray:
        if split not in self._pixels_by_split:
            self._pixels_by_split.clear()  # one split at a time fits into memory
            self._pixels_by_split[split] = read_pixels(self._learnt(split), self.task.side)
        return self._pixels_by_split[split]

    def _recipe(self, architecture: zoo.Architecture, seed: int, count: int) -> Recipe:
        """Return the recipe for so many photographs; where they are few, with more epochs."""
        from models.training.train import Recipe

        recipe = Recipe(seed=seed, **architecture.recipe)
        batch_size = min(recipe.batch_size, count)
        enough = math.ceil(FEWEST_STEPS / (count // batch_size))
        epochs = self.epochs or max(recipe.epochs, enough)
        # The table's strengths were chosen for the study's photographs. What may change in others
        # their owner says, and all of it is learnt.
        strength = recipe.strength if self.task.changes == FRUIT else 1.0
        return replace(recipe, batch_size=batch_size, epochs=epochs, strength=strength)

    def _learn(self, architecture, split, recipe):
        """Train with a progress bar, from the run's checkpoint if there is one."""
        import keras

        from models.training.train import Examples, train

        examples = Examples(self._pixels(split), self._learnt(split).labels, self.task.changes)
        keras.utils.set_random_seed(recipe.seed)
        model = architecture.build(self.task.input_shape, len(self.task.class_names))
        name = run_name(architecture.name, split, recipe.seed)
        with Bars(name, recipe.epochs, len(examples.labels) // recipe.batch_size) as bars:
            history = train(
                model,
                examples,
                recipe,
                self.checkpoints / name,
                on_epoch=bars.on_epoch,
                on_batch=bars.on_batch,
            )
        return model, history


def _development(split: str, training: Photographs) -> series.Split:
    choose = {
        "development": series.development,
        "arcs": arcs.held_out,
        "first-arcs": arcs.held_out_of_first_series,
    }
    return choose[split](training)
