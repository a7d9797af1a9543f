"""The tables on the terminal after a session: latency, stages, devices."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table as RichTable

from bench.report.stages import STAGES, Breakdown, breakdowns, contradictions, find
from bench.results.rows import DEVICE, is_of_the_study, runtime_text, what_ran
from bench.results.session import Result
from bench.tables import Table
from models import zoo

Info = dict[str, Any]

TITLES = {"test_classify": "Pixels in, label out", "test_invoke": "Inference alone"}
COLUMNS: dict[str, tuple[str, Callable[[Info], Any]]] = {
    "accuracy": (".2%", lambda info: info["accuracy"]),
    "bytes": (",", lambda info: info["file_bytes"]),
    "parameters": (",", lambda info: info.get("parameters")),
    "multiply- adds": (",", lambda info: info.get("multiply_accumulates")),
    "trained parameters": (",", lambda info: info.get("trained_parameters")),
    "study: parameters": (",", lambda info: getattr(_study(info), "parameters", None)),
    "study: accuracy": (".1%", lambda info: getattr(_study(info), "accuracy", None)),
}
"""What stands beside the times where the terminal is wide enough; the most wanted first."""

BAR_CELLS = 20


def latency_table(
    results: Iterable[Result], width: int, quantity: str = "test_classify"
) -> RichTable | None:
    """Return one row a model, as wide as the terminal lets it be; None without results.

    Where it is narrow, medians stand alone. Of "test_invoke" only models that did not classify.
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
    columns = [
        name
        for name, (_, value) in COLUMNS.items()
        if any(value(each.info) is not None for each in shown)
    ]
    for count in range(len(columns), -1, -1):
        table = _latencies(quantity, shown, columns[:count], _three_times)
        if Console(width=10_000).measure(table).maximum <= width:
            return table
    return _latencies(quantity, shown, [], _median)


def overhead_line(results: Iterable[Result]) -> str | None:
    """Return the median cost of a round itself, on an empty function; None without it."""
    for result in results:
        if result.quantity == "test_round_overhead":
            return f"a round's own overhead (timer, call, loop): {1e3 * result.median_ms:.2f} us"
    return None


def _latencies(
    quantity: str, shown: list[Result], columns: list[str], times: Callable[[Result], str]
) -> RichTable:
    runtimes = list(dict.fromkeys(map(runtime_text, shown)))
    body = []
    for name in dict.fromkeys(result.info["model"] for result in shown):
        found = {runtime_text(each): each for each in shown if each.info["model"] == name}
        info = next(iter(found.values())).info
        if any(result.failure for result in found.values()):
            name = f"{name} (failed)"
        cells = [times(found[each]) if each in found else None for each in runtimes]
        body.append([name, *cells, *(COLUMNS[column][1](info) for column in columns)])
    formats = ["", *("s" for _ in runtimes), *(COLUMNS[column][0] for column in columns)]
    what = "median" if times is _median else "mean / median / 95th percentile"
    return Table(["model", *runtimes, *columns], body, formats).rich(
        f"{TITLES[quantity]}, in us: {what}"
    )


def _three_times(result: Result) -> str:
    times_ms = (result.mean_ms, result.median_ms, result.percentile_95_ms)
    return " / ".join(map(_microseconds, times_ms))


def _median(result: Result) -> str:
    return _microseconds(result.median_ms)


def _microseconds(time_ms: float) -> str:
    return f"{1e3 * time_ms:.{0 if time_ms >= 0.1 else 1}f}"


def _study(info: Info) -> zoo.Bounds | None:
    if not info["architecture"] or not is_of_the_study(info.get("pictures")):
        return None
    return zoo.ARCHITECTURES[info["architecture"]].study


def stage_table(results: Iterable[Result]) -> RichTable | None:
    """Return a table for the terminal, a row a model and runtime; None without a breakdown."""
    results = list(results)
    rows = breakdowns(results)
    if not rows:
        return None
    heads = ["model", "runtime", "load", "first", *STAGES, "whole", "shares", "dominant"]
    body = []
    for each in rows:
        row = each.row
        once = (find(results, name, row) for name in ("test_load_path", "test_first_inference"))
        body.append(
            [row.model, row.runs_on, *(found and found.median_ms for found in once),
             *each.stages_ms.values(), each.total_ms, shares_bar(each),
             f"{each.dominant} {each.share(each.dominant):.0%}"]
        )  # fmt: skip
    return Table(heads, body, ["", "", *[".2f"] * 7, "", ""]).rich(
        f"Where one classification of a {rows[0].source} JPEG spends its time: medians in ms",
        ". ".join(["load and first inference are paid once, before", *contradictions(rows)]),
    )


def preparation_line(results: Iterable[Result]) -> str | None:
    """Return what preparing a JPEG of each size costs, for the first input of all."""
    prepared = [result for result in results if result.quantity == "test_prepare"]
    if not prepared:
        return None
    first = {key: prepared[0].info[key] for key in ("dtype", "input_shape")}
    parts = [
        f"{result.info['source']} {result.median_ms:.2f} ms"
        for result in prepared
        if first.items() <= result.info.items()
    ]
    shape = "x".join(map(str, first["input_shape"]))
    return f"preparing a JPEG for an input of {shape} {first['dtype']}: {', '.join(parts)}"


def shares_bar(breakdown: Breakdown) -> str:
    """Return the shares as letters: d(ecode), r(esize), i(nference), and dots for the rest."""
    text, position = "", 0.0
    for stage in STAGES:
        position += breakdown.share(stage) * BAR_CELLS
        text += ("." if stage == "rest" else stage[0]) * (round(position) - len(text))
    return text


def device_table(results: Iterable[Result]) -> RichTable | None:
    """Return one row a model and device, in ms to 0.01 as in the study; None without results."""
    rows: dict[tuple, dict[str, Result]] = {}
    for result in results:
        if result.quantity in DEVICE:
            info = result.info
            setup = (info["threads"], info["delegate"], info.get("process", "shell"))
            key = (info["model"], info["device"]["serial"], *setup)
            rows.setdefault(key, {})[result.quantity] = result
    if not rows:
        return None
    body = []
    for (model, serial, threads, delegate, process), found in rows.items():
        info = next(iter(found.values())).info
        how = (
            ("" if threads == 1 else f", {threads or 'unknown'} threads")
            + ("" if delegate == "cpu" else f", {delegate}")
            + (", in an app" if process == "app" else "")
            + "".join(f", {each}" for each in what_ran(info))
        )
        times = (found.get(quantity) for quantity in DEVICE)
        body.append(
            [
                model,
                f"{serial}{how}",
                *(each and f"{each.mean_ms:.2f} / {each.median_ms:.2f}" for each in times),
                info["footprint_overall_mb"],
                info["overhead"].get("ratio"),
                _percentiles(info.get("percentiles_ns")),
            ]
        )
    within = "5 / 50 / 95 % in a round"
    heads = ["model", "device", *DEVICE.values(), "memory in MB", "overhead", within]
    if all(row[-1] is None for row in body):  # an old tool prints none
        heads, body = heads[:-1], [row[:-1] for row in body]
    formats = ["", "", *(".2f" for _ in heads[2:])]
    return Table(heads, body, formats).rich("On the device: mean / median in ms")


def _percentiles(percentiles_ns: Sequence[float] | None) -> str | None:
    """How the inferences inside a process spread, in ms."""
    if percentiles_ns is None:
        return None
    return " / ".join(f"{each / 1e6:.2f}" for each in percentiles_ns)
