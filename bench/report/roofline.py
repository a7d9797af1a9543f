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
from bench.report.rows import Row, host_rows
from bench.report.runs import Run
from models import artifacts, graph

YARDSTICKS = ("test_matrix_product", "test_memory_copy")


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
        peak_gflops: 1e9 operations per second, in a large float32 matrix product.
        bandwidth_gbps: 1e9 bytes per second, read and written, in a large copy.
    """

    peak_gflops: float
    bandwidth_gbps: float

    def attainable_gflops(self, intensity: float) -> float:
        """Return the roof above an arithmetic intensity, in 1e9 operations per second."""
        return min(self.peak_gflops, intensity * self.bandwidth_gbps)


@dataclass(frozen=True)
class Point:
    """A model under the roof.

    Attributes:
        row: the model and its runtime.
        cost: of one inference.
        median_ms: of `invoke`.
        peak_gflops: the machine's.
    """

    row: Row
    cost: Cost
    median_ms: float
    peak_gflops: float

    @property
    def gflops(self) -> float:
        """1e9 operations per second."""
        return self.cost.operations / self.median_ms / 1e6

    @property
    def share_of_peak(self) -> float:
        """Of the large float32 matrix product; int8 may exceed 1."""
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
    product, copy = (run.of(name) for name in YARDSTICKS)
    if not product or not copy:
        return None
    return Machine(
        product[0].info["operations"] / product[0].median_ms / 1e6,
        copy[0].info["bytes_moved"] / copy[0].median_ms / 1e6,
    )


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
        if cost.bytes_moved and invoke.median_ms > 0:
            found.append(Point(row, cost, invoke.median_ms, reached.peak_gflops))
    return found
