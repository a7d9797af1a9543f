"""The same models on several processors."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle
from typing import Any

from bench import figures
from bench.report.inputs import Inputs
from bench.report.section import Section
from bench.results.rows import ModelRow, host_rows
from bench.tables import Table

QUANTITY = "test_classify"
Medians = dict[tuple[str, str], dict[str, float]]


def sections(inputs: Inputs) -> Iterator[Section]:
    """Yield one part if two processors or more were measured, none otherwise."""
    runs = inputs.newest(QUANTITY)
    if len(runs) < 2:
        return
    rows: dict[tuple[str, str], ModelRow] = {}
    medians_ms: Medians = {}
    for run in runs:
        for row in host_rows(run.of(QUANTITY)):
            key = (row.title, row.runs_on)
            rows.setdefault(key, row)
            medians_ms.setdefault(key, {})[run.processor] = row.results[QUANTITY].median_ms
    processors = [run.processor for run in runs]
    fastest = [_fastest(name, rows, medians_ms) for name in processors]
    heads = ["model", "runs on", *(f"median ms, {name}" for name in processors)]
    body = [[*key, *(found.get(name) for name in processors)] for key, found in medians_ms.items()]
    yield Section(
        "processors",
        "Processors side by side",
        "Medians of one classification. A ratio of two models holds for one processor and its "
        f"instruction sets. {' '.join(text for text in fastest if text)}",
        Table(heads, body, ["", "", *(".4f" for _ in processors)]),
        alt=f"Dots of the median latency of {len(medians_ms)} models and runtimes on "
        f"{len(processors)} processors: {'; '.join(processors)}.",
        figure=_figure(processors, medians_ms),
        files=[run.name for run in runs],
    )


def _fastest(processor: str, rows: dict[tuple[str, str], ModelRow], medians_ms: Medians) -> str:
    found = {
        key: times_ms[processor]
        for key, times_ms in medians_ms.items()
        if processor in times_ms and rows[key].precision == "float32"
    }
    if not found:
        return ""
    title, runs_on = min(found, key=lambda key: found[key])
    return f"On {processor}, {title} ({runs_on}) is the fastest float32 file."


def _figure(processors: list[str], medians_ms: Medians) -> Any:
    runtimes = {runs_on for _, runs_on in medians_ms}
    figure = figures.new_figure(
        1.2 + 0.2 * (len(medians_ms) + len(runtimes)) + 0.2 * len(processors)
    )
    axes = figure.subplots()
    marks = dict(zip(processors, cycle("osD^vP"), strict=False))
    colours = dict(zip(processors, cycle(figures.PALETTE), strict=False))
    ticks, headings, placed = figures.grouped(
        (runs_on, title, (title, runs_on, found)) for (title, runs_on), found in medians_ms.items()
    )
    for position, (title, runs_on, found) in placed:
        axes.plot(
            [min(found.values()), max(found.values())], [position] * 2, color=figures.FAINT,
            alpha=0.5,
        )  # fmt: skip
        for name, median_ms in found.items():
            (mark,) = axes.plot(median_ms, position, marks[name], color=colours[name], markersize=5)
            figures.tip(mark, f"{title}, {runs_on}, {name}: median {median_ms:.4f} ms")
    values = [each for found in medians_ms.values() for each in found.values()]
    figures.log_axis(axes.xaxis, "median of one classification, ms", min(values), max(values))
    figures.label_rows(axes, ticks, headings)
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], linestyle="none", marker=marks[name], color=colours[name])
        for name in processors
    ]
    figure.legend(handles, processors, loc="outside upper left", fontsize=8)
    return figure
