"""Each benchmark's medians over the sessions on one processor, and where they changed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from bench.history.change_points import Change, find_changes
from bench.history.commit_order import in_commit_order
from bench.results.rows import ModelRow, row_of
from bench.results.session import Result, Session


@dataclass(frozen=True)
class Series:
    """A benchmark over the sessions.

    Attributes:
        quantity: the benchmark function.
        row: the newest: its model and what it ran on.
        sessions: indices of the runs that hold it.
        medians_s: of its rounds in each of these, in seconds.
        changes: whose `place` is an index of `sessions`.
    """

    quantity: str
    row: ModelRow
    sessions: tuple[int, ...]
    medians_s: tuple[float, ...]
    changes: tuple[Change, ...]

    @property
    def title(self) -> str:
        """What people call it."""
        return f"{self.quantity.removeprefix('test_')}: {self.row.full_title}"


@dataclass(frozen=True)
class History:
    """The sessions on one processor.

    Attributes:
        processor: what all of them were measured on.
        runs: a session each, in the order of their commits.
        series: of each benchmark that two sessions or more hold.
        remarks: on the order, one line each.
    """

    processor: str
    runs: tuple[Session, ...]
    series: tuple[Series, ...]
    remarks: tuple[str, ...]

    @property
    def commits(self) -> int:
        """How many states of the code there are."""
        return len({run.state for run in self.runs})

    def changed_run(self, series: Series, change: Change) -> Session:
        """Return the first session after a change."""
        return self.runs[series.sessions[change.place]]

    def run_before(self, series: Series, change: Change) -> Session:
        """Return the last session before a change."""
        return self.runs[series.sessions[change.place - 1]]

    def of(self, quantity: str) -> list[Series]:
        """Return the series of a benchmark function."""
        return [each for each in self.series if each.quantity == quantity]


def histories(runs: Sequence[Session], repository: Path = Path()) -> list[History]:
    """Put together the sessions on each processor that has two or more of a benchmark.

    Args:
        runs: in any order.
        repository: where the commits are.
    """
    found = []
    for name, group in groupby(sorted(runs, key=_processor), key=_processor):
        ordered, remarks = in_commit_order(list(group), repository)
        if series := _series(ordered):
            found.append(History(name, tuple(ordered), series, tuple(remarks)))
    return found


def _processor(run: Session) -> str:
    return run.processor


def _series(runs: Sequence[Session]) -> tuple[Series, ...]:
    many: dict[tuple[Any, ...], dict[int, Result]] = {}
    for session, run in enumerate(runs):
        for result in run.results:
            many.setdefault(_identity(result), {})[session] = result
    kept = [results for results in many.values() if len(results) > 1]
    medians_s = [[result.median_s for result in results.values()] for results in kept]
    groups = [states(runs, results) for results in kept]
    changes = find_changes(medians_s, groups)
    return tuple(
        Series(
            (newest := results[max(results)]).quantity, row_of(newest), tuple(results),
            tuple(values), tuple(found),
        )
        for results, values, found in zip(kept, medians_s, changes, strict=True)
    )  # fmt: skip


def _identity(result: Result) -> tuple[Any, ...]:
    """Tell benchmarks apart that were run in different ways under one name."""
    return (result.name, *(str(result.info.get(key)) for key in ("threads", "protocol")))


def states(runs: Sequence[Session], sessions: Iterable[int]) -> list[int]:
    """Return a number for each session: that of its commit, with or without changes."""
    labels = [run.state for run in runs]
    return [labels.index(labels[session]) for session in sessions]
