"""The trials as a picture: accuracy against latency."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from models.search.records import Record, front

MARKERS = "osD^vPX*<>"
"""One for each side of the picture, so that input sizes are told apart without colour."""

ACCURACIES = (0.0, 0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9995, 0.9998)
"""Where the axis may have a tick."""

STEPS = (1, 1.5, 2, 3, 4, 5, 6, 8)
"""Where the other axis has ticks, in each power of ten."""


def draw(records: Sequence[Record], reference: str, files: Sequence[Path]) -> None:
    """Draw every finished trial, and the Pareto front as a line.

    The upwards axis is the share that was classified wrongly, on a logarithmic scale with fewer
    errors above, labelled with the accuracy: between 99 % and 99.9 % lies as much as between
    90 % and 99 %. A trial without an error stands where half an error would.

    Args:
        records: at least one of them finished.
        reference: name of the network whose time the latencies are shares of.
        files: where the picture goes; the suffix of each decides its format.
    """
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    finished = [record for record in records if record.state == "finished"]
    figure = Figure(figsize=(8.4, 5.6), dpi=120, layout="constrained")
    axes = figure.add_subplot()
    best = front(finished)
    axes.plot(
        [_ratio(record) for record in best],
        [_error(record) for record in best],
        drawstyle="steps-post",
        color="0.35",
        linewidth=1.2,
        zorder=1,
        label="Pareto front",
    )
    counts = [record.parameters or 0 for record in finished]
    for marker, side in zip(MARKERS * len(finished), _sides(finished), strict=False):
        chosen = [record for record in finished if _side(record) == side]
        dots = axes.scatter(
            [_ratio(record) for record in chosen],
            [_error(record) for record in chosen],
            c=[record.parameters or 0 for record in chosen],
            vmin=min(counts),
            vmax=max(counts),
            cmap="viridis_r",
            marker=marker,
            s=[64 if record.is_on_front else 26 for record in chosen],
            edgecolors=["black" if record.is_on_front else "0.6" for record in chosen],
            linewidths=[1.0 if record.is_on_front else 0.4 for record in chosen],
            zorder=2,
        )
        axes.scatter([], [], c="0.4", marker=marker, label=f"picture of {side} px")
    figure.colorbar(dots, ax=axes, label="parameters", format="{x:,.0f}")
    for record in best:
        axes.annotate(
            str(record.number),
            (_ratio(record), _error(record)),
            xytext=(-4, 5),
            textcoords="offset points",
            horizontalalignment="right",
            fontsize="x-small",
        )
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=STEPS))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda ratio, _: f"{100 * ratio:g} %"))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.tick_params(axis="x", labelsize="small")
    ratios = [_ratio(record) for record in finished]
    axes.set_xlim(min(ratios) / 1.25, max(ratios) * 1.25)
    ticks, limits = _accuracy_axis([_error(record) for record in finished])
    axes.set_yticks([1 - accuracy for accuracy in ticks], [f"{100 * a:g} %" for a in ticks])
    axes.yaxis.set_minor_locator(NullLocator())
    axes.set_ylim(limits)
    axes.set(
        xlabel=f"time of invoke as a share of {reference}'s, one thread",
        ylabel="accuracy on the held-out arcs of Training",
        title=f"{len(finished)} trials; numbered: the Pareto front",
    )
    axes.grid(alpha=0.25)
    figure.legend(loc="outside lower center", ncols=5, fontsize="small", frameon=False)
    for file in files:
        figure.savefig(file)


def _accuracy_axis(errors: Sequence[float]) -> tuple[list[float], tuple[float, float]]:
    low, high = min(errors) / 1.6, min(1.0, max(errors) * 1.3)
    ticks = [accuracy for accuracy in ACCURACIES if low <= 1 - accuracy <= high]
    return ticks, (high, low)


def _error(record: Record) -> float:
    asked = sum(record.asked or [1])
    return max(1 - (record.accuracy or 0.0), 0.5 / asked)


def _ratio(record: Record) -> float:
    return record.latency_ratio or 0.0


def _side(record: Record) -> int:
    return record.candidate["side"] if record.candidate else 0


def _sides(records: Sequence[Record]) -> list[int]:
    return sorted({_side(record) for record in records})
