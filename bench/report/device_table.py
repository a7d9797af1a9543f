"""The table of what was measured on devices."""

from __future__ import annotations

from collections.abc import Iterable

from rich.table import Table as RichTable

from bench.android.adb.errors import printable
from bench.results.rows import DEVICE
from bench.results.session import Result
from bench.tables import Table


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
            ("" if threads == 1 else f", {threads} threads")
            + ("" if delegate == "cpu" else f", {delegate}{_delegation(info['delegation'])}")
            + ("" if process == "shell" else ", in an app")
        )
        times = (found.get(quantity) for quantity in DEVICE)
        body.append(
            [
                printable(model),
                f"{printable(serial)}{how}",
                *(each and f"{each.mean_ms:.2f} / {each.median_ms:.2f}" for each in times),
                info["footprint_overall_mb"],
                info["overhead"]["ratio"],
            ]
        )
    heads = ["model", "device", *DEVICE.values(), "memory in MB", "overhead"]
    formats = ["", "", *(".2f" for _ in heads[2:])]
    return Table(heads, body, formats).rich("On the device: mean / median in ms")


def _delegation(delegation: dict | None) -> str:
    if delegation is None:
        return " (unknown how much of the graph)"
    return {"whole": "", "part": " (not the whole graph)", "none": " (none of the graph)"}[
        delegation["part"]
    ]
