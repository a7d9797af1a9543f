"""Files of pytest-benchmark, as the report wants them."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from bench.report.errors import ReportError
from bench.results.result import Result

_MODEL = ("model", "architecture", "precision", "sha256", "file_bytes", "accuracy", "threads")
NEEDED: dict[str, tuple[str, ...]] = {
    "test_classify": (*_MODEL, "runtime", "runtime_version"),
    "test_invoke": (*_MODEL, "runtime", "runtime_version"),
    "test_classify_jpeg": (*_MODEL, "runtime", "runtime_version", "source", "dtype", "input_shape"),
    "test_device_inference": (*_MODEL, "device", "emulated", "delegate"),
    "test_device_first_inference": (*_MODEL, "device", "emulated", "delegate"),
    "test_device_load": (*_MODEL, "device", "emulated", "delegate"),
    "test_matrix_product": ("operations", "threads", "dtype"),
    "test_memory_copy": ("bytes_moved",),
}
"""What the report takes from the `extra_info` of a benchmark function."""


@dataclass(frozen=True)
class Run:
    """One file.

    Attributes:
        name: the file's.
        content: the file's bytes.
        time: when it was measured.
        commit: what was measured (hexadecimal); None where that is not known.
        is_changed: whether files differed from that commit.
        machine: pytest-benchmark's `machine_info`.
        results: the benchmarks, with every round.
        failures: benchmarks on a device that failed, one line each.
    """

    name: str
    content: bytes = field(repr=False)
    time: datetime
    commit: str | None
    is_changed: bool
    machine: dict[str, Any] = field(repr=False)
    results: tuple[Result, ...] = field(repr=False)
    failures: tuple[str, ...]

    @property
    def label(self) -> str:
        """The commit for people; "+" where files differed from it."""
        return (self.commit or "unknown")[:8] + ("+" if self.is_changed else "")

    @property
    def processor(self) -> str:
        """What it was measured on; runs of two processors are never compared."""
        return processor(self.machine)

    def of(self, *quantities: str) -> list[Result]:
        """Return the results of these benchmark functions."""
        return [result for result in self.results if result.quantity in quantities]


def processor(machine: dict[str, Any]) -> str:
    """Return the processor's name, cores and instruction set, from `machine_info`."""
    cpu = machine.get("cpu", {})
    name = cpu.get("brand_raw") or machine.get("processor") or "unknown processor"
    return f"{name}, {cpu.get('count', '?')} cores, {machine.get('machine', '?')}"


def read_run(path: Path) -> Run:
    """Read a file.

    Raises:
        ReportError: it is no complete file of pytest-benchmark; the message says why.
    """
    try:
        content = path.read_bytes()
        data = json.loads(content)
        commit = data["commit_info"]
        run = Run(
            path.name,
            content,
            datetime.fromisoformat(data["datetime"]),
            commit.get("id"),
            bool(commit.get("dirty")),
            dict(data["machine_info"]),
            tuple(_result(path, each) for each in data["benchmarks"]),
            tuple(
                f"{each['name']}: {each['reason']}"
                for each in data.get("failed_device_benchmarks", [])
            ),
        )
    except OSError as error:
        raise ReportError(f"{path}: cannot be read: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ReportError(
            f"{path}: not a file of pytest-benchmark ({type(error).__name__}: {error}); "
            "make one with pytest --benchmark-only --benchmark-json=FILE"
        ) from None
    if not run.results and not run.failures:
        raise ReportError(f"{path}: holds no benchmark")
    return run


def read_runs(paths: Iterable[Path]) -> list[Run]:
    """Read files and return them by their time, the oldest first.

    Raises:
        ReportError: there is none, one is damaged, or two are the same.
    """
    runs: list[Run] = []
    for path in paths:
        run = read_run(path)
        if any(other.content == run.content for other in runs):
            raise ReportError(f"{path}: holds the same as another of the files")
        if any(other.name == run.name for other in runs):
            run = replace(run, name=f"{len(runs) + 1}-{run.name}")
        runs.append(run)
    if not runs:
        raise ReportError(
            "no results: give files of pytest-benchmark, or make some with "
            "pytest --benchmark-only --benchmark-autosave"
        )
    return sorted(runs, key=lambda run: run.time.timestamp())


def newest_with(runs: Sequence[Run], *quantities: str) -> Run | None:
    """Return the newest run that holds results of each of these benchmark functions."""
    for run in reversed(runs):
        if {*quantities} <= {result.quantity for result in run.results}:
            return run
    return None


def _result(path: Path, benchmark: dict[str, Any]) -> Result:
    times_s = benchmark["stats"].get("data")
    if not times_s:
        raise ReportError(
            f"{path}: holds no rounds of {benchmark['name']}; save them with --benchmark-save-data"
        )
    if not all(isinstance(each, (int, float)) and 0 <= each < math.inf for each in times_s):
        raise ReportError(f"{path}: a round of {benchmark['name']} is no time")
    name = str(benchmark["name"]).partition("[")[0]
    info = dict(benchmark["extra_info"])
    if missing := [key for key in NEEDED.get(name, ()) if key not in info]:
        raise ReportError(
            f"{path}: {benchmark['name']} has no {missing[0]} in its extra_info; it was measured "
            "by another version of this suite, or by another suite: measure again"
        )
    return Result(name, tuple(map(float, times_s)), info)
