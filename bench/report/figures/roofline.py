"""How near each model comes to what the machine can do."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from bench.output import style
from bench.report.figures.tradeoff import add_legend
from bench.report.roofline import Cost, machine, points
from bench.report.section import Section, Table
from bench.results.runs import Run


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
    dtypes = sorted({point.dtype for point in found})
    ridges = [reached.peaks_gflops[dtype] / reached.bandwidth_gbps for dtype in dtypes]
    low, high = min(*intensities, *ridges) / 2, max(*intensities, *ridges) * 2
    across = np.geomspace(low, high, 200)
    for dtype in dtypes:
        peak = reached.peaks_gflops[dtype]
        heights = [reached.attainable_gflops(each, dtype) for each in across]
        axes.plot(across, heights, color=style.INK, linestyle=style.LINES[dtype])
        axes.annotate(
            f"{dtype} matrix product: {peak:.1f} GFLOP/s",
            (high, peak), (-2, 4), textcoords="offset points", ha="right", fontsize=8,
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
            f"{point.dtype} matrix product, {point.cost.intensity:.2f} operations a byte",
        )
    axes.set(
        xscale="log",
        yscale="log",
        xlabel="operations for each byte moved",
        ylabel="1e9 operations a second",
    )
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(style.milliseconds)
    add_legend(figure, rows)
    heads = ["model", "runs on", "multiply-accumulates", "bytes moved", "operations a byte",
             "invoke ms", "GFLOP/s", "matrix product", "share of it"]  # fmt: skip
    body = [
        [point.row.title, point.row.runs_on, point.cost.multiply_accumulates,
         point.cost.bytes_moved, point.cost.intensity, point.median_ms, point.gflops,
         point.dtype, point.share_of_peak]
        for point in found
    ]  # fmt: skip
    best = max(found, key=lambda point: point.share_of_peak)
    hollow = f"; hollow marks ran on {runtimes[1]}" if len(runtimes) > 1 else ""
    return Section(
        "roofline",
        "How close to the limit",
        "Two operations for each multiply-accumulate, over the median of the bare call. A roof is "
        "what this machine reached in the same run, with as many threads: a large matrix product "
        "by the better of the runtimes, in float32, and in int8 for models that multiply 8-bit "
        "integers; and a copy larger than its caches. Bytes are those that operators read and "
        "write if nothing stays in a cache, so a small model may lie above the slope. "
        f"Filled marks ran on {runtimes[0]}{hollow}.",
        f"A roofline of {len(found)} models and runtimes. Nearest to the large matrix product of "
        f"its kind is {best.row.full_title} with {best.gflops:.1f} GFLOP/s, "
        f"{best.share_of_peak:.0%} of it.",
        figure,
        Table(heads, body, ["", "", ",", ",", ".2f", ".3f", ".2f", "", ".1%"]),
        heads,
        body,
        [run.name],
    )
