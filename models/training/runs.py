"""One run from its name to what was learnt; who asks it stands above this room."""

from __future__ import annotations

import functools
import math
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.spatial.distance import cdist

from models import zoo
from models.data import splits
from models.data.changes import FRUIT
from models.data.photographs import DatasetError, Photographs
from models.data.tasks import Task, chosen_groups
from models.files.artifacts import sha256
from models.files.cards import Share
from models.preprocessing.pipeline import read_pixels
from models.terminal.screen import Bars
from models.training import records

if TYPE_CHECKING:
    import keras

    from models.training.learning import Recipe

BASELINE = "colour_histogram"
"""What networks must beat: the nearest neighbour by the colours of the picture. It knows no shape,
no place and no texture: only how many pixels have which colour."""

BINS = 8
"""Of the baseline, for each of red, green and blue."""

ENOUGH_STEPS = 2_500
"""Of a training on a user's own pictures: so many batches, however few pictures there are."""

HELD_PARTS = 10
"""Of these, one group in so many is held out, to tell which epoch knows best."""


@dataclass(frozen=True, eq=False)
class Learnt:
    """What was learnt: the Keras model, or of the baseline the function from pixels to labels; and
    the facts of the record, but for the answers."""

    model: Any
    facts: dict[str, Any]

    def answered(self, right: np.ndarray, asked: Photographs) -> records.RunRecord:
        """Return the record of what was answered rightly: bool, shape (count,)."""
        return records.RunRecord(
            accuracy=Share(int(right.sum()), len(asked), asked.fingerprint),
            groups=records.count_by_group(right, asked.groups),
            right=records.pack(right),
            **self.facts,
        )


@dataclass(frozen=True)
class Runs:
    """What all runs of a command share.

    Attributes:
        directory: of the artifacts.
        checkpoints: where each run keeps its state, in a folder of its name.
        task: what is learnt.
        epochs: in place of the recipe's; None: the recipe's.
        minutes: after which a training ends.
        is_own: whether the pictures are a user's own: then it learns until it no longer helps.
    """

    directory: Path
    checkpoints: Path
    task: Task
    epochs: int | None = None
    minutes: float | None = None
    is_own: bool = False
    _pixels_by_split: dict[str, np.ndarray] = field(default_factory=dict, repr=False)

    def train(self, architecture: zoo.Architecture, split: str, seed: int) -> Learnt:
        """Train a network, or take up what is kept of it."""
        started = time.monotonic()
        recipe = self._recipe(architecture, seed, len(self.learnt(split)))
        model, history, best = self._learn(architecture, split, recipe)
        return self._result(
            model, architecture.name, split, seed,
            trained_parameters=model.count_params(),
            recipe={
                **vars(recipe),
                "changes": vars(self.task.changes.at(recipe.strength, recipe.cut_mix)),
            },
            budget={"epochs": recipe.epochs, "minutes": self.minutes},
            held_out=self._held_out(split),
            history={key: [round(row[key], 5) for row in history] for key in history[0]},
            epochs={"run": len(history), "best": best},
            seconds=round(time.monotonic() - started),
            versions=records.versions(("tensorflow", "keras")),
        )  # fmt: skip

    def situation(self, architecture: zoo.Architecture) -> list[str]:
        """Return what is about to be learnt from one's own pictures: a few lines."""
        learnt, held, task = self.learnt("whole"), self.held("whole"), self.task
        recipe = self._recipe(architecture, zoo.PUBLISHED_SEED, len(learnt))
        varied = [f"{name} {value:g}" for name, value in vars(task.changes).items() if value]
        count = architecture.build(task.input_shape, len(task.class_names)).count_params()
        return [
            f"{task.describe()}; {architecture.title} of {count:,} parameters for {task.side}x"
            f"{task.side} pixels",
            f"learnt: {len(learnt):,} pictures in {len({*learnt.groups}):,} groups; held out to "
            f"know when to stop: {len(held) if held else 0:,}; Test: {len(task.load('Test')):,}",
            f"what changes in them (--changes): {', '.join(varied) or 'nothing'}",
            f"at most {recipe.epochs:,} epochs of {len(learnt) // recipe.batch_size:,} steps",
        ]

    def baseline(self, split: str) -> Learnt:
        """Keep the colours of what is learnt."""
        pixels, labels = self.pixels(split), self.learnt(split).labels
        return self._result(
            functools.partial(nearest_labels, pixels, labels), BASELINE, split, 0,
            trained_parameters=len(labels) * BINS**3,
            recipe={"bins": BINS, "distance": "hellinger"},
            budget={"epochs": None, "minutes": None},
            history={},
            epochs={"run": 0, "best": 0},
            seconds=0,
            versions=records.versions(("numpy", "scipy")),
        )  # fmt: skip

    def _result(self, model: Any, name: str, split: str, seed: int, **facts: Any) -> Learnt:
        learnt, task = self.learnt(split), self.task
        return Learnt(
            model,
            {
                "architecture": name,
                "task": {
                    "name": task.describe(),
                    "side": task.side,
                    "classes": list(task.class_names),
                },
                "split": split,
                "seed": seed,
                "learnt": {"pictures": len(learnt), "fingerprint": learnt.fingerprint},
                "held_out": None,  # unless the facts say so
                "code": records.state_of_the_code(),
                **facts,
            },
        )

    @functools.cached_property
    def _training(self) -> Photographs:
        return self.task.load("Training")

    def held(self, split: str) -> Photographs | None:
        """Return what is held out of one's own pictures, None of the study's."""
        if not self.is_own or split != "whole":
            return None
        chosen = chosen_groups(self._training, HELD_PARTS)
        return self._training.take(chosen) if chosen.any() else None

    def _held_out(self, split: str) -> dict[str, Any] | None:
        if (held := self.held(split)) is None:
            return None
        groups = len({*held.groups})
        return {"pictures": len(held), "groups": groups, "fingerprint": held.fingerprint}

    def learnt(self, split: str) -> Photographs:
        """Return what is learnt of a split."""
        if split == "whole":
            whole = self._training
            return whole.take(~chosen_groups(whole, HELD_PARTS)) if self.is_own else whole
        if split == "other-series":
            return splits.first_series(self._training)
        return self._training.take(development(split, self._training).learnt)

    def pixels(self, split: str) -> np.ndarray:
        """Return what is learnt as uint8 RGB, shape (count, side, side, 3)."""
        if split not in self._pixels_by_split:
            self._pixels_by_split.clear()  # one split at a time fits into memory
            self._pixels_by_split[split] = read_pixels(self.learnt(split), self.task.side)
        return self._pixels_by_split[split]

    def _recipe(self, architecture: zoo.Architecture, seed: int, count: int) -> Recipe:
        """Return the recipe for so many photographs; where they are few, with more epochs."""
        from models.training.learning import FEWEST_STEPS, Recipe

        recipe = Recipe(seed=seed, **architecture.recipe)
        batch_size = min(recipe.batch_size, max(8, count // 20) if self.is_own else count, count)
        fewest = ENOUGH_STEPS if self.is_own else FEWEST_STEPS
        enough = math.ceil(fewest / (count // batch_size))
        epochs = self.epochs or max(recipe.epochs, enough)
        # The table's strengths were chosen for the study's photographs. What may change in others
        # their owner says, and all of it is learnt.
        strength = recipe.strength if self.task.changes == FRUIT else 1.0
        return replace(recipe, batch_size=batch_size, epochs=epochs, strength=strength)

    def _learn(self, architecture, split, recipe):
        """Train with a progress bar, from the run's checkpoint if there is one."""
        import keras

        from models.training.learning import Examples, train

        held, own = self.held(split), None
        if held is not None:
            own = Examples(read_pixels(held, self.task.side), held.labels, self.task.changes)
        examples = Examples(self.pixels(split), self.learnt(split).labels, self.task.changes)
        keras.utils.set_random_seed(recipe.seed)
        model = architecture.build(self.task.input_shape, len(self.task.class_names))
        name = records.run_name(architecture.name, split, recipe.seed)
        with Bars(name, recipe.epochs, len(examples.labels) // recipe.batch_size) as bars:
            history, best = train(
                model, examples, recipe, self.checkpoints / name, held_out=own,
                minutes=self.minutes, on_epoch=bars.on_epoch, on_batch=bars.on_batch,
            )  # fmt: skip
        return model, history, best


def check_side(architecture: zoo.Architecture, side: int) -> None:
    """Build the network for square pictures of so many pixels a side.

    Raises:
        DatasetError: they are too small for it; the message names the smallest.
    """
    for larger in range(side, side + 200):
        try:
            architecture.build((larger, larger, 3), 2)
        except ValueError:
            continue
        if larger > side:
            raise DatasetError(f"--side {side}: {architecture.title} takes {larger} at least")
        return


def publish(model: keras.Model, record: records.RunRecord, directory: Path) -> records.RunRecord:
    """Keep the network beside the records, and return its record with the file's sha256.

    It is written without its optimizer, whose state is twice as large as its weights.
    """
    bare = model.__class__.from_config(model.get_config())  # a clone would be compiled, too
    bare.set_weights(model.get_weights())
    path = records.keras_path(record.architecture, directory)
    directory.mkdir(parents=True, exist_ok=True)
    bare.save(path)
    return replace(record, keras_sha256=sha256(path.read_bytes()))


def development(split: str, training: Photographs) -> splits.Split:
    """Return what is learnt and what is asked of a split that is for making choices."""
    choose = {
        "development": splits.development,
        "arcs": splits.held_out,
        "first-arcs": splits.held_out_of_first_series,
    }
    return choose[split](training)


def histograms(images: np.ndarray) -> np.ndarray:
    """Return each colour's share of the pixels of uint8 RGB: float64, shape (count, 512)."""
    steps = (images.reshape(len(images), -1, 3) // (256 // BINS)).astype(np.int64)
    colours = steps @ (BINS * BINS, BINS, 1)
    counts = [np.bincount(row, minlength=BINS**3) for row in colours]
    return np.stack(counts) / colours.shape[1]


def nearest_labels(learnt: np.ndarray, labels: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """Return for each asked picture the label of the learnt one with the nearest histogram.

    The distance is Hellinger's, between the roots of the shares. On the development series it was
    right more often (91.3 %) than the sum of differences (90.8 %) and Euclid's distance (89.6 %).

    Args:
        learnt, asked: uint8 RGB, shape (count, height, width, 3).
        labels: of what is learnt, shape (count,).
    """
    known, found = np.sqrt(histograms(learnt)), []
    for rows in np.array_split(np.sqrt(histograms(asked)), max(1, len(asked) // 500)):
        found.append(labels[cdist(rows, known).argmin(axis=1)])
    return np.concatenate(found)
