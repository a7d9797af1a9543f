"""Every model on every runtime, in numbers."""

from __future__ import annotations

from typing import Any

from bench.report.section import Section, Table
from bench.results.rows import HOST, Row, host_rows
from bench.results.runs import Run

HEADS = ("model", "runs on", "parameters", "bytes", "accuracy", "multiply-accumulates",
         "invoke: median ms", "classify: mean ms", "median ms", "95th percentile ms")  # fmt: skip
FORMATS = ("", "", ",", ",", ".2%", ",", ".3f", ".3f", ".3f", ".3f")


def models(run: Run) -> Section:
    """Return a row a model and runtime."""
    body = [_cells(row) for row in host_rows(run.of(*HOST))]
    return Section(
        "models",
        "Every model",
        "invoke is the bare call with the input in place; classify is pixels in, label out.",
        table=Table(HEADS, body, FORMATS),
        csv_heads=HEADS,
        csv_rows=body,
        files=[run.name],
    )


def _cells(row: Row) -> list[Any]:
    invoke, classify = row.results.get("test_invoke"), row.results.get("test_classify")
    info = row.info
    return [
        row.title,
        row.runs_on,
        info.get("parameters"),
        info.get("file_bytes"),
        info.get("accuracy"),
        info.get("multiply_accumulates"),
        invoke.median_ms if invoke else None,
        classify.mean_ms if classify else None,
        classify.median_ms if classify else None,
        classify.percentile_95_ms if classify else None,
    ]
