"""One picture of a run: latency, size and accuracy of all models."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bench import figures
from bench.report.sections.tradeoff import QUANTITY, first_runtime, has_accuracy, pareto_front
from bench.results.rows import ModelRow
from bench.results.session import Session


def draw(run: Session, path: Path) -> None:
    """Draw a row a model of the run's first runtime, and write the picture.

    Args:
        run: with classifications.
        path: of the picture; the suffix decides its format.

    Raises:
        ResultsError: the suffix names no format.
    """
    from matplotlib.figure import Figure

    rows = first_runtime(run)
    with figures.settings(on_paper=True):
        figure = Figure(figsize=(10, 1.2 + 0.24 * len(rows)), layout="constrained")
        _draw(figure, rows)
        figure.suptitle(
            f"One classification on {run.processor}, {rows[0].runs_on}:\n"
            f"median and middle 90 % of {len(rows[0].results[QUANTITY].times_s)} rounds",
            x=0.01, ha="left", fontsize=10.5,
        )  # fmt: skip
        figures.save(figure, path)


def _draw(figure: Any, rows: Sequence[ModelRow]) -> None:
    colours = figures.colours(row.family for row in rows)
    known = [row for row in rows if has_accuracy(row)]
    front = pareto_front(known)
    panels = figure.subplots(
        1, 3 if known else 2, sharey=True, squeeze=False,
        width_ratios=(3, 2, 2) if known else (3, 2),
    )[0]  # fmt: skip
    latency, size = panels[:2]
    for position, row in enumerate(rows):
        how = (position, figures.marker(row.precision), colours[row.family])
        times_ms = 1e3 * np.asarray(row.results[QUANTITY].times_s)
        low, median, high = np.percentile(times_ms, (5, 50, 95))
        latency.plot([low, high], [position] * 2, color=how[2], linewidth=3, alpha=0.35)
        _point(latency, median, *how, f"{median:#.3g}")
        kilobytes = row.info["file_bytes"] / 1e3
        _point(size, kilobytes, *how, f"{kilobytes:,.0f}")
        if row in known:
            percent = 100 * row.info["accuracy"]
            _point(panels[2], percent, *how, f"{percent:.2f}")
            panels[2].set_xlabel("accuracy, %")
    medians = [row.results[QUANTITY].median_ms for row in rows]
    figures.log_axis(latency.xaxis, "latency, ms", min(medians), max(medians))
    sizes = [row.info["file_bytes"] / 1e3 for row in rows]
    figures.log_axis(size.xaxis, "file, kB", min(sizes), max(sizes))
    for axes in panels:
        axes.margins(x=0.15)
        axes.tick_params(axis="y", length=0)
        axes.grid(visible=False, axis="y")
    latency.set_xlim(0.8 * min(medians), 2 * max(medians))  # a disturbed round may lie far out
    figures.label_rows(
        latency,
        dict(enumerate(row.title for row in rows)),
        [position for position, row in enumerate(rows) if row in front],
    )
    if front:
        figure.supxlabel("bold: no other model is as fast, as small and as accurate", fontsize=8.5)


def _point(
    axes: Any, value: float, position: int, marker: str, colour: str, text: str
) -> None:  # fmt: skip
    axes.plot(value, position, marker, color=colour, markersize=6)
    axes.annotate(
        text,
        (value, position),
        (7, 0),
        textcoords="offset points",
        va="center",
        fontsize=8,
        bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 0.8},
    )
