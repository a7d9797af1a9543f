"""The study's latency figure: the mean of all rounds, one bar a model and runtime."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bench import figures
from bench.report.inputs import Inputs
from bench.report.section import BENCHMARKS, Missing, Section
from bench.results.rows import host_rows
from bench.results.session import Session
from bench.tables import Table

QUANTITY = "test_classify"
HEADS = ["model", "runs on", "mean ms", "median ms", "95th percentile ms", "rounds"]


def sections(inputs: Inputs) -> Iterator[Section | Missing]:
    """Yield the means on each processor."""
    runs = inputs.newest(QUANTITY)
    yield from map(_section, runs)
    if not runs:
        yield Missing("Inference on this machine", f"{BENCHMARKS} bench/test_host_inference.py")


def _section(run: Session) -> Section:
    """Draw float32 files, as the study did, and users' files of any precision."""
    every = host_rows(run.of(QUANTITY))
    rows = [row for row in every if row.precision == "float32" or not row.architecture] or every
    runtimes = list(dict.fromkeys(row.runs_on for row in rows))
    titles = list(dict.fromkeys(row.title for row in rows))
    colours = figures.colours(row.family for row in rows)
    alphas = dict(zip(runtimes, np.linspace(1, 0.5, len(runtimes)), strict=True))
    figure = figures.new_figure(1.2 + 0.24 * len(rows) + 0.16 * len(titles))
    axes = figure.subplots()
    ticks: dict[float, str] = {}
    position = 0.0
    for title in titles:
        first = position
        for row in (row for row in rows if row.title == title):
            mean_ms = row.results[QUANTITY].mean_ms
            colour = (colours[row.family], alphas[row.runs_on])
            (bar,) = axes.barh(position, mean_ms, 0.8, color=[colour])
            figures.tip(bar, f"{row.full_title}: mean {mean_ms:.4f} ms")
            figures.note(axes, f"{mean_ms:#.3g}", mean_ms, position)
            position += 1
        ticks[(first + position - 1) / 2] = title
        position += 0.6
    figures.label_rows(axes, ticks, ())
    axes.set_ylim(position - 1, -0.6)
    axes.set_xlim(0, 1.15 * max(row.results[QUANTITY].mean_ms for row in rows))
    axes.set_xlabel("mean of one classification, ms")
    figures.patch_legend(figure, {name: (figures.INK, alpha) for name, alpha in alphas.items()}, 2)
    fastest = min(rows, key=lambda row: row.results[QUANTITY].mean_ms)
    body = [
        [row.title, row.runs_on, result.mean_ms, result.median_ms, result.percentile_95_ms,
         len(result.times_s)]
        for row in rows
        for result in [row.results[QUANTITY]]
    ]  # fmt: skip
    return Section(
        "latency",
        "Mean latency",
        "Pixels in, label out; the mean of all rounds, which is what the study showed in a figure "
        f"without numbers. Of these models {fastest.title} has the shortest mean here.",
        Table(HEADS, body, ["", "", ".4f", ".4f", ".4f", "d"]),
        run.processor,
        f"Bars of the mean latency of {len(titles)} models. The shortest is "
        f"{fastest.full_title} with {fastest.results[QUANTITY].mean_ms:.4f} ms.",
        figure,
        files=[run.name],
    )
