"""Where the time of one classification goes, stage by stage, for each model."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from rich.table import Table

from bench.results.result import Result

BAR_CELLS = 20
STAGES = ("decode", "resize", "inference", "rest")
"""decode: JPEG bytes to pixels. resize: pixels to the input's size and dtype. inference: `invoke`.
rest: setting the input, reading the output and the calls between.
"""

_LETTERS = dict(zip(STAGES, "dri.", strict=True))


@dataclass(frozen=True)
class Breakdown:
    """The stages of one classification from JPEG bytes: medians in milliseconds.

    Attributes:
        model: the model file's name.
        runtime: name and version.
        source: the JPEG's size, such as "640x480".
        total_ms: the whole, timed as one.
        stages_ms: by name, in the order of `STAGES`; each was timed by itself, and "rest" is what
            is left of the whole, at least 0.
    """

    model: str
    runtime: str
    source: str
    total_ms: float
    stages_ms: dict[str, float]

    @property
    def dominant(self) -> str:
        """The stage that takes the most time."""
        return max(self.stages_ms, key=lambda stage: self.stages_ms[stage])

    @property
    def bar(self) -> str:
        """The shares as a bar of letters: d(ecode), r(esize), i(nference), and the rest."""
        whole = sum(self.stages_ms.values()) or 1.0
        text, position = "", 0.0
        for stage in STAGES:
            position += self.stages_ms[stage] / whole * BAR_CELLS
            text += _LETTERS[stage] * (round(position) - len(text))
        return text


def breakdowns(results: Iterable[Result]) -> list[Breakdown]:
    """Put the stage benchmarks of one run together; models that lack one are left out."""
    results = list(results)
    found = []
    for whole in results:
        if whole.quantity != "test_classify_jpeg":
            continue
        source = whole.info["source"]
        same = {key: whole.info[key] for key in ("source", "dtype", "input_shape")}
        decode = _median_ms(results, "test_decode", source=source)
        prepare = _median_ms(results, "test_prepare", **same)
        invoke = _median_ms(results, "test_invoke", **_identity(whole))
        if decode is None or prepare is None or invoke is None:
            continue
        stages_ms = {
            "decode": min(decode, prepare),
            "resize": max(0.0, prepare - decode),
            "inference": invoke,
            "rest": max(0.0, whole.median_ms - prepare - invoke),
        }
        found.append(
            Breakdown(whole.info["model"], _runtime(whole), source, whole.median_ms, stages_ms)
        )
    return found


def stage_table(results: Iterable[Result]) -> Table | None:
    """Return one row a model and runtime; None where no breakdown can be made."""
    results = list(results)
    rows = breakdowns(results)
    if not rows:
        return None
    table = Table(
        title=f"Where one classification of a {rows[0].source} JPEG spends its time: medians in ms",
        title_justify="left",
        caption="load and first inference are paid once, before",
        caption_justify="left",
    )
    table.add_column("model")
    table.add_column("runtime")
    for heading in ("load", "first", *STAGES, "whole"):
        table.add_column(heading, justify="right")
    table.add_column("shares")
    table.add_column("dominant")
    for row in rows:
        share = row.stages_ms[row.dominant] / (sum(row.stages_ms.values()) or 1.0)
        once = {"model": row.model, "runtime_text": row.runtime}
        table.add_row(
            row.model,
            row.runtime,
            _text(_median_ms(results, "test_load_path", **once)),
            _text(_median_ms(results, "test_first_inference", **once)),
            *(_text(row.stages_ms[stage]) for stage in STAGES),
            _text(row.total_ms),
            row.bar,
            f"{row.dominant} {share:.0%}",
        )
    return table


def preparation_line(results: Iterable[Result]) -> str | None:
    """Return what preparing a JPEG of each size costs; None where it was not measured."""
    parts = [
        f"{result.info['source']} {result.median_ms:.2f} ms"
        for result in results
        if result.quantity == "test_prepare" and result.info["dtype"] == "float32"
    ]
    return f"preparing a JPEG for a float model: {', '.join(parts)}" if parts else None


def _identity(result: Result) -> dict[str, str]:
    return {"model": result.info["model"], "runtime_text": _runtime(result)}


def _median_ms(results: list[Result], quantity: str, **wanted: Any) -> float | None:
    for result in results:
        known = {**result.info, "runtime_text": _runtime(result)}
        if result.quantity == quantity and all(known.get(key) == wanted[key] for key in wanted):
            return result.median_ms
    return None


def _runtime(result: Result) -> str:
    return f"{result.info.get('runtime', '')} {result.info.get('runtime_version', '')}".strip()


def _text(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"
