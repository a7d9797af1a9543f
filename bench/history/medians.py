"""How each model's latency went over the commits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bench.results.rows import Row, host_rows
from bench.results.runs import Run

QUANTITY = "test_classify"


@dataclass(frozen=True)
class History:
    """The medians of several runs on one processor.

    Attributes:
        processor: what all of them were measured on.
        labels: of the runs, the oldest first.
        medians_ms: by model and runtime, then a run each; None where a run lacks it.
        rows: the newest of each model and runtime.
        files: names of the runs.
        left_out: names of the runs that another processor was measured with.
    """

    processor: str
    labels: tuple[str, ...]
    medians_ms: dict[str, tuple[float | None, ...]]
    rows: dict[str, Row]
    files: tuple[str, ...]
    left_out: tuple[str, ...]


def history(runs: Sequence[Run]) -> History | None:
    """Put runs together; None where fewer than two are of the newest one's processor.

    Args:
        runs: by their time, the oldest first.
    """
    measured = [run for run in runs if run.of(QUANTITY)]
    if not measured:
        return None
    processor = measured[-1].processor
    same = [run for run in measured if run.processor == processor]
    if len(same) < 2:
        return None
    found = [
        {row.full_title: row for row in host_rows(run.of(QUANTITY))}
        for run in same
    ]  # fmt: skip
    rows = {title: row for each in found for title, row in each.items()}
    return History(
        processor,
        tuple(run.label for run in same),
        {
            title: tuple(
                each[title].results[QUANTITY].median_ms if title in each else None for each in found
            )
            for title in rows
        },
        rows,
        tuple(run.name for run in same),
        tuple(run.name for run in measured if run.processor != processor),
    )
