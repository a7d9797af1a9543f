"""The table that a person reads at a glance after a run."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.table import Table

from bench.results.result import Result
from models import zoo


def latency_table(results: Iterable[Result], quantity: str = "test_classify") -> Table | None:
    """Return one row a model, with the study's figures beside it; None without results.

    Args:
        results: of any benchmarks; those of `quantity` are shown.
        quantity: the benchmark function whose times the table holds.
    """
    shown = [result for result in results if result.quantity == quantity]
    if not shown:
        return None
    runtimes = list(dict.fromkeys(_runtime(result) for result in shown))
    table = Table(
        title="One classification, pixels in, label out: mean / median / 95th percentile in ms",
        title_justify="left",
    )
    for heading in ("model", "parameters", "bytes", "accuracy"):
        table.add_column(heading, justify="left" if heading == "model" else "right")
    for runtime in runtimes:
        table.add_column(runtime, justify="right")
    table.add_column("study: parameters", justify="right", style="dim")
    table.add_column("accuracy", justify="right", style="dim")
    for name in dict.fromkeys(result.info["model"] for result in shown):
        rows = {_runtime(result): result for result in shown if result.info["model"] == name}
        info = next(iter(rows.values())).info
        study = zoo.ARCHITECTURES[info["architecture"]].study if info["architecture"] else None
        table.add_row(
            name,
            _count(info["parameters"]),
            _count(info["file_bytes"]),
            _percent(info["accuracy"]),
            *(_times(rows.get(runtime)) for runtime in runtimes),
            _count(study.parameters if study else None),
            f"{study.accuracy:.1%}" if study else "-",
        )
    return table


def overhead_line(results: Iterable[Result]) -> str | None:
    """Return the median cost of a round itself, on an empty function; None without it."""
    for result in results:
        if result.quantity == "test_round_overhead":
            return f"a round's own overhead (timer, call, loop): {1e3 * result.median_ms:.2f} us"
    return None


def _runtime(result: Result) -> str:
    return f"{result.info['runtime']} {result.info['runtime_version']}"


def _times(result: Result | None) -> str:
    if result is None:
        return "-"
    return f"{result.mean_ms:.2f} / {result.median_ms:.2f} / {result.percentile_95_ms:.2f}"


def _count(value: Any) -> str:
    return "-" if value is None else f"{value:,}"


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.2%}"
