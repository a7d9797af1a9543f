"""How near each model comes to what the machine can do.

The model is that of Williams, Waterman and Patterson, "Roofline: an insightful visual performance
model for multicore architectures", Communications of the ACM 52(4), 2009: attainable operations
per second = min(peak, arithmetic intensity x memory bandwidth).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench import figures
from bench.report.section import BENCHMARKS, Inputs, Missing, Section
from bench.results.rows import ModelRow, host_rows
from bench.results.session import Session
from bench.tables import Table

TITLE = "How close to the limit"
YARDSTICKS = ("test_matrix_product", "test_memory_copy")
EIGHT_BITS = ("dynamic", "int8")
"""Precisions that multiply 8-bit integers."""

HEADS = ["model", "runs on", "multiply-accumulates", "bytes moved", "operations a byte",
         "invoke ms", "GFLOP/s", "matrix product", "share of it"]  # fmt: skip


@dataclass(frozen=True)
class Machine:
    """What the machine reached in the same session: in a large matrix product of each dtype, with
    the runtime that is best at it, and in a large copy, bytes read and written."""

    peaks_gflops: dict[str, float]
    bandwidth_gbps: float

    def attainable_gflops(self, intensity: float, dtype: str) -> float:
        """Return the roof above an arithmetic intensity, in 1e9 operations per second."""
        return min(self.peaks_gflops[dtype], intensity * self.bandwidth_gbps)


@dataclass(frozen=True)
class Point:
    """A model under the roof, and the matrix product that it is held against."""

    row: ModelRow
    median_ms: float  # of `invoke`
    dtype: str
    peak_gflops: float

    @property
    def operations(self) -> int:
        """Two for each multiply-accumulate."""
        return 2 * self.row.info["multiply_accumulates"]

    @property
    def intensity(self) -> float:
        """Operations for each byte that operators read and write, nothing staying in a cache."""
        return self.operations / self.row.info["bytes_moved"]

    @property
    def gflops(self) -> float:
        """1e9 operations per second."""
        return self.operations / self.median_ms / 1e6

    @property
    def share_of_peak(self) -> float:
        """Of the large matrix product."""
        return self.gflops / self.peak_gflops


def sections(inputs: Inputs) -> Iterator[Section | Missing]:
    """Yield the roof of each processor, and the models under it."""
    sessions = inputs.newest("test_invoke", *YARDSTICKS)
    found = [section for section in map(_section, sessions) if section]
    yield from found
    if not found:
        yield Missing(TITLE, f"{BENCHMARKS} bench/test_machine.py bench/test_host_inference.py")


def machine(session: Session) -> Machine | None:
    """Return what the machine reached; None where that was not measured with one thread count."""
    products, copies = (session.of(name) for name in YARDSTICKS)
    if not copies or len({each.info["threads"] for each in products}) != 1:
        return None
    peaks: dict[str, float] = {}
    for each in products:
        dtype, gflops = each.info["dtype"], each.info["operations"] / each.median_ms / 1e6
        peaks[dtype] = max(gflops, peaks.get(dtype, 0.0))
    return Machine(peaks, copies[0].info["bytes_moved"] / copies[0].median_ms / 1e6)


def points(session: Session) -> list[Point]:
    """Return the models whose operations are known, and that ran with the yardsticks' threads."""
    reached = machine(session)
    if reached is None:
        return []
    threads = session.of(YARDSTICKS[0])[0].info.get("threads")
    found = []
    for row in host_rows(session.of("test_invoke")):
        dtype = "int8" if row.precision in EIGHT_BITS else "float32"
        is_known = row.info.get("multiply_accumulates") and row.info.get("bytes_moved")
        if is_known and row.info.get("threads") == threads and dtype in reached.peaks_gflops:
            median_ms = row.results["test_invoke"].median_ms
            found.append(Point(row, median_ms, dtype, reached.peaks_gflops[dtype]))
    return found


def _section(session: Session) -> Section | None:
    reached, found = machine(session), points(session)
    if reached is None or not found:
        return None
    runtimes = list(dict.fromkeys(point.row.runs_on for point in found))
    body = [
        [point.row.title, point.row.runs_on, point.row.info["multiply_accumulates"],
         point.row.info["bytes_moved"], point.intensity, point.median_ms, point.gflops,
         point.dtype, point.share_of_peak]
        for point in found
    ]  # fmt: skip
    best = max(found, key=lambda point: point.share_of_peak)
    hollow = f"; hollow marks ran on {' or '.join(runtimes[1:])}" if runtimes[1:] else ""
    return Section(
        "roofline",
        TITLE,
        "Two operations for each multiply-accumulate, over the median of the bare call. A roof is "
        "what this machine reached in the same run, with as many threads: a large matrix product "
        "by the better of the runtimes, in float32, and in int8 for models that multiply 8-bit "
        "integers; and a copy larger than its caches. Bytes are those that operators read and "
        "write if nothing stays in a cache, so a small model may lie above the slope. "
        f"Filled marks ran on {runtimes[0]}{hollow}.",
        Table(HEADS, body, ["", "", ",", ",", ".2f", ".4f", ".2f", "", ".1%"]),
        session.processor,
        f"A roofline of {len(found)} models and runtimes. Nearest to the large matrix product of "
        f"its kind is {best.row.full_title} with {best.gflops:.1f} GFLOP/s, "
        f"{best.share_of_peak:.0%} of it.",
        _figure(reached, found, runtimes[0]),
        files=[session.name],
    )


def _figure(reached: Machine, found: list[Point], first_runtime: str) -> Any:
    colours = figures.colours(point.row.family for point in found)
    figure = figures.new_figure(4.6)
    axes = figure.subplots()
    intensities = [point.intensity for point in found]
    dtypes = sorted({point.dtype for point in found})
    ridges = [reached.peaks_gflops[dtype] / reached.bandwidth_gbps for dtype in dtypes]
    low, high = min(*intensities, *ridges) / 2, max(*intensities, *ridges) * 2
    across = np.geomspace(low, high, 200)
    for dtype in dtypes:
        peak = reached.peaks_gflops[dtype]
        heights = [reached.attainable_gflops(each, dtype) for each in across]
        axes.plot(across, heights, color=figures.INK, linestyle=figures.LINES[dtype])
        axes.annotate(
            f"{dtype} matrix\nproduct: {peak:.1f}",
            (1, peak), (4, 0), xycoords=axes.get_yaxis_transform(), textcoords="offset points",
            va="center", fontsize=8,
        )  # fmt: skip
    axes.annotate(
        f"slope: memory, {reached.bandwidth_gbps:.1f} GB/s",
        (0, 1), (4, -12), xycoords="axes fraction", textcoords="offset points", fontsize=8,
    )  # fmt: skip
    for point in found:
        colour = colours[point.row.family]
        marks = axes.scatter(
            point.intensity,
            point.gflops,
            38,
            colour if point.row.runs_on == first_runtime else "none",
            marker=figures.marker(point.row.precision),
            edgecolors=colour,
            alpha=0.85,
        )
        figures.tip(
            marks,
            f"{point.row.full_title}: {point.gflops:.2f} GFLOP/s, {point.share_of_peak:.1%} of the "
            f"{point.dtype} matrix product, {point.intensity:.2f} operations a byte",
        )
    axes.set(
        xscale="log", yscale="log",
        xlabel="operations for each byte moved", ylabel="1e9 operations a second (GFLOP/s)",
    )  # fmt: skip
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(figures.milliseconds)
    figures.legend(figure, [point.row for point in found])
    return figure
