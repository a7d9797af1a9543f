"""What runs are asked about, and what several seeds of a network say together.

The photographs that reported accuracies are measured on are opened here, and nothing that trains
may import this room. A run is asked about them once, when its training has ended, and its record
keeps the answers (`models.training.records`). `seeds --train` passes over a run that has a record;
`train` asks again, and the record keeps what was answered before.

Photographs of one turn of one fruit are nearly the same picture: they are right or wrong together.
So an interval takes the rotation series as its unit, not the photograph.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import stats

from models import zoo
from models.data import splits
from models.data.photographs import Photographs
from models.data.tasks import Task
from models.files.artifacts import ArtifactError
from models.files.cards import CONFIDENCE
from models.judging.evaluation import is_right, keras_predict_all, mcnemar
from models.preprocessing.pipeline import read_pixels
from models.training.records import REPORTED, RunRecord, write_record
from models.training.runs import Runs, development, publish

RESAMPLES = 9_999
BATCH = 100
"""Resamples at a time: where each picture is a series, all at once would take gigabytes."""

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
        accuracies: of each seed.
        series: how many rotation series were asked about.
        interval: of the mean over seeds, were other rotation series asked about.
    """

    architecture: str
    split: str
    seeds: tuple[int, ...]
    accuracies: tuple[float, ...]
    series: int
    interval: Interval

    @property
    def mean(self) -> float:
        """Over the seeds."""
        return float(np.mean(self.accuracies))


@dataclass(frozen=True)
class Difference:
    """How much more accurate one network is than another, on one split.

    Attributes:
        mean: difference of the means over seeds.
        interval: of it, were other rotation series asked about.
        mcnemar_p: probability of a difference as large or larger between the answers of one run
            of each, were both as good; two-sided, exact. It takes photographs as independent.
    """

    mean: float
    interval: Interval
    mcnemar_p: float


def summarise(records: Sequence[RunRecord]) -> Summary:
    """Summarise the runs of one network on one split.

    Raises:
        ArtifactError: they were not asked about the same photographs.
    """
    rights, counts = _by_series(records)
    first = records[0]
    return Summary(
        first.architecture,
        first.split,
        tuple(record.seed for record in records),
        tuple(record.accuracy.fraction for record in records),
        len(counts),
        _interval(rights, counts),
    )


def compare(records: Sequence[RunRecord], others: Sequence[RunRecord]) -> Difference:
    """Compare the runs of two networks on one split.

    Raises:
        ArtifactError: as for `summarise`.
    """
    _check_photographs([*records, *others])
    rights, counts = _by_series(records)
    other_rights, _ = _by_series(others)
    difference = rights - other_rights
    one, other = records[0].right_answers(), others[0].right_answers()
    return Difference(
        float(difference.sum() / counts.sum()),
        _interval(difference, counts),
        mcnemar(int((one & ~other).sum()), int((other & ~one).sum())),
    )


def _by_series(records: Sequence[RunRecord]) -> tuple[np.ndarray, np.ndarray]:
    """Return, for each series, the right answers (mean over runs) and the photographs."""
    _check_photographs(records)
    rights = np.array([[right for right, _ in record.groups.values()] for record in records])
    return rights.mean(axis=0), np.array([count for _, count in records[0].groups.values()])


def _check_photographs(records: Sequence[RunRecord]) -> None:
    first = records[0]
    for record in records:
        if record.accuracy.fingerprint != first.accuracy.fingerprint:
            raise ArtifactError(
                f"{record.name} was asked about other photographs than {first.name}: remove the "
                "older record, and train it again"
            )


def _interval(rights: np.ndarray, counts: np.ndarray) -> Interval:
    """Return the bootstrap interval of sum(rights) / sum(counts), drawing whole series.

    Source: Efron and Tibshirani, "An Introduction to the Bootstrap" (1993), chapter 13 (the
    percentile interval).
    """
    if np.ptp(rights / counts) == 0:
        share = float(rights.sum() / counts.sum())
        return share, share
    found = stats.bootstrap(
        (rights, counts),
        lambda right, count, axis: right.sum(axis=axis) / count.sum(axis=axis),
        paired=True,
        vectorized=True,
        n_resamples=RESAMPLES,
        batch=BATCH,
        confidence_level=CONFIDENCE,
        method="percentile",
        rng=np.random.default_rng(0),
    ).confidence_interval
    return float(found.low), float(found.high)


COLOURS = dict(zip(REPORTED, ("C0", "C1"), strict=True))
LEARNT = {"whole": "all of Training", "other-series": "first series of Training"}
ASKED = {"whole": "Test", "other-series": "the other series"}


def draw(records: Iterable[RunRecord], architecture: zoo.Architecture, path: Path) -> None:
    """Draw accuracy on augmented photographs over epochs, and what each run reached in the end.

    Args:
        records: of any runs; those of other networks or splits are left out.
        architecture: whose runs are drawn.
        path: where the PNG goes.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    mpl.use("Agg")
    figure = Figure(figsize=(6.4, 4.0), dpi=120, layout="constrained")
    axes = figure.add_subplot()
    shown: set[str] = set()
    for record in records:
        if record.architecture != architecture.name or record.split not in REPORTED:
            continue
        colour, first = COLOURS[record.split], record.split not in shown
        shown.add(record.split)
        learnt = [100 * share for share in record.history["accuracy"]]
        axes.plot(
            range(1, len(learnt) + 1),
            learnt,
            color=colour,
            linewidth=1,
            label=f"{LEARNT[record.split]}, augmented" if first else None,
        )
        axes.plot(
            len(learnt),
            100 * record.accuracy.fraction,
            "o",
            color=colour,
            label=f"asked about {ASKED[record.split]} at the end" if first else None,
        )
    axes.set(xlabel="epoch", ylabel="accuracy in %", title=architecture.title, ylim=(0, 102))
    axes.grid(alpha=0.3)
    if shown:
        axes.legend(loc="lower right", fontsize="small")
    figure.savefig(path)
