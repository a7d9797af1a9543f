"""Every model on every runtime, in numbers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bench.report.inputs import Inputs
from bench.report.section import Section
from bench.results.rows import HOST, ModelRow, host_rows
from bench.tables import Table

HEADS = ("model", "runs on", "precision", "inputs", "parameters", "multiply-accumulates",
         "operators", "bytes", "accuracy", "invoke: median ms", "classify: mean ms", "median ms",
         "95th percentile ms")  # fmt: skip
FORMATS = ("", "", "", "", ",", ",", ",", ",", ".2%", ".4f", ".4f", ".4f", ".4f")


def sections(inputs: Inputs) -> Iterator[Section]:
    """Yield a row a model and runtime, for each processor."""
    for run in inputs.newest("test_classify"):
        yield Section(
            "models",
            "Every model",
            "What stands in each file, and its times: invoke is the bare call with the input in "
            "place; classify is pixels in, label out.",
            Table(HEADS, [_cells(row) for row in host_rows(run.of(*HOST))], FORMATS),
            run.processor,
            files=[run.name],
        )


def _cells(row: ModelRow) -> list[Any]:
    invoke, classify = row.results.get("test_invoke"), row.results.get("test_classify")
    info = row.info
    return [
        row.title,
        row.runs_on,
        row.precision,
        ", ".join(info.get("inputs") or ()) or None,
        info.get("parameters"),
        info.get("multiply_accumulates"),
        info.get("operator_count"),
        info.get("file_bytes"),
        info.get("accuracy"),
        invoke and invoke.median_ms,
        classify and classify.mean_ms,
        classify and classify.median_ms,
        classify and classify.percentile_95_ms,
    ]
