"""Every round of every model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from bench.output import style
from bench.report.section import Section
from bench.results.rows import Row, host_rows
from bench.results.runs import Run

ROW_IN = 0.2
SHOWN = 3.0
"""The axis ends at so many times the largest median; rounds beyond are counted at its end."""


def rounds(run: Run, quantity: str = "test_classify") -> Section:
    """Draw the rounds on the host."""
    rows = host_rows(run.of(quantity))
    figure, heads, body = draw_rounds(rows, quantity, "one classification, ms")
    slowest = max(rows, key=lambda row: _spread(row, quantity))
    return Section(
        "rounds",
        "Every round",
        "A dot is a round, the bar their median, the line their middle 90 %. The axis is "
        "logarithmic; a number at its end counts the rounds beyond. Rounds far to the right are "
        "those that something else on the machine disturbed; that is why the median is what gets "
        "compared.",
        f"The rounds of {len(rows)} models and runtimes as dots. The widest spread has "
        f"{slowest.full_title}: its 95th percentile is {_spread(slowest, quantity):.2f} times "
        "its median.",
        figure,
        None,
        heads,
        body,
        [run.name],
    )


def draw_rounds(
    rows: Sequence[Row], quantity: str, label: str
) -> tuple[Any, list[str], list[list[Any]]]:
    """Draw one line of dots a row, grouped by where it ran.

    Returns:
        The figure, and the heads and rows of what was drawn.
    """
    colours = style.colours([row.architecture for row in rows])
    groups = list(dict.fromkeys(row.runs_on for row in rows))
    ordered = sorted(rows, key=lambda row: groups.index(row.runs_on))
    figure = style.new_figure(0.8 + ROW_IN * (len(rows) + len(groups)))
    axes = figure.subplots()
    left, right = _limits(rows, quantity)
    jitter = np.random.default_rng(0)
    ticks: dict[float, str] = {}
    position = 0
    for number, row in enumerate(ordered):
        if number == 0 or row.runs_on != ordered[number - 1].runs_on:
            ticks[position] = row.runs_on
            position += 1
        result = row.results[quantity]
        times_ms = 1e3 * np.asarray(result.times_s)
        colour = colours[row.architecture]
        low, median, high = np.percentile(times_ms, (5, 50, 95))
        (dots,) = axes.plot(
            times_ms,
            position + jitter.uniform(-0.3, 0.3, len(times_ms)),
            linestyle="none",
            marker="o",
            markersize=2.8,
            markeredgewidth=0,
            alpha=0.6,
            color=colour,
        )
        style.tip(
            dots,
            f"{row.full_title}: median {median:.4f} ms, 5 to 95 %: {low:.4f} to {high:.4f} ms",
        )
        axes.plot([low, high], [position] * 2, color=style.INK, linewidth=0.8)
        axes.plot([median] * 2, [position - 0.38, position + 0.38], color=style.INK, linewidth=1.6)
        if beyond := int((times_ms > right).sum()):
            axes.annotate(
                f"+{beyond}", (1, position), xycoords=("axes fraction", "data"), va="center",
                fontsize=7.5,
            )  # fmt: skip
        ticks[position] = row.title
        position += 1
    style.log_axis(axes.xaxis, label, left, right)
    axes.set_xlim(left, right)
    style.label_rows(axes, ticks, groups)
    heads = ["model", "runs on", "round", "ms"]
    body = [
        [row.model, row.runs_on, number, 1e3 * time]
        for row in ordered
        for number, time in enumerate(row.results[quantity].times_s, start=1)
    ]
    return figure, heads, body


def _limits(rows: Sequence[Row], quantity: str) -> tuple[float, float]:
    """Return where the axis of milliseconds begins and ends."""
    least = [1e3 * min(row.results[quantity].times_s) for row in rows]
    medians = [row.results[quantity].median_ms for row in rows]
    return 0.9 * max(min(least), min(medians) / SHOWN), SHOWN * max(medians)


def _spread(row: Row, quantity: str) -> float:
    result = row.results[quantity]
    return result.percentile_95_ms / result.median_ms if result.median_ms else 1.0
