"""How the figures look: readable at a phone's width, and in the colours of the page."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import cycle, islice
from pathlib import Path
from textwrap import wrap
from typing import Any, TypeVar

from bench.results.rows import ModelRow
from bench.results.session import ResultsError
from models import zoo

WIDTH_IN = 4.7
"""Of every figure, in inches of 72 units: narrow, so that its text stays readable on a phone."""

INK, FAINT, PAPER = "#010101", "#020202", "#030303"
"""Stand for the page's own colours; `bench.report.svg` puts these in their place."""

ON_PAPER = {INK: "#1c2126", FAINT: "#69727c", PAPER: "#ffffff"}
"""What they are on a picture, which has a light ground of its own."""

PALETTE = ("#3b5cff", "#d38512", "#d90209", "#3a99f9", "#b626b3", "#6c6b65", "#9b8f89")
"""Told apart on light and on dark paper, and with any one kind of cone missing."""

PALE = FAINT
"""Of what is left over."""

MARKERS = {"float32": "o", "float16": "s", "dynamic": "^", "int8": "D"}
LINES = {"float32": "-", "float16": "--", "dynamic": "-.", "int8": ":"}

SETTINGS: Any = {
    "svg.fonttype": "none",
    "text.parse_math": False,  # a name may hold dollars
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
def settings(*, on_paper: bool = False) -> Iterator[None]:
    """Set Matplotlib up for the page's figures, or for a picture on white paper of its own."""
    import matplotlib as mpl

    chosen = SETTINGS
    if on_paper:
        chosen = {key: ON_PAPER.get(value, value) for key, value in SETTINGS.items()}
        chosen["figure.facecolor"] = ON_PAPER[PAPER]
    with mpl.rc_context(chosen):
        yield


def new_figure(height_in: float) -> Any:
    """Return an empty figure of the page's width."""
    from matplotlib.figure import Figure

    return Figure(figsize=(WIDTH_IN, height_in), layout="constrained")


def save(figure: Any, path: Path) -> None:
    """Write a picture; raises `ResultsError` where the suffix names no format for one."""
    if path.suffix.lower().lstrip(".") not in figure.canvas.get_supported_filetypes():
        raise ResultsError(f"{path.name}: no format for a picture; call it something.png")
    figure.savefig(path, dpi=144)


def colours(families: Iterable[str]) -> dict[str, str]:
    """Return a colour for each `ModelRow.family`; an architecture of the project has its own."""
    known = list(zoo.ARCHITECTURES)
    order = [*known, *dict.fromkeys(name for name in families if name not in known)]
    return dict(zip(order, islice(cycle(PALETTE), len(order)), strict=True))


def marker(precision: str | None) -> str:
    """Return the mark of a precision."""
    return MARKERS.get(precision or "", "P")


LEGEND_CHARACTERS, LEGEND_LINE_INCHES = 60, 0.2
"""Of all names in one line of a legend, and how high a line is."""


def legend(figure: Any, rows: Sequence[ModelRow]) -> None:
    """Say which colour is which family, and which mark is which precision.

    The figure grows with a legend of many lines, or its axes would have no room.
    """
    from matplotlib.lines import Line2D

    chosen = colours(row.family for row in rows)
    marks = {row.family_title: ("o", chosen[row.family]) for row in rows}
    precisions = {row.precision for row in rows}
    marks |= {name: (mark, FAINT) for name, mark in MARKERS.items() if name in precisions}
    handles = [
        Line2D([], [], linestyle="none", marker=mark, color=colour)
        for mark, colour in marks.values()
    ]
    columns = max(1, min(3, LEGEND_CHARACTERS // max(map(len, marks))))
    lines = -(-len(marks) // columns)
    figure.set_figheight(figure.get_figheight() + LEGEND_LINE_INCHES * max(0, lines - 3))
    figure.legend(
        handles, list(marks), loc="outside upper left", ncols=columns, columnspacing=1.0,
        handletextpad=0.2,
    )  # fmt: skip


def patch_legend(figure: Any, shown: Mapping[str, Any], columns: int) -> None:
    """Say which colour of stacked bars is what."""
    from matplotlib.patches import Patch

    handles = [Patch(color=colour) for colour in shown.values()]
    figure.legend(handles, list(shown), loc="outside upper left", ncols=columns)


def note(axes: Any, text: str, x: float, y: float) -> None:
    """Write behind the end of a bar."""
    axes.annotate(text, (x, y), (4, 0), textcoords="offset points", va="center", fontsize=8)


HEADING_CHARACTERS = 26
"""In one line of a group's heading: about as many as a model's name has."""

Item = TypeVar("Item")


def grouped(
    items: Iterable[tuple[str, str, Item]],
) -> tuple[dict[float, str], list[int], list[tuple[int, Item]]]:
    """Place rows, given as (group, label, item), below the headings of their groups.

    Returns labels by position, positions of headings, and each item with its position.
    """
    rows = list(items)
    labels: dict[float, str] = {}
    headings, placed = [], []
    for group in dict.fromkeys(group for group, _, _ in rows):
        for line in wrap(group, HEADING_CHARACTERS) or [group]:  # a long one would squeeze the axes
            headings.append(len(labels))
            labels[len(labels)] = line
        for own, label, item in rows:
            if own == group:
                placed.append((len(labels), item))
                labels[len(labels)] = label
    return labels, headings, placed


def label_rows(axes: Any, labels: Mapping[float, str], bold: Collection[float]) -> None:
    """Name the rows of a figure by position, from top to bottom; `bold` ones stand out."""
    axes.set_yticks(list(labels), list(labels.values()))
    for text, position in zip(axes.get_yticklabels(), labels, strict=True):
        text.set_fontweight("bold" if position in bold else "normal")
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")
    axes.set_ylim(max(labels) + 0.6, min(labels) - 0.6)


def tip(artist: Any, text: str) -> None:
    """Give a part of a figure a text that shows when the pointer rests on it."""
    artist.set_gid(f"tip:{text}")


def milliseconds(value: float, _position: object = None) -> str:
    """Write a time so that three digits count, such as "0.146"; for an axis."""
    return f"{value:.3g}" if value < 100 else f"{value:.0f}"


def log_axis(axis: Any, label: str, low: float, high: float) -> None:
    """Make an axis logarithmic, with a few plain numbers on it, for values of `low` to `high`."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, NullLocator

    axis.axes.set(**{f"{axis.axis_name}scale": "log"})
    span = high / low
    if span < 3:
        subs: tuple[float, ...] = (1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0)
    elif span < 30:
        subs = (1.0, 2.0, 5.0)
    else:
        subs = (1.0, 3.0) if span < 300 else (1.0,)
    axis.set_major_locator(LogLocator(subs=subs))
    axis.set_major_formatter(FuncFormatter(milliseconds))
    axis.set_minor_formatter(NullFormatter())
    axis.set_minor_locator(NullLocator())
    axis.set_label_text(label)
