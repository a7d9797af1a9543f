"""Accuracy against latency against size, with what nothing beats on all three."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bench.output import style
from bench.report.section import Section, Table
from bench.results.rows import Row, host_rows, runtime_text
from bench.results.runs import Run

QUANTITY = "test_classify"


def tradeoff(run: Run) -> Section | None:
    """Draw the models of the first runtime; None where no accuracy is known."""
    results = run.of(QUANTITY)
    runtime = runtime_text(results[0])
    rows = [row for row in host_rows(results) if row.runs_on == runtime and has_accuracy(row)]
    if not rows:
        return None
    front = pareto_front(rows)
    figure = style.new_figure(4.6)
    draw_tradeoff(figure.subplots(), rows, front)
    add_legend(figure, rows)
    heads = ["model", "median ms", "bytes", "accuracy", "Pareto front"]
    body = [[row.title, *_figures(row), "yes" if row in front else "no"] for row in rows]
    body.sort(key=lambda each: each[1])
    return Section(
        "tradeoff",
        "Accuracy, latency and size",
        "The area of a mark goes with the file's size. Ringed models are the Pareto front: none "
        "is at least as fast, as small and as accurate, and better in one of these. "
        f"Latency is the median on {runtime}.",
        f"Accuracy against median latency of {len(rows)} models, their marks as large as their "
        f"files. On the Pareto front are {', '.join(row.title for row in front)}.",
        figure,
        Table(heads, body, ["", ".3f", ",", ".2%", ""]),
        heads,
        body,
        [run.name],
    )


def has_accuracy(row: Row) -> bool:
    """Return whether the accuracy is known; it is not for a user's model."""
    return row.info.get("accuracy") is not None


def pareto_front(rows: Sequence[Row]) -> list[Row]:
    """Return the rows that no other one dominates: smaller is better but for the accuracy."""

    def costs(row: Row) -> tuple[float, float, float]:
        median_ms, file_bytes, accuracy = _figures(row)
        return median_ms, file_bytes, -accuracy

    def dominates(one: Row, other: Row) -> bool:
        pairs = list(zip(costs(one), costs(other), strict=True))
        return all(a <= b for a, b in pairs) and any(a < b for a, b in pairs)

    return [row for row in rows if not any(dominates(other, row) for other in rows)]


def draw_tradeoff(axes: Any, rows: Sequence[Row], front: Sequence[Row]) -> None:
    """Draw one mark a row: its area goes with the file's size, a ring for the front."""
    colours = style.colours([row.architecture for row in rows])
    largest = max(row.info["file_bytes"] for row in rows)
    for row in rows:
        median_ms, file_bytes, accuracy = _figures(row)
        area = 20 + 380 * file_bytes / largest
        marker = style.MARKERS.get(row.precision or "", style.OTHER_MARKER)
        points = axes.scatter(
            median_ms,
            accuracy,
            area,
            colours[row.architecture],
            marker=marker,
            alpha=0.75,
            linewidths=0,
        )
        style.tip(
            points,
            f"{row.title}: {median_ms:.4f} ms, {file_bytes:,} bytes, {accuracy:.2%}",
        )
        if row in front:
            axes.scatter(
                median_ms,
                accuracy,
                area + 40,
                "none",
                marker=marker,
                edgecolors=style.INK,
                linewidths=1.4,
            )
    medians = [_figures(row)[0] for row in rows]
    style.log_axis(axes.xaxis, "median of one classification, ms", min(medians), max(medians))
    axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.4g} %")
    axes.set_ylabel("accuracy on the Test photographs")
    axes.margins(0.1)


def add_legend(figure: Any, rows: Sequence[Row]) -> None:
    """Say which colour is which architecture, and which mark is which precision."""
    from matplotlib.lines import Line2D

    colours = style.colours([row.architecture for row in rows])
    names = {row.architecture: row for row in rows}
    handles = [
        Line2D([], [], linestyle="none", marker="o", color=colours[name],
               label=row.title.removesuffix(f" {row.precision}") if name else "your models")
        for name, row in names.items()
    ]  # fmt: skip
    handles += [
        Line2D([], [], linestyle="none", marker=marker, color=style.FAINT, label=name)
        for name, marker in style.MARKERS.items()
        if name in {row.precision for row in rows}
    ]
    figure.legend(
        handles=handles, loc="outside upper left", ncols=3, columnspacing=1.0, handletextpad=0.2
    )


def _figures(row: Row) -> tuple[float, int, float]:
    info = row.info
    return row.results[QUANTITY].median_ms, info["file_bytes"], info["accuracy"]
