"""What runs are asked about, and what several seeds of a network say together.

The photographs that reported accuracies are measured on are opened here, and nothing that trains
may import this room. A run is asked about them once, when its training has ended, and its record
keeps the answers (`models.training.records`). `seeds --train` passes over a run that has a record
of the table's recipe; a run that is made again is asked again, and keeps its earlier answers.

Photographs of one turn of one fruit are nearly the same picture: they are right or wrong together.
So the unit is what was filmed, not the photograph, and each unit weighs the same: on the other
series the fruit, elsewhere the group (of Test the turn, of other pictures what their folders say).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from models import zoo
from models.data import splits
from models.data.photographs import Photographs
from models.data.tasks import Task
from models.files.artifacts import ArtifactError
from models.files.cards import CONFIDENCE
from models.judging.evaluation import is_right, keras_predict_all
from models.judging.robustness import stretch
from models.preprocessing.pipeline import read_pixels
from models.training.records import RunRecord, write_record
from models.training.runs import Runs, development, nearest_labels, publish

ORDERS = 500
"""Of the units, over which a bet's gain is averaged: more do not move the first three digits."""

LARGEST_STAKE = 0.9
"""Share of what could be lost at once; below 1, so that no single unit ends the game."""

SAME_LEVELS = 3
"""Two pictures of Test and Training are nearly one where their means differ by less, in greys."""

Interval = tuple[float, float]


def asked_about(task: Task, split: str) -> Photographs:
    """Return what a run is judged by, once it has learnt: see `models.training.records.SPLITS`."""
    if split == "whole":
        return task.load("Test")
    training = task.load("Training")
    if split == "other-series":
        return training.take(np.logical_not(splits.is_first(training)))
    return training.take(development(split, training).asked)


def train_and_ask(runs: Runs, architecture: zoo.Architecture, split: str, seed: int) -> RunRecord:
    """Train one network, ask it, and write its record.

    The one with the published seed, on all of Training, is kept whole.
    """
    learnt = runs.train(architecture, split, seed)
    asked = asked_about(runs.task, split)
    record = learnt.answered(
        is_right(keras_predict_all(learnt.model, asked.paths), asked.labels), asked
    )
    if split == "whole" and seed == zoo.PUBLISHED_SEED:
        record = publish(learnt.model, record, runs.directory)
    write_record(record, runs.directory)
    return record


def circumstances(runs: Runs, record: RunRecord) -> list[str]:
    """Return what tells how good a network of one's own pictures is: a few lines."""
    learnt, asked = runs.learnt("whole"), asked_about(runs.task, "whole")
    pixels, test = runs.pixels("whole"), read_pixels(asked, runs.task.side)
    commonest = (asked.labels == np.bincount(learnt.labels).argmax()).mean()
    colours = (nearest_labels(pixels, learnt.labels, test) == asked.labels).mean()
    small, large = (_thumbnails(each) for each in (test, pixels))
    twins = sum(np.abs(large - each).mean(axis=1).min() < SAME_LEVELS for each in small)
    best = record.epochs["best"] - 1
    lines = [
        "95% interval of that: {:.1%} to {:.1%}; the most frequent class alone: {:.1%}, nearest "
        "neighbour on colours: {:.1%}".format(*record.accuracy.interval, commonest, colours),
        f"{twins:,} of {len(asked):,} pictures of Test are nearly pictures of Training"
        + ("; put what is of one film or burst into a folder of its class" if twins else ""),
    ]
    if "val_accuracy" in record.history:
        known, held = (record.history[key][best] for key in ("accuracy", "val_accuracy"))
        if held < 0.9 and known < held + 0.05:
            advice = "underfits: give more --epochs, fewer --changes, or a larger network"
        elif known > held + 0.1:
            advice = "overfits: give more pictures, or more --changes"
        else:
            advice = "neither underfits nor overfits by much"
        lines.append(
            f"best after {best + 1} of {record.epochs['run']} epochs: {known:.1%} right of what is "
            f"learnt (changed), {held:.1%} of what was held out: it {advice}"
        )
    return lines


def _thumbnails(pixels: np.ndarray) -> np.ndarray:
    """Return pictures as 8x8 means: float32, shape (count, 192)."""
    edges = np.linspace(0, pixels.shape[1], 9).astype(int)[:-1]
    sums = np.add.reduceat(np.add.reduceat(pixels.astype(np.float32), edges, 1), edges, 2)
    return sums.reshape(len(pixels), -1) / (pixels.shape[1] / 8) ** 2


def ask_baseline(runs: Runs, split: str) -> None:
    """Ask the nearest neighbour by colours, and write its record."""
    learnt, asked = runs.baseline(split), asked_about(runs.task, split)
    answers = learnt.model(read_pixels(asked, runs.task.side))
    write_record(learnt.answered(answers == asked.labels, asked), runs.directory)


@dataclass(frozen=True)
class Summary:
    """Accuracies of one network on one split; all are shares, 0..1.

    Attributes:
        architecture: its name.
        split: what was learnt and asked.
        seeds: in the order of `accuracies`.
        accuracies: of each seed: mean over the units.
        units: how many were asked about.
        interval: of the mean over seeds, were other units asked about.
    """

    architecture: str
    split: str
    seeds: tuple[int, ...]
    accuracies: tuple[float, ...]
    units: int
    interval: Interval

    @property
    def mean(self) -> float:
        """Over the seeds."""
        return float(np.mean(self.accuracies))


@dataclass(frozen=True)
class Difference:
    """How much more accurate one network is than another, on one split: the mean over seeds and
    units, its interval, were other units asked about, and the two-sided p, were neither better."""

    mean: float
    interval: Interval
    p: float


def summarise(records: Sequence[RunRecord]) -> Summary:
    """Summarise the runs of one network on one split.

    Raises:
        ArtifactError: they were not asked about the same photographs.
    """
    shares = _shares(records)
    first = records[0]
    return Summary(
        first.architecture,
        first.split,
        tuple(record.seed for record in records),
        tuple(map(float, shares.mean(axis=1))),
        shares.shape[1],
        interval(shares.mean(axis=0)),
    )


def compare(records: Sequence[RunRecord], others: Sequence[RunRecord]) -> Difference:
    """Compare the runs of two networks on one split.

    Raises:
        ArtifactError: as for `summarise`.
    """
    _check_photographs([*records, *others])
    difference = _shares(records).mean(axis=0) - _shares(others).mean(axis=0)
    low, high = interval((1 + difference) / 2)
    most = max(_gain((1 + difference) / 2, 0.5), _gain((1 - difference) / 2, 0.5))
    return Difference(float(difference.mean()), (2 * low - 1, 2 * high - 1), min(1.0, 2 / most))


def holm(probabilities: Sequence[float]) -> list[float]:
    """Return them as they are where the question was asked of all (Holm 1979, step-down)."""
    order = np.argsort(probabilities)
    raised = np.sort(probabilities) * np.arange(len(order), 0, -1)
    found = np.empty(len(order))
    found[order] = np.minimum(np.maximum.accumulate(raised), 1)
    return list(map(float, found))


def interval(shares: np.ndarray) -> Interval:
    """Return the 95 % interval of the mean of which these units are a sample.

    It covers at any number of units and any distribution of them between 0 and 1. A bootstrap's, or
    Student's, does not: of twenty fruits one or two carry the spread, and where the sample holds
    none of their kind both are too narrow.

    Source: Waudby-Smith and Ramdas, "Estimating means of bounded random variables by betting",
    arXiv 2010.09686, section 4: a mean is excluded against which a fair game would have won
    1 / 0.025. The gain is averaged over orders of the units, so that none of them decides; an
    average of fair games is one.

    Args:
        shares: of each unit, 0..1, shape (units,).
    """
    return _lower_end(shares), 1 - _lower_end(1 - shares)


def _lower_end(shares: np.ndarray) -> float:
    """Return the largest mean that a bet on a higher one excludes, to four digits."""
    excluded, held = 0.0, 1.0
    while held - excluded > 1e-4:
        middle = (excluded + held) / 2
        if _gain(shares, middle) >= 2 / (1 - CONFIDENCE):
            excluded = middle
        else:
            held = middle
    return excluded


def _gain(shares: np.ndarray, mean: float) -> float:
    """Return what betting that the true mean is higher makes of 1, in the mean over orders."""
    random = np.random.default_rng(0)
    x = np.stack([random.permutation(shares) for _ in range(ORDERS)])
    count = np.arange(1, x.shape[1] + 1)
    means = (0.5 + np.cumsum(x, axis=1)) / (count + 1)
    variances = (0.25 + np.cumsum((x - means) ** 2, axis=1)) / (count + 1)
    known = np.hstack([np.full((ORDERS, 1), 0.25), variances[:, :-1]])  # before each bet
    stakes = np.sqrt(2 * np.log(2 / (1 - CONFIDENCE)) / (len(shares) * known))
    won = np.log1p(np.minimum(stakes, LARGEST_STAKE / mean) * (x - mean))
    return float(np.exp(won.sum(axis=1)).mean())


def _shares(records: Sequence[RunRecord]) -> np.ndarray:
    """Return each run's share of right answers of each unit, shape (runs, units)."""
    _check_photographs(records)
    return np.array([list(_by_unit(record)) for record in records])


def _by_unit(record: RunRecord) -> Iterator[float]:
    units: dict[str, np.ndarray] = {}
    for name, counts in record.groups.items():
        unit = name.rpartition("/")[0] if record.split == "other-series" else name
        units[unit] = units.get(unit, np.zeros(2)) + counts
    return (right / count for right, count in units.values())


def _check_photographs(records: Sequence[RunRecord]) -> None:
    first = records[0]
    for record in records:
        if record.accuracy.fingerprint != first.accuracy.fingerprint:
            raise ArtifactError(
                f"{record.name} was asked about other photographs than {first.name}: remove the "
                "older record, and train it again"
            )


DRAWN = {
    "whole": ("all of Training", "Test", "C0", "-", "o"),
    "other-series": ("first series of Training", "the other series", "C1", "--", "s"),
}
"""What was learnt from and asked about, and how it is drawn: told apart in grey, too."""


def draw(records: Iterable[RunRecord], architecture: zoo.Architecture, path: Path) -> None:
    """Draw accuracy on what is learnt over epochs, and what each run reached in the end.

    Records may be of any runs; those of other networks or splits are left out.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    mpl.use("Agg")
    figure = Figure(figsize=(6.4, 4.4), dpi=120, layout="constrained")
    axes = figure.add_subplot()
    shown: list[str] = []
    for record in records:
        if record.architecture != architecture.name or record.split not in DRAWN:
            continue
        learnt, asked, colour, line, mark = DRAWN[record.split]
        texts = (f"{learnt}, as it is learnt (changed)", f"{asked}, unchanged, at the end")
        if record.split in shown:
            texts = ("", "")
        else:
            shown.append(record.split)
        shares = record.history["accuracy"]
        axes.plot(range(1, len(shares) + 1), shares, line, color=colour, lw=1, label=texts[0])
        end = len(shares) + shown.index(record.split)  # side by side
        axes.plot(end, record.accuracy.fraction, mark, color=colour, mfc="none", label=texts[1])
    stretch(axes, 0.0, "y")
    axes.set(xlabel="epoch", ylabel="right (axis: cube root of the errors)")
    axes.set_title(architecture.title)
    axes.grid(alpha=0.3)
    if shown:
        figure.legend(loc="outside lower center", fontsize="small", ncols=2)
    figure.savefig(path)
