"""Latency over the commits."""

from __future__ import annotations

from collections.abc import Iterator

from bench.history.command import changes_table, draw, summary
from bench.history.series import History, histories
from bench.report.section import Inputs, Missing, Section

TITLE = "Over the commits"
QUANTITY = "test_classify"


def sections(inputs: Inputs) -> Iterator[Section | Missing]:
    """Yield the medians of the commits on each processor, in their order."""
    sessions = [session for session in inputs.sessions if session.of(QUANTITY)]
    found = [history for history in histories(sessions) if history.of(QUANTITY)]
    yield from map(_section, found)
    if not found:
        yield Missing(TITLE, "give files of two commits or more, of one model on one processor")


def _section(history: History) -> Section:
    shown = history.of(QUANTITY)
    told = [line[0].upper() + line[1:] for line in summary(history)]
    states = history.states
    raw = [
        [series.title, states[state].label, len(states[state].sessions), 1e3 * median_s]
        for series in history.series
        for state, median_s in zip(series.states, series.medians_s, strict=True)
    ]
    return Section(
        "history",
        TITLE,
        f"Medians of one classification of {len(states)} commits, in their order; "
        '"+" stands where files differed from the commit. Sessions at different times '
        "differ by more than their rounds show, so a commit's median over its sessions is what is "
        "repeated: a dashed line stands at a commit before and after which these differ, and the "
        f"table holds these changes, of all benchmarks. {'. '.join(told)}.",
        changes_table(history),
        history.processor,
        f"Lines of the median latency of {len(shown)} models and runtimes over {len(states)} "
        f"commits, from {states[0].label} to {states[-1].label}.",
        draw(history, shown),
        (["benchmark", "commit", "sessions", "median ms"], raw),
        [session.name for session in history.sessions],
    )
