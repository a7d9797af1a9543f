"""One picture of a run: latency, size and accuracy of all models."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from bench.output import style
from bench.report.errors import ReportError
from bench.report.figures.tradeoff import has_accuracy, pareto_front
from bench.results.rows import Row, host_rows, runtime_text
from bench.results.runs import Run

QUANTITY = "test_classify"
COLOURS = {style.INK: "#1c2126", style.FAINT: "#69727c"}
"""What the page's colours are on a picture, which has a light ground of its own."""


def draw(run: Run, path: Path) -> None:
    """Draw a row a model of the run's first runtime, and write the picture.

    Args:
        run: with classifications.
        path: of the picture; the suffix decides its format.

    Raises:
        ReportError: the suffix names no format.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    results = run.of(QUANTITY)
    runtime = runtime_text(results[0])
    rows = [row for row in host_rows(results) if row.runs_on == runtime]
    settings: Any = {
        key: COLOURS.get(value, value) if isinstance(value, str) else value
        for key, value in style.SETTINGS.items()
    }
    with mpl.rc_context({**settings, "figure.facecolor": "white"}):
        figure = Figure(figsize=(10, 1.2 + 0.24 * len(rows)), layout="constrained", dpi=144)
        if path.suffix.lower().lstrip(".") not in figure.canvas.get_supported_filetypes():
            raise ReportError(f"{path}: no format for a picture; call it something.png")
        _draw(figure, rows)
        figure.suptitle(
            f"One classification on {run.processor}, {runtime}:\n"
            f"median and middle 90 % of {len(results[0].times_s)} rounds",
            x=0.01, ha="left", fontsize=10.5,
        )  # fmt: skip
        figure.savefig(path)


def _draw(figure: Any, rows: list[Row]) -> None:
    colours = style.colours([row.architecture for row in rows])
    latency, size, accuracy = figure.subplots(1, 3, sharey=True, width_ratios=(3, 2, 2))
    front = pareto_front([row for row in rows if has_accuracy(row)])
    for position, row in enumerate(rows):
        colour = colours[row.architecture]
        marker = style.MARKERS.get(row.precision or "", style.OTHER_MARKER)
        times_ms = 1e3 * np.asarray(row.results[QUANTITY].times_s)
        low, median, high = np.percentile(times_ms, (5, 50, 95))
        latency.plot([low, high], [position] * 2, color=colour, linewidth=3, alpha=0.35)
        _point(latency, median, position, marker, colour, f"{median:.3f}")
        kilobytes = row.info["file_bytes"] / 1e3
        _point(size, kilobytes, position, marker, colour, f"{kilobytes:.0f}")
        if has_accuracy(row):
            percent = 100 * row.info["accuracy"]
            _point(accuracy, percent, position, marker, colour, f"{percent:.2f}")
    medians = [row.results[QUANTITY].median_ms for row in rows]
    style.log_axis(latency.xaxis, "latency, ms", min(medians), max(medians))
    sizes = [row.info["file_bytes"] / 1e3 for row in rows]
    style.log_axis(size.xaxis, "file, kB", min(sizes), max(sizes))
    accuracy.set_xlabel("accuracy, %")
    for axes in (latency, size, accuracy):
        axes.margins(x=0.15)
        axes.tick_params(axis="y", length=0)
    latency.set_xlim(0.8 * min(medians), 2 * max(medians))  # a disturbed round may lie far out
    latency.set_ylim(len(rows) - 0.4, -0.6)
    latency.set_yticks(range(len(rows)), [row.title for row in rows])
    for text, row in zip(latency.get_yticklabels(), rows, strict=True):
        text.set_fontweight("bold" if row in front else "normal")
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
