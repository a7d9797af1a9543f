"""How near each model comes to what the machine can do.

The model is that of Williams, Waterman and Patterson, "Roofline: an insightful visual performance
model for multicore architectures", Communications of the ACM 52(4), 2009: attainable operations
per second = min(peak, arithmetic intensity x memory bandwidth).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.report.errors import ReportError
from bench.results.rows import Row, host_rows
from bench.results.runs import Run
from models.files import artifacts, graph

YARDSTICKS = ("test_matrix_product", "test_memory_copy")
EIGHT_BITS = ("dynamic", "int8")
"""Precisions that multiply 8-bit integers."""


@dataclass(frozen=True)
class Cost:
    """What one inference has to do, by the model's file.

    Attributes:
        multiply_accumulates: of all operators.
        bytes_moved: that operators read and write, if nothing stays in a cache between two.
    """

    multiply_accumulates: int
    bytes_moved: int

    @property
    def operations(self) -> int:
        """Two for each multiply-accumulate."""
        return 2 * self.multiply_accumulates

    @property
    def intensity(self) -> float:
        """Operations for each byte."""
        return self.operations / self.bytes_moved


@dataclass(frozen=True)
class Machine:
    """What the machine reached in the same run.

    Attributes:
        peaks_gflops: 1e9 operations per second, in a large matrix product of that dtype, with the
            runtime that is best at it.
        bandwidth_gbps: 1e9 bytes per second, read and written, in a large copy.
    """

    peaks_gflops: dict[str, float]
    bandwidth_gbps: float

    def attainable_gflops(self, intensity: float, dtype: str) -> float:
        """Return the roof above an arithmetic intensity, in 1e9 operations per second."""
        return min(self.peaks_gflops[dtype], intensity * self.bandwidth_gbps)


@dataclass(frozen=True)
class Point:
    """A model under the roof.

    Attributes:
        row: the model and its runtime.
        cost: of one inference.
        median_ms: of `invoke`.
        dtype: of the matrix product that it is held against: int8 where its weights are.
        peak_gflops: the machine's, in that product.
    """

    row: Row
    cost: Cost
    median_ms: float
    dtype: str
    peak_gflops: float

    @property
    def gflops(self) -> float:
        """1e9 operations per second."""
        return self.cost.operations / self.median_ms / 1e6

    @property
    def share_of_peak(self) -> float:
        """Of the large matrix product."""
        return self.gflops / self.peak_gflops


def costs(files: Iterable[Path]) -> dict[str, Cost]:
    """Read what one inference of each model file has to do, by the file's sha256.

    Args:
        files: of users; those of the project are read as well.

    Raises:
        ReportError: a file cannot be read as a model.
    """
    found = {}
    for path in (*sorted(artifacts.DIRECTORY.glob("*.tflite")), *files):
        try:
            content = artifacts.user_model(path).read_bytes()
            cost = Cost(graph.multiply_accumulates(content), graph.bytes_moved(content))
        except artifacts.ArtifactError as error:
            raise ReportError(str(error)) from None
        except graph.GraphError as error:
            raise ReportError(f"{path}: {error}") from None
        found[artifacts.sha256(content)] = cost
    return found


def machine(run: Run) -> Machine | None:
    """Return what the machine reached; None where that was not measured with one thread count."""
    products, copies = (run.of(name) for name in YARDSTICKS)
    if not copies or len({each.info["threads"] for each in products}) != 1:
        return None
    peaks: dict[str, float] = {}
    for each in products:
        dtype, gflops = each.info["dtype"], each.info["operations"] / each.median_ms / 1e6
        peaks[dtype] = max(gflops, peaks.get(dtype, 0.0))
    return Machine(peaks, copies[0].info["bytes_moved"] / copies[0].median_ms / 1e6)


def points(run: Run, known: Mapping[str, Cost]) -> list[Point]:
    """Return the models of a run whose files are known, and that ran with the yardstick's threads.

    Args:
        run: with both yardsticks.
        known: of `costs`.
    """
    reached = machine(run)
    if reached is None:
        return []
    threads = run.of(YARDSTICKS[0])[0].info.get("threads")
    found = []
    for row in host_rows(run.results):
        cost, invoke = known.get(row.info.get("sha256", "")), row.results.get("test_invoke")
        if cost is None or invoke is None or row.info.get("threads") != threads:
            continue
        dtype = "int8" if row.precision in EIGHT_BITS else "float32"
        if cost.bytes_moved and invoke.median_ms > 0 and dtype in reached.peaks_gflops:
            peak = reached.peaks_gflops[dtype]
            found.append(Point(row, cost, invoke.median_ms, dtype, peak))
    return found
