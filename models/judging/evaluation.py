"""What a model answers, and whether it is right: on photographs, on any labelled pictures, beside
another model, and on the canary images."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from models.data.canary_images import fingerprint
from models.data.photographs import (
    DatasetError,
    Photographs,
    plain_name,
    read_labels,
    read_pictures,
)
from models.files.artifacts import Artifact
from models.files.cards import Canary, Share
from models.files.metadata import normalisation_of
from models.files.obstacles import no_classifier
from models.preprocessing import Picture, Preparation, PreprocessingError, prepare
from models.preprocessing.limits import naming
from models.preprocessing.pipeline import PLAIN
from models.preprocessing.tensors import TensorSpec
from models.running.loaded_model import CannotRunError
from models.running.probe import probe
from models.running.runtimes import Runtime

if TYPE_CHECKING:
    import keras

    from models.running.loaded_model import LoadedModel

TOP = 5
"""An answer is among the top five if fewer than five classes come before it."""

KERAS_BATCH = 256
"""Pictures at a time: they and what the layers make of them fit into memory."""


def predict_all(model: LoadedModel, pictures: Sequence[Picture] | np.ndarray) -> np.ndarray:
    """Return float32 probabilities, shape (count, classes), of pictures one at a time, each as
    `models.preprocessing.prepare` makes it. A damaged one is a PreprocessingError that names it."""
    return np.stack([model.predict(_prepared(picture, model.input)) for picture in pictures])


def keras_predict_all(model: keras.Model, pictures: Sequence[Picture] | np.ndarray) -> np.ndarray:
    """Classify pictures in Keras; arguments, result and errors are those of `predict_all`."""
    spec = TensorSpec(0, (1, *model.input_shape[1:]), np.dtype(np.float32))
    answers = []
    for start in range(0, len(pictures), KERAS_BATCH):
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
    """Refuse a model that answers with more or fewer values than there are classes."""
    if count != len(photographs.class_names):
        raise DatasetError(
            f"the model answers with {count} values, and there are "
            f"{len(photographs.class_names)} labels; name its labels with --labels FILE"
        )


def measure_accuracy(
    model: LoadedModel,
    photographs: Photographs,
    progress: Callable[[Iterable[Path]], Iterable[Path]] = iter,
) -> Share:
    """Classify photographs and count the right answers, with their fingerprint.

    Raises:
        PreprocessingError: one of them is damaged; the message names it.
        DatasetError: the model has another number of classes.
    """
    found = evaluate(model, photographs, progress=progress)
    for damage in found.damaged.values():
        raise PreprocessingError(damage)
    return replace(found.top_1, fingerprint=photographs.fingerprint)


def canary(model: LoadedModel, images: np.ndarray) -> Canary:
    """Record a model's answers on canary images (uint8, shape (count, height, width, 3))."""
    probabilities = predict_all(model, images)
    return Canary(
        fingerprint(images),
        tuple(int(index) for index in probabilities.argmax(axis=1)),
        tuple(tuple(round(float(value), 6) for value in row) for row in probabilities),
    )


@dataclass(frozen=True, eq=False)
class Evaluation:
    """A model's answers.

    Attributes:
        photographs: those that could be read, in order.
        probabilities: float32, shape (count, classes).
        damaged: why each of the others could not be read, by its file.
        preparation: how each became the model's input.
        is_order_told: whether something named the model's classes, in its order.
    """

    photographs: Photographs
    probabilities: np.ndarray
    damaged: dict[str, str]
    preparation: Preparation = PLAIN
    is_order_told: bool = True

    @property
    def right(self) -> np.ndarray:
        """Which answers are right: bool, shape (count,)."""
        return is_right(self.probabilities, self.photographs.labels)

    @property
    def answers(self) -> np.ndarray:
        """The likeliest class of each picture, int64, shape (count,)."""
        return self.probabilities.argmax(axis=1)

    @property
    def top_1(self) -> Share:
        """Answers whose likeliest class is right."""
        return _share(self.right)

    @property
    def held_to_bound(self) -> Share:
        """As `top_1`, with all that could not be read counted as wrong."""
        return Share(self.top_1.correct, self.top_1.images + len(self.damaged))

    @property
    def top_5(self) -> Share:
        """Answers whose right class is among the `TOP` likeliest; of equal ones the first count."""
        order = np.argsort(-self.probabilities, axis=1, kind="stable")[:, :TOP]
        is_among = (order == self.photographs.labels[:, None]).any(axis=1)
        return _share(is_among & ~np.isnan(self.probabilities).any(axis=1))

    @property
    def remarks(self) -> list[str]:
        """What a reader of the figures must know: a line each."""
        told = self.preparation.normalisation
        warnings = [told.warning] if told and told.warning else []
        if count := int(np.isnan(self.probabilities).any(axis=1).sum()):
            warnings.append(f"{count:,} answers hold NaN, and are wrong")
        if not self.is_order_told:
            first = ", ".join(self.photographs.class_names[:3])
            warnings.append(
                "nothing names the model's classes: assumed those of the pictures in alphabetical "
                f"order ({first}, ...); --labels FILE says otherwise"
            )
        damaged = [f"not classified: {name}: {fault}" for name, fault in self.damaged.items()]
        return [*(f"warning: {each}" for each in warnings), *self.photographs.remarks, *damaged]

    def by_class(self) -> dict[str, Share]:
        """Return the share of right answers of each class that has pictures."""
        labels, names = self.photographs.labels, self.photographs.class_names
        return {names[label]: _share(self.right[labels == label]) for label in np.unique(labels)}

    def confusion(self) -> list[tuple[str, str, int]]:
        """Return (right class, answered class, pictures) of the wrong answers, most first."""
        names = self.photographs.class_names
        wrong = np.stack([self.photographs.labels, self.answers])[:, ~self.right]
        pairs, counts = np.unique(wrong, axis=1, return_counts=True)
        found = [
            (names[label], names[answer], int(count))
            for label, answer, count in zip(*pairs, counts, strict=True)
        ]
        return sorted(found, key=lambda row: -row[2])

    def to_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {
            "top_1": self.top_1.to_dict(),
            "top_5": self.top_5.to_dict(),
            "by_class": {name: share.to_dict() for name, share in self.by_class().items()},
            "confusion": [list(row) for row in self.confusion()],
            "damaged": self.damaged,
            "remarks": self.remarks,
            "preparation": self.preparation.as_dict(),
        }


def evaluate(
    model: LoadedModel,
    photographs: Photographs,
    *,
    preparation: Preparation = PLAIN,
    progress: Callable[[Iterable[Path]], Iterable[Path]] = iter,
) -> Evaluation:
    """Classify pictures one at a time; a damaged one is told and counted, not classified.

    Args:
        model: a classifier in a runtime: its output has a value for each class.
        photographs: what is classified.
        preparation: how a picture becomes the input; default: as the input itself tells.
        progress: wraps the iteration over the files.

    Raises:
        DatasetError: no picture can be read, or the model has another number of classes.
    """
    preparation = preparation.for_input(model.input)
    probabilities, damaged, readable = [], {}, []
    for number, path in enumerate(progress(photographs.paths)):
        try:
            tensor = prepare(path, model.input, preparation)
        except PreprocessingError as error:
            damaged[photographs.files[number]] = str(error)
            continue
        readable.append(number)
        probabilities.append(model.predict(tensor))
    if not readable:
        reason = next(iter(damaged.values()), "there is none")
        raise DatasetError(f"{photographs.root}: no picture can be read ({reason})")
    check_classes(len(probabilities[0]), photographs)
    kept = photographs.take(np.array(readable))
    return Evaluation(kept, np.stack(probabilities), damaged, preparation)


@dataclass(frozen=True)
class Comparison:
    """Two models' answers on the same pictures.

    Attributes:
        same: pictures of which both say the same class, right or wrong, whatever its number.
        images: pictures in all.
        only_first, only_second: pictures that only the one classifies rightly.
    """

    same: int
    images: int
    only_first: int
    only_second: int

    @property
    def mcnemar_p(self) -> float:
        """Return the p-value of McNemar's exact test: 1.0 where neither is right alone.

        Source: McNemar, "Note on the sampling error of the difference between correlated
        proportions or percentages", Psychometrika 12, 1947; exact, in its binomial form.
        """
        alone = self.only_first + self.only_second
        fewer = min(self.only_first, self.only_second)
        return min(1.0, 2 * sum(math.comb(alone, count) for count in range(fewer + 1)) / 2**alone)

    def to_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {**vars(self), "mcnemar_p": self.mcnemar_p}


def compare(first: Evaluation, second: Evaluation) -> Comparison:
    """Compare two models on the pictures that both have classified.

    Raises:
        DatasetError: there is none.
    """
    answers = [
        {
            file: (plain_name(each.photographs.class_names[answer]), bool(right))
            for file, answer, right in zip(
                each.photographs.files, each.answers, each.right, strict=True
            )
        }
        for each in (first, second)
    ]
    both = [(answers[0][file], answers[1][file]) for file in answers[0] if file in answers[1]]
    if not both:
        raise DatasetError("there is no picture that both models have classified")
    return Comparison(
        sum(one[0] == other[0] for one, other in both),
        len(both),
        sum(one[1] and not other[1] for one, other in both),
        sum(other[1] and not one[1] for one, other in both),
    )


def draw_confusion(evaluation: Evaluation, title: str, path: Path) -> None:
    """Draw which class was taken for which, as shares of the right class's pictures."""
    from matplotlib.figure import Figure

    names, labels = evaluation.photographs.class_names, evaluation.photographs.labels
    counts = np.zeros((len(names), len(names)), int)
    np.add.at(counts, (labels, evaluation.answers), 1)
    side = 2.5 + 0.3 * min(len(names), 60)
    figure = Figure(figsize=(side + 1, side), layout="constrained")
    axes = figure.subplots()
    axes.imshow(counts / np.maximum(counts.sum(axis=1, keepdims=True), 1), "Blues", vmin=0, vmax=1)
    for (right, answered), count in np.ndenumerate(counts):
        if count and len(names) <= 60:
            colour = "white" if 2 * count > counts[right].sum() else "black"
            axes.text(answered, right, str(count), ha="center", va="center", color=colour, size=7)
    axes.set_xticks(range(len(names)), names, rotation=90)
    axes.set_yticks(range(len(names)), names)
    axes.set(xlabel="answered", ylabel="right", title=title)
    figure.savefig(path, dpi=110)


def _share(right: np.ndarray) -> Share:
    return Share(int(right.sum()), len(right))


def evaluate_file(
    file: Artifact,
    runtime: Runtime,
    pictures: Path,
    labels: Path | None = None,
    preparation: Mapping[str, Any] | None = None,
    shapes: Sequence[tuple[int, ...]] = (),
    progress: Callable[[Iterable[Path]], Iterable[Path]] = iter,
) -> Evaluation:
    """Classify labelled pictures of any kind with any file.

    Args:
        file: a classifier.
        runtime: that runs it.
        pictures: as for `models.data.photographs.read_pictures`.
        labels: a file of the model's classes; else its metadata or card tells, or labels.txt.
        preparation: as for `preparation_of`.
        shapes: of the first inputs, in place of the file's.
        progress: wraps the iteration over the pictures.

    Raises:
        ArtifactError: the file is no classifier, or cannot be run.
        DatasetError: the pictures cannot be read, or the labels are not the model's.
    """
    reason = no_classifier(file.details.reshaped(shapes))
    if reason:
        raise CannotRunError(f"{file.path}: is no classifier of pictures: {reason}")
    probe(file, runtime, input_shapes=shapes)
    names = _labels(file, labels)
    photographs = read_pictures(pictures, names)
    model = runtime.load(file.path, input_shapes=shapes)
    used = preparation_of(file, model.input, preparation or {})
    found = evaluate(model, photographs, preparation=used, progress=progress)
    return replace(found, is_order_told=bool(names))


def preparation_of(file: Artifact, spec: TensorSpec, told: Mapping[str, Any]) -> Preparation:
    """Return how pictures become a file's input: as is told, else as its card, its metadata, or
    the input says, whichever says it first.

    Args:
        told: some of `Preparation`'s fields (`models.terminal.options.told_preparation`).

    Raises:
        ArtifactError: the file cannot be read.
        PreprocessingError: what is told does not go together.
    """
    stored = file.stored_preparation.changed(told)
    if stored.normalisation:
        return stored
    return replace(stored, normalisation=normalisation_of(file.metadata, spec))


def _labels(file: Artifact, named: Path | None) -> tuple[str, ...]:
    """Return the labels: as named, of the file's metadata or card, of labels.txt, or none."""
    if named:
        return read_labels(named)
    card, beside = file.card_beside, file.path.with_name("labels.txt")
    told = file.metadata.labels or (card.labels if card else ())
    if file.metadata.fault and not told:
        raise DatasetError(f"{file.path}: {file.metadata.fault}; name others with --labels FILE")
    return told or (read_labels(beside) if beside.is_file() else ())
