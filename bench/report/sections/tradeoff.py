"""Accuracy against latency against size, with what nothing beats on all three."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from bench import figures
from bench.report.inputs import Inputs
from bench.report.section import Missing, Section
from bench.results.rows import ModelRow, host_rows
from bench.results.session import Session
from bench.tables import Table

QUANTITY = "test_classify"
TITLE = "Accuracy, latency and size"
HEADS = ["model", "median ms", "bytes", "accuracy", "Pareto front"]


def sections(inputs: Inputs) -> Iterator[Section | Missing]:
    """Yield the models of each processor's first runtime, where their accuracy is known."""
    runs = inputs.newest(QUANTITY)
    found = [section for section in map(_section, runs) if section]
    yield from found
    if runs and not found:
        yield Missing(TITLE, "needs models whose accuracy stands in a card beside their file")


def _section(run: Session) -> Section | None:
    rows = [row for row in first_runtime(run) if has_accuracy(row)]
    if not rows:
        return None
    front = pareto_front(rows)
    figure = figures.new_figure(4.6)
    _draw(figure.subplots(), rows, front)
    figures.legend(figure, rows)
    body = [[row.title, *_figures(row), "yes" if row in front else "no"] for row in rows]
    body.sort(key=lambda each: each[1])
    return Section(
        "tradeoff",
        TITLE,
        "The area of a mark goes with the file's size. Ringed models are the Pareto front: none "
        "is at least as fast, as small and as accurate, and better in one of these. Latency is "
        f"the median on {rows[0].runs_on}; accuracy is what the model's card says.",
        Table(HEADS, body, ["", ".4f", ",", ".2%", ""]),
        run.processor,
        f"Accuracy against median latency of {len(rows)} models, their marks as large as their "
        f"files. On the Pareto front are {', '.join(row.title for row in front)}.",
        figure,
        files=[run.name],
    )


def first_runtime(run: Session) -> list[ModelRow]:
    """Return the models of the runtime that the run's first classification ran on."""
    rows = host_rows(run.of(QUANTITY))
    first = min(rows, key=lambda row: run.results.index(row.results[QUANTITY]))
    return [row for row in rows if row.runs_on == first.runs_on]


def has_accuracy(row: ModelRow) -> bool:
    """Return whether the accuracy is known; it is not for a file without a card."""
    return row.info.get("accuracy") is not None


def pareto_front(rows: Sequence[ModelRow]) -> list[ModelRow]:
    """Return the rows that no other one dominates: smaller is better but for the accuracy."""

    def costs(row: ModelRow) -> tuple[float, float, float]:
        median_ms, file_bytes, accuracy = _figures(row)
        return median_ms, file_bytes, -accuracy

    def dominates(one: ModelRow, other: ModelRow) -> bool:
        pairs = list(zip(costs(one), costs(other), strict=True))
        return all(a <= b for a, b in pairs) and any(a < b for a, b in pairs)

    return [row for row in rows if not any(dominates(other, row) for other in rows)]


def _draw(axes: Any, rows: Sequence[ModelRow], front: Sequence[ModelRow]) -> None:
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
