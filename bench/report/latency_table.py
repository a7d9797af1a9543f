"""The table that a person reads at a glance after a run."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.results.session import Result
from models import zoo

Info = dict[str, Any]

TITLES = {
    "test_classify": "Pixels in, label out",
    "test_invoke": "Inference alone",
}

COLUMNS: dict[str, Callable[[Info], str]] = {
    "accuracy": lambda info: _percent(info["accuracy"]),
    "bytes": lambda info: _count(info["file_bytes"]),
    "parameters": lambda info: _count(info["parameters"]),
    "multiply-\nadds": lambda info: _count(info.get("multiply_accumulates")),
    "trained\nparameters": lambda info: _count(info.get("trained_parameters")),
    "study:\nparameters": lambda info: _count(
        study.parameters if (study := _study(info)) else None
    ),
    "study:\naccuracy": lambda info: f"{study.accuracy:.1%}" if (study := _study(info)) else "-",
}
"""What stands beside the times where the terminal is wide enough; the most wanted first."""


def latency_table(
    results: Iterable[Result], width: int, quantity: str = "test_classify"
) -> Table | None:
    """Return one row a model, as wide as the terminal lets it be; None without results.

    Args:
        results: of any benchmarks.
        width: of the terminal, in characters.
        quantity: one of `TITLES`; of those of "test_invoke" only models that did not classify.
    """
    results = list(results)
    classified = {each.info["model"] for each in results if each.quantity == "test_classify"}
    shown = [
        each
        for each in results
        if each.quantity == quantity
        and (quantity == "test_classify" or each.info["model"] not in classified)
    ]
    if not shown:
        return None
    title = f"{TITLES[quantity]}, in us: mean / median / 95th percentile"
    console = Console(width=10_000)
    for count in range(len(COLUMNS), 0, -1):
        table = _table(title, shown, list(COLUMNS)[:count])
        if console.measure(table).maximum <= width:
            return table
    return _table(title, shown, [])


def overhead_line(results: Iterable[Result]) -> str | None:
    """Return the median cost of a round itself, on an empty function; None without it."""
    for result in results:
        if result.quantity == "test_round_overhead":
            return f"a round's own overhead (timer, call, loop): {1e3 * result.median_ms:.2f} us"
    return None


def _table(title: str, shown: list[Result], columns: list[str]) -> Table:
    runtimes = list(dict.fromkeys(_runtime(result) for result in shown))
    table = Table(
        title=title,
        title_justify="left",
        box=None,
        pad_edge=False,
    )
    table.add_column("model", overflow="fold")
    for runtime in runtimes:
        table.add_column("\n".join(runtime.split(" ")), justify="right", no_wrap=True)
    for heading in columns:
        table.add_column(heading, justify="right", no_wrap=True)
    for name in dict.fromkeys(result.info["model"] for result in shown):
        rows = {_runtime(result): result for result in shown if result.info["model"] == name}
        info = next(iter(rows.values())).info
        table.add_row(
            name,
            *(_times(rows.get(runtime)) for runtime in runtimes),
            *(COLUMNS[heading](info) for heading in columns),
        )
    return table


def _study(info: Info) -> zoo.Bounds | None:
    return zoo.ARCHITECTURES[info["architecture"]].study if info["architecture"] else None


def _runtime(result: Result) -> str:
    return f"{result.info['runtime']} {result.info['runtime_version']}"


def _times(result: Result | None) -> str:
    if result is None:
        return "-"
    times_ms = (result.mean_ms, result.median_ms, result.percentile_95_ms)
    return " / ".join(f"{1e3 * time:.{0 if time >= 0.1 else 1}f}" for time in times_ms)


def _count(value: Any) -> str:
    return "-" if value is None else f"{value:,}"


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.2%}"
