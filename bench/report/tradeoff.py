"""Accuracy against latency against size: on the page, and as one picture for a README."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bench import figures
from bench.report.section import Inputs, Missing, Section
from bench.results.rows import ModelRow, host_rows
from bench.results.session import Session
from bench.tables import Table

QUANTITY = "test_classify"
TITLE = "Accuracy, latency and size"


def sections(inputs: Inputs) -> Iterator[Section | Missing]:
    """Yield the models of each processor's first runtime, where their accuracy is known."""
    sessions = inputs.newest(QUANTITY)
    found = [section for section in map(_section, sessions) if section]
    yield from found
    if sessions and not found:
        yield Missing(TITLE, "needs models whose accuracy stands in a card beside their file")


def _section(session: Session) -> Section | None:
    rows = [row for row in _first_runtime(session) if _has_accuracy(row)]
    if not rows:
        return None
    front = pareto_front(rows)
    figure = figures.new_figure(4.6)
    _draw_marks(figure.subplots(), rows, front)
    figures.legend(figure, rows)
    body = [[row.title, *_figures(row), "yes" if row in front else "no"] for row in rows]
    body.sort(key=lambda each: each[1])
    return Section(
        "tradeoff",
        TITLE,
        "The area of a mark goes with the file's size. Ringed models are the Pareto front: none "
        "is at least as fast and as small, better in one, and not shown to be less accurate. "
        f"Latency is the median on {rows[0].runs_on}; accuracy is what the model's card says, its "
        "95 % interval (upright) as if answers were independent.",
        Table(
            ["model", "median ms", "bytes", "accuracy", "Pareto front"],
            body,
            ["", ".4f", ",", ".2%", ""],
        ),
        session.processor,
        f"Accuracy against median latency of {len(rows)} models, their marks as large as their "
        f"files. On the Pareto front are {', '.join(row.title for row in front)}.",
        figure,
        files=[session.name],
    )


def _first_runtime(session: Session) -> list[ModelRow]:
    """Return the models of the runtime that the session's first classification ran on."""
    rows = host_rows(session.of(QUANTITY))
    first = min(rows, key=lambda row: session.results.index(row.results[QUANTITY]))
    return [row for row in rows if row.runs_on == first.runs_on]


def _has_accuracy(row: ModelRow) -> bool:
    """Return whether the accuracy is known; it is not for a file without a card."""
    return row.info.get("accuracy") is not None


def pareto_front(rows: Sequence[ModelRow]) -> list[ModelRow]:
    """Return the rows that no other one dominates.

    One does that is at least as fast and as small, and not shown to be less accurate: their 95 %
    intervals meet. It is better in one of these; of accuracies, which chance moves, that is enough
    between equals alone.
    """

    def dominates(one: ModelRow, other: ModelRow) -> bool:
        *costs, accuracy = _figures(one)
        *others, lower = _figures(other)
        pairs = list(zip(costs, others, strict=True))
        is_as_accurate = accuracy >= lower or _interval(one)[1] >= _interval(other)[0]
        is_better = any(a < b for a, b in pairs) or accuracy > lower
        return all(a <= b for a, b in pairs) and is_as_accurate and is_better

    return [row for row in rows if not any(dominates(other, row) for other in rows)]


def _draw_marks(axes: Any, rows: Sequence[ModelRow], front: Sequence[ModelRow]) -> None:
    """Draw one mark a row: its area goes with the file's size, a ring for the front."""
    colours = figures.colours(row.family for row in rows)
    largest = max(row.info["file_bytes"] for row in rows)
    for row in rows:
        median_ms, file_bytes, accuracy = _figures(row)
        area = 20 + 380 * file_bytes / largest
        marker = figures.marker(row.precision)
        points = axes.scatter(
            median_ms, accuracy, area, colours[row.family], marker=marker, alpha=0.75, linewidths=0
        )
        figures.tip(
            points, f"{row.title}: {median_ms:.4f} ms, {file_bytes:,} bytes, {accuracy:.2%}"
        )
        axes.plot([median_ms] * 2, _interval(row), color=colours[row.family], linewidth=0.8)
        if row in front:
            axes.scatter(
                median_ms, accuracy, area + 40, "none", marker=marker, edgecolors=figures.INK,
                linewidths=1.4,
            )  # fmt: skip
    medians = [_figures(row)[0] for row in rows]
    figures.log_axis(axes.xaxis, "median of one classification, ms", min(medians), max(medians))
    axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.4g} %")
    axes.set_ylabel("accuracy")
    axes.margins(0.1)


def _figures(row: ModelRow) -> tuple[float, int, float]:
    info = row.info
    return row.results[QUANTITY].median_ms, info["file_bytes"], info["accuracy"]


def _interval(row: ModelRow) -> Sequence[float]:
    """Return that of the accuracy; older files do not hold it."""
    return row.info.get("accuracy_interval") or [row.info["accuracy"]] * 2


def draw_picture(session: Session, path: Path) -> None:
    """Draw a row a model of the session's first runtime; raises as `figures.save` does."""
    from matplotlib.figure import Figure

    rows = _first_runtime(session)
    with figures.settings(on_paper=True):
        figure = Figure(figsize=(10, 1.2 + 0.24 * len(rows)), layout="constrained")
        _draw_panels(figure, rows)
        figure.suptitle(
            f"One classification on {session.processor}, {rows[0].runs_on}:\n"
            f"median and middle 90 % of {len(rows[0].results[QUANTITY].times_s)} rounds",
            x=0.01, ha="left", fontsize=10.5,
        )  # fmt: skip
        figures.save(figure, path)


def _draw_panels(figure: Any, rows: Sequence[ModelRow]) -> None:
    colours = figures.colours(row.family for row in rows)
    known = [row for row in rows if _has_accuracy(row)]
    front = pareto_front(known)
    panels = figure.subplots(
        1, 3 if known else 2, sharey=True, squeeze=False,
        width_ratios=(3, 2, 2) if known else (3, 2),
    )[0]  # fmt: skip
    latency, size = panels[:2]
    for position, row in enumerate(rows):
        how = (position, figures.marker(row.precision), colours[row.family])
        times_us = 1e6 * np.asarray(row.results[QUANTITY].times_s)
        low, median, high = np.percentile(times_us, (5, 50, 95))
        latency.plot([low, high], [position] * 2, color=how[2], linewidth=3, alpha=0.35)
        _point(latency, median, *how, f"{median:,.{0 if median >= 100 else 1}f}")
        kilobytes = row.info["file_bytes"] / 1e3
        _point(size, kilobytes, *how, f"{kilobytes:,.0f}")
        if row in known:
            percent = 100 * row.info["accuracy"]
            ends = [100 * each for each in _interval(row)]
            panels[2].plot(ends, [position] * 2, color=how[2], linewidth=3, alpha=0.35)
            _point(panels[2], percent, *how, f"{percent:.2f}")
            panels[2].set_xlabel("accuracy, %, 95 % interval")
    medians = [1e3 * row.results[QUANTITY].median_ms for row in rows]
    figures.log_axis(latency.xaxis, "latency, us", min(medians), max(medians))
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
        bold = "bold: no other is as fast and as small, and not shown to be less accurate"
        figure.supxlabel(bold, fontsize=8.5)


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
