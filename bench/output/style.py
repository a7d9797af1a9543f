"""How the figures look: readable at a phone's width, and in the colours of the page."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from itertools import cycle, islice
from typing import Any

from models import zoo

WIDTH_IN = 4.7
"""Of every figure, in inches of 72 units: narrow, so that its text stays readable on a phone."""

INK, FAINT, PAPER = "#010101", "#020202", "#030303"
"""Stand for the page's own colours; `bench.report.svg` puts these in their place."""

PALETTE = ("#d9733a", "#2a9d8f", "#5b8def", "#b565c9", "#c9a227", "#d1495b", "#7a8b99")
"""Told apart on light and on dark paper."""

MARKERS = {"float32": "o", "float16": "s", "dynamic": "^", "int8": "D"}
LINES = {"float32": "-", "float16": "--", "dynamic": "-.", "int8": ":"}
OTHER_MARKER = "P"

STAGE_COLOURS = ("#5b8def", "#2a9d8f", "#d9733a", "#7a8b99")

SETTINGS: Any = {
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 9.5,
    "text.color": INK,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.facecolor": "none",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": FAINT,
    "grid.alpha": 0.25,
    "grid.linewidth": 0.6,
    "figure.facecolor": "none",
    "legend.frameon": False,
    "xtick.color": FAINT,
    "ytick.color": FAINT,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
}


@contextmanager
def settings() -> Iterator[None]:
    """Set Matplotlib up for the page's figures."""
    import matplotlib as mpl

    with mpl.rc_context(SETTINGS):
        yield


def new_figure(height_in: float) -> Any:
    """Return an empty figure of the page's width."""
    from matplotlib.figure import Figure

    return Figure(figsize=(WIDTH_IN, height_in), layout="constrained")


def colours(architectures: list[str | None]) -> dict[str | None, str]:
    """Return a colour for each architecture; the known ones always get the same."""
    known = list(zoo.ARCHITECTURES)
    order = [*known, *dict.fromkeys(name for name in architectures if name not in known)]
    return dict(zip(order, islice(cycle(PALETTE), len(order)), strict=True))


def label_rows(axes: Any, labels: dict[float, str], bold: Collection[str]) -> None:
    """Name the rows of a figure from top to bottom.

    Args:
        axes: Matplotlib's, whose y-axis counts rows.
        labels: by position.
        bold: those that are headings, or stand out.
    """
    axes.set_yticks(list(labels), list(labels.values()))
    for text in axes.get_yticklabels():
        text.set_fontweight("bold" if text.get_text() in bold else "normal")
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")
    axes.set_ylim(max(labels) + 0.6, min(labels) - 0.6)


def tip(artist: Any, text: str) -> None:
    """Give a part of a figure a text that shows when the pointer rests on it."""
    artist.set_gid(f"tip:{text}")


def milliseconds(value: float, _position: object = None) -> str:
    """Write a time so that three digits count, such as "0.146"."""
    return f"{value:.3g}" if value < 100 else f"{value:.0f}"


def log_axis(axis: Any, label: str, low: float, high: float) -> None:
    """Make an axis of milliseconds logarithmic, with a few plain numbers on it.

    Args:
        axis: of an Axes.
        label: its title.
        low, high: the least and the largest value shown.
    """
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, NullLocator

    axis.axes.set(**{f"{axis.axis_name}scale": "log"})
    subs: tuple[float, ...] = (1.0, 2.0, 5.0) if high / low < 100 else (1.0,)
    if high / low < 3:
        subs = (1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0)
    axis.set_major_locator(LogLocator(subs=subs))
    axis.set_major_formatter(FuncFormatter(milliseconds))
    axis.set_minor_formatter(NullFormatter())
    axis.set_minor_locator(NullLocator())
    axis.set_label_text(label)
