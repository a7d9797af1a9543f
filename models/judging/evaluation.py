"""How well a model answers on labelled pictures of any kind, and beside another model."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import stats

from models.data.folders import plain_name
from models.data.photographs import DatasetError, Photographs
from models.judging.accuracy import check_classes, is_right
from models.preprocessing import Preparation, PreprocessingError, prepare
from models.preprocessing.pipeline import PLAIN

if TYPE_CHECKING:
    from models.running.loaded_model import LoadedModel

CONFIDENCE = 0.95
TOP = 5
"""An answer is among the top five if fewer than five classes come before it."""


@dataclass(frozen=True)
class Share:
    """A count of right answers.

    Attributes:
        correct: pictures that were classified rightly.
        images: pictures in all.
    """

    correct: int
    images: int

    @property
    def fraction(self) -> float:
        """Of the pictures, 0..1; NaN of none."""
        return self.correct / self.images if self.images else float("nan")

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's interval of the fraction, at `CONFIDENCE`.

        Source: Wilson, "Probable inference, the law of succession, and statistical inference",
        Journal of the American Statistical Association 22, 1927. It takes pictures for
        independent: of a burst or a film they are not, and the true interval is wider.
        """
        if not self.images:
            return 0.0, 1.0
        bounds = stats.binomtest(self.correct, self.images).proportion_ci(CONFIDENCE, "wilson")
        return float(bounds.low), float(bounds.high)

    def to_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {
            "correct": self.correct,
            "images": self.images,
            "fraction": self.fraction if self.images else None,
            "interval": list(self.interval),
        }


@dataclass(frozen=True, eq=False)
class Evaluation:
    """A model's answers.

    Attributes:
        photographs: those that could be read, in order.
        probabilities: float32, shape (count, classes).
        damaged: why each of the others could not be read, by its file.
        preparation: how each became the model's input.
    """

    photographs: Photographs
    probabilities: np.ndarray
    damaged: dict[str, str]
    preparation: Preparation = PLAIN

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
    def top_5(self) -> Share:
        """Answers whose right class is among the `TOP` likeliest; of equal ones the first count."""
        order = np.argsort(-self.probabilities, axis=1, kind="stable")[:, :TOP]
        is_among = (order == self.photographs.labels[:, None]).any(axis=1)
        return _share(is_among & ~np.isnan(self.probabilities).any(axis=1))

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
        """See `mcnemar`."""
        return mcnemar(self.only_first, self.only_second)

    def to_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {**vars(self), "mcnemar_p": self.mcnemar_p}


def mcnemar(only_first: int, only_second: int) -> float:
    """Return the p-value of McNemar's exact test: 1.0 where neither is right alone.

    Source: McNemar, "Note on the sampling error of the difference between correlated proportions
    or percentages", Psychometrika 12, 1947; exact, in its binomial form.

    Args:
        only_first, only_second: pictures that only the one model classifies rightly.
    """
    alone = only_first + only_second
    return float(stats.binomtest(only_first, alone).pvalue) if alone else 1.0


def compare(first: Evaluation, second: Evaluation) -> Comparison:
    """Compare two models on the pictures that both have classified.

    Raises:
        ValueError: they were not the same pictures.
    """
    if first.photographs.files != second.photographs.files:
        raise ValueError("the two models were asked about different pictures")
    return Comparison(
        int((_named_answers(first) == _named_answers(second)).sum()),
        len(first.photographs),
        int((first.right & ~second.right).sum()),
        int((second.right & ~first.right).sum()),
    )


def _named_answers(evaluation: Evaluation) -> np.ndarray:
    names = [plain_name(name) for name in evaluation.photographs.class_names]
    return np.array(names)[evaluation.answers]


def _share(right: np.ndarray) -> Share:
    return Share(int(right.sum()), len(right))
