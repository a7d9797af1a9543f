"""Latency over the commits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bench.history.medians import History, history
from bench.output import style
from bench.output.table import Table
from bench.report.inputs import Inputs
from bench.report.section import Missing, Section

TITLE = "Over the commits"


def sections(inputs: Inputs) -> Iterator[Section | Missing]:
    """Yield the medians of all runs on the newest one's processor."""
    past = history(inputs.runs)
    if past is None:
        yield Missing(TITLE, "give the files of at least two runs on one machine")
        return
    runtimes = list(dict.fromkeys(row.runs_on for row in past.rows.values()))
    heads = ["model", *(f"{number}: {label}" for number, label in enumerate(past.labels, start=1))]
    body = [[title, *medians_ms] for title, medians_ms in past.medians_ms.items()]
    left_out = (
        f" Left out, since they were measured on another processor: {', '.join(past.left_out)}."
        if past.left_out
        else ""
    )
    hollow = (
        f" Filled marks ran on {runtimes[0]}; hollow marks on {', '.join(runtimes[1:])}."
        if len(runtimes) > 1
        else ""
    )
    yield Section(
        "history",
        TITLE,
        f"Medians of one classification in {len(past.labels)} runs, the "
        'oldest first. "+" stands where files differed from the commit. A run is one process, and '
        "runs at different times differ by more than their rounds show: whether a change is one "
        f"is for python -m bench gate to say.{hollow}{left_out}",
        Table(heads, body, ["", *(".4f" for _ in past.labels)]),
        past.processor,
        f"Lines of the median latency of {len(body)} models and runtimes over "
        f"{len(past.labels)} runs, from {past.labels[0]} to {past.labels[-1]}.",
        _figure(past, runtimes[0]),
        files=past.files,
    )


def _figure(past: History, first_runtime: str) -> Any:
    """Draw a panel an architecture, a line a model and runtime."""
    rows = list(past.rows.values())
    families = list(dict.fromkeys(row.family for row in rows))
    colours = style.colours(families)
    figure = style.new_figure(1.6 + 1.5 * len(families))
    panels = figure.subplots(len(families), sharex=True, squeeze=False)[:, 0]
    for axes, family in zip(panels, families, strict=True):
        values = []
        for title, medians_ms in past.medians_ms.items():
            row = past.rows[title]
            if row.family != family:
                continue
            values += [each for each in medians_ms if each]
            (line,) = axes.plot(
                [float("nan") if each is None else each for each in medians_ms],
                color=colours[family],
                linestyle=style.LINES.get(row.precision or "", "-"),
                marker=style.marker(row.precision),
                markersize=4.5,
                markerfacecolor=colours[family] if row.runs_on == first_runtime else "none",
                linewidth=1,
                alpha=0.85,
            )
            texts = ("-" if each is None else f"{each:.4f}" for each in medians_ms)
            style.tip(line, f"{title}: {' → '.join(texts)} ms")
            axes.set_title(row.family_title, loc="left", fontsize=9.5)
        style.log_axis(axes.yaxis, "median, ms", min(values), max(values))
        axes.margins(0.05, 0.15)
    many = {"rotation": 45, "ha": "right"} if len(past.labels) > 4 else {}
    panels[-1].set_xticks(range(len(past.labels)), past.labels, fontsize=8, **many)
    style.legend(figure, rows)
    return figure
