"""What a report is made of: results whose `extra_info` says enough of each model."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from bench.report.errors import ReportError
from bench.results.runs import ResultsError, Run, read_runs

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


def read_inputs(paths: Iterable[Path]) -> list[Run]:
    """Read files and return them by their time, the oldest first.

    Raises:
        ReportError: there is none, one is damaged, two are the same, or one lacks what is needed.
    """
    try:
        runs = read_runs(paths)
    except ResultsError as error:
        raise ReportError(str(error)) from None
    for run in runs:
        for result in run.results:
            missing = [key for key in NEEDED.get(result.quantity, ()) if key not in result.info]
            if missing:
                raise ReportError(
                    f"{run.path}: {result.name} has no {missing[0]} in its extra_info; it was "
                    "measured by another version of this suite, or by another suite: measure again"
                )
    return runs
