"""How near each model comes to what the machine can do."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from bench.report import style
from bench.report.figures.tradeoff import add_legend
from bench.report.roofline import Cost, machine, points
from bench.report.runs import Run
from bench.report.section import Section, Table


def roofline(run: Run, known: Mapping[str, Cost]) -> Section | None:
    """Draw the roof, and the models under it; None where nothing can be drawn."""
    reached, found = machine(run), points(run, known)
    if reached is None or not found:
        return None
    runtimes = list(dict.fromkeys(point.row.runs_on for point in found))
    rows = [point.row for point in found]
    colours = style.colours([row.architecture for row in rows])
    figure = style.new_figure(4.6)
    axes = figure.subplots()
    intensities = [point.cost.intensity for point in found]
    ridge = reached.peak_gflops / reached.bandwidth_gbps
    low, high = min(*intensities, ridge) / 2, max(*intensities, ridge) * 2
    across = np.geomspace(low, high, 200)
    axes.plot(across, [reached.attainable_gflops(each) for each in across], color=style.INK)
    axes.annotate(
        f"matrix product: {reached.peak_gflops:.1f} GFLOP/s",
        (high, reached.peak_gflops), (-2, 4), textcoords="offset points", ha="right", fontsize=8,
    )  # fmt: skip
    axes.annotate(
        f"slope: memory, {reached.bandwidth_gbps:.1f} GB/s",
        (0, 1), (4, -12), xycoords="axes fraction", textcoords="offset points", fontsize=8,
    )  # fmt: skip
    for point in found:
        is_first = point.row.runs_on == runtimes[0]
        marks = axes.scatter(
            point.cost.intensity,
            point.gflops,
            38,
            colours[point.row.architecture] if is_first else "none",
            marker=style.MARKERS.get(point.row.precision or "", style.OTHER_MARKER),
            edgecolors=colours[point.row.architecture],
            alpha=0.85,
        )
        style.tip(
            marks,
            f"{point.row.full_title}: {point.gflops:.2f} GFLOP/s, {point.share_of_peak:.1%} of the "
            f"matrix product, {point.cost.intensity:.2f} operations a byte",
        )
    axes.set(xscale="log", yscale="log", xlabel="operations for each byte moved", ylabel="GFLOP/s")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(style.milliseconds)
    add_legend(figure, rows)
    heads = ["model", "runs on", "multiply-accumulates", "bytes moved", "operations a byte",
             "invoke ms", "GFLOP/s", "share of matrix product"]  # fmt: skip
    body = [
        [point.row.title, point.row.runs_on, point.cost.multiply_accumulates,
         point.cost.bytes_moved, point.cost.intensity, point.median_ms, point.gflops,
         point.share_of_peak]
        for point in found
    ]  # fmt: skip
    best = max(found, key=lambda point: point.share_of_peak)
    hollow = f"; hollow marks ran on {runtimes[1]}" if len(runtimes) > 1 else ""
    return Section(
        "roofline",
        "How close to the limit",
        "Two operations for each multiply-accumulate, over the median of the bare call. The roof "
        "is what this machine reached in the same run, with as many threads: a large float32 "
        "matrix product, and a copy larger than its caches. Bytes are those that operators read "
        "and write if nothing stays in a cache, so a small model may lie above the slope; int8 "
        f"has a higher roof than this float32 one. Filled marks ran on {runtimes[0]}{hollow}.",
        f"A roofline of {len(found)} models and runtimes. The roof is at "
        f"{reached.peak_gflops:.1f} GFLOP/s. The nearest to it is {best.row.full_title} with "
        f"{best.gflops:.1f} GFLOP/s, {best.share_of_peak:.0%} of it.",
        figure,
        Table(heads, body, ["", "", ",", ",", ".2f", ".3f", ".2f", ".1%"]),
        heads,
        body,
        [run.name],
    )
