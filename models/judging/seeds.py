"""What several seeds of a network say together, and how far that can be trusted.

Photographs of one turn of one fruit are nearly the same picture: they are right or wrong together.
So an interval takes the rotation series as its unit, not the photograph.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from models.files.artifacts import ArtifactError
from models.files.run_records import RunRecord
from models.judging.evaluation import mcnemar

CONFIDENCE = 0.95
RESAMPLES = 9_999
BATCH = 100
"""Resamples at a time: where each picture is a series, all at once would take gigabytes."""

Interval = tuple[float, float]


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
