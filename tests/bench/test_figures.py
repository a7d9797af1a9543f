"""Axes that can be read."""

from itertools import pairwise

import pytest

pytest.importorskip("matplotlib", reason="matplotlib is not installed")

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from bench.figures import grouped, label_rows, log_axis, new_figure


@pytest.mark.parametrize("span", [1.5, 2.9, 10, 29, 31, 97, 250, 500, 10_000])
def test_the_numbers_of_a_logarithmic_axis_do_not_touch(span):
    figure = Figure(
        figsize=(4, 2)
    )  # inches; as wide, with letters as large, as a panel of the README's picture
    axes = figure.subplots()
    axes.tick_params(labelsize=14)
    axes.set_xlim(24, 24 * span)
    log_axis(axes.xaxis, "file, kB", 24, 24 * span)
    FigureCanvasAgg(figure).draw()
    left, right = axes.get_xlim()
    shown = sorted(
        (tick.get_loc(), tick.label1.get_window_extent())
        for tick in axes.xaxis.get_major_ticks()
        if left <= tick.get_loc() <= right
    )
    assert shown
    for (_, one), (_, other) in pairwise(shown):
        assert one.x1 < other.x0


def test_a_long_heading_leaves_the_axes_their_width():
    """Such as how a phone ran a model, with all that is not known of it."""
    figure = new_figure(2)
    axes = figure.subplots()
    heading = "cpu, 1 thread, unknown what ran, answers not compared, clocks held, battery saver"
    ticks, headings, placed = grouped([(heading, "MobileNetV2 int8", "item")])
    label_rows(axes, ticks, headings)
    figure.canvas.draw()
    assert axes.get_window_extent().width > figure.bbox.width / 2
    assert " ".join(ticks[each] for each in headings) == heading
    assert placed == [(len(headings), "item")]
