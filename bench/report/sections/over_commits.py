"""Latency over the commits."""

from __future__ import annotations

from collections.abc import Iterator

from bench.history.benchmark_series import History, histories
from bench.history.history_command import changes_table, summary
from bench.history.history_picture import draw
from bench.report.inputs import Inputs
from bench.report.section import Missing, Section

TITLE = "Over the commits"
QUANTITY = "test_classify"


def sections(inputs: Inputs) -> Iterator[Section | Missing]:
    """Yield the medians of the sessions on each processor, in the order of their commits."""
    runs = [run for run in inputs.runs if run.of(QUANTITY)]
    found = [history for history in histories(runs) if history.of(QUANTITY)]
    yield from map(_section, found)
    if not found:
        yield Missing(TITLE, "give the files of at least two runs of one model on one processor")


def _section(history: History) -> Section:
    shown = history.of(QUANTITY)
    first, last = history.runs[0].label, history.runs[-1].label
    raw = [
        [series.title, history.runs[session].name, history.runs[session].label, 1e3 * median_s]
        for series in history.series
        for session, median_s in zip(series.sessions, series.medians_s, strict=True)
    ]
    return Section(
        "history",
        TITLE,
        f"Medians of one classification in {len(history.runs)} sessions, in the order of their "
        'commits; "+" stands where files differed from the commit. Sessions at different times '
        "differ by more than their rounds show, so the session is what is repeated: a dashed line "
        "stands at a commit before and after which the sessions differ, and the table holds these "
        f"changes, of all benchmarks. {'. '.join(summary(history))}.",
        changes_table(history),
        history.processor,
        f"Lines of the median latency of {len(shown)} models and runtimes over "
        f"{len(history.runs)} sessions, from {first} to {last}.",
        draw(history, shown),
        (["benchmark", "file", "commit", "median ms"], raw),
        [run.name for run in history.runs],
    )
