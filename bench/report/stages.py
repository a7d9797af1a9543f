"""Where the time of one classification goes, stage by stage, for each model."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from bench import figures
from bench.report.section import BENCHMARKS, Inputs, Missing, Section
from bench.results.rows import ModelRow, host_rows, runtime_text
from bench.results.session import Result, Session
from bench.tables import Table

TITLE = "Where the time goes"
SAME = ("source", "dtype", "input_shape", "preparation")
"""What a model's preparation shares with the one that was timed by itself."""

STAGES = ("decode", "resize", "inference", "rest")
"""decode: JPEG bytes to pixels. resize: pixels to the input's size and dtype. inference: `invoke`.
rest: setting the input, reading the output and the calls between.
"""


@dataclass(frozen=True)
class Breakdown:
    """The stages of one classification from JPEG bytes: medians of what was timed by itself.

    "resize" and "rest" are what is left of preparing and of the whole: None if parts took longer.
    """

    row: ModelRow
    source: str  # the JPEG's size, such as "640x480"
    total_ms: float  # timed as one
    stages_ms: dict[str, float | None]  # in the order of `STAGES`

    @property
    def dominant(self) -> str:
        """The stage that takes the most time."""
        return max(self.stages_ms, key=self.share)

    def share(self, stage: str) -> float:
        """Return its share of all that is known, 0..1."""
        known = sum(each for each in self.stages_ms.values() if each is not None)
        return (self.stages_ms[stage] or 0.0) / (known or 1.0)


def sections(inputs: Inputs) -> Iterator[Section | Missing]:
    """Yield the stages on each processor."""
    sessions = inputs.newest("test_classify_jpeg", "test_invoke")
    found = [section for section in map(_section, sessions) if section]
    yield from found
    if not found:
        yield Missing(TITLE, BENCHMARKS)


def breakdowns(results: Iterable[Result]) -> list[Breakdown]:
    """Put the stage benchmarks of one session together; models that lack one are left out."""
    results = list(results)
    found = []
    for row in host_rows(results):
        whole = find(results, "test_classify_jpeg", row)
        invoke = row.results.get("test_invoke")
        if whole is None or invoke is None:
            continue
        same = {key: whole.info.get(key) for key in SAME}
        prepare = find(results, "test_prepare", **same)
        alike = same.pop("preparation")  # a JPEG is decoded alike for all normalisations and dtypes
        alike = alike and {**alike, "normalisation": None}
        decode = find(results, "test_decode", **{**same, "dtype": None}, preparation=alike)
        if decode is None or prepare is None:
            continue
        stages_ms = {
            "decode": decode.median_ms,
            "resize": _left(prepare, decode),
            "inference": invoke.median_ms,
            "rest": _left(whole, prepare, invoke),
        }
        found.append(Breakdown(row, whole.info["source"], whole.median_ms, stages_ms))
    return found


def contradictions(rows: Iterable[Breakdown]) -> list[str]:
    """Return why there are gaps; nothing where there are none."""
    if not any(None in row.stages_ms.values() for row in rows):
        return []
    return ['"-" stands where parts took longer than their whole: each is timed by itself, at '
            "another moment"]  # fmt: skip


def _left(whole: Result, *parts: Result) -> float | None:
    left_ms = whole.median_ms - sum(part.median_ms for part in parts)
    return left_ms if left_ms >= 0 else None


def find(
    results: Iterable[Result], quantity: str, row: ModelRow | None = None, **wanted: Any
) -> Result | None:
    """Return the first result of a benchmark function, of a row's model and runtime if given."""
    for result in results:
        if (
            result.quantity == quantity
            and wanted.items() <= {key: result.info.get(key) for key in wanted}.items()
            and (
                row is None
                or (result.info["model"], runtime_text(result)) == (row.model, row.runs_on)
            )
        ):
            return result
    return None


def _section(session: Session) -> Section | None:
    rows = breakdowns(session.results)
    if not rows:
        return None
    runtimes = list(dict.fromkeys(each.row.runs_on for each in rows))
    rows.sort(key=lambda each: runtimes.index(each.row.runs_on))
    ticks, headings, placed = figures.grouped(
        (each.row.runs_on, each.row.title, each) for each in rows
    )
    figure = figures.new_figure(1.0 + 0.2 * len(ticks))
    axes = figure.subplots()
    for position, each in placed:
        left = 0.0
        for stage, colour in zip(STAGES, figures.PALETTE, strict=False):
            width = each.stages_ms[stage] or 0.0
            (bar,) = axes.barh(position, width, 0.78, left, color=colour)
            figures.tip(bar, f"{each.row.full_title}: {stage} {width:.4f} ms")
            left += width
    figures.label_rows(axes, ticks, headings)
    axes.set_xlabel("medians, ms")
    figures.patch_legend(figure, dict(zip(STAGES, figures.PALETTE, strict=False)), 4)
    heads = ["model", "runtime", *(f"{stage} ms" for stage in STAGES), "whole ms", "dominant"]
    body = [
        [each.row.title, each.row.runs_on, *each.stages_ms.values(), each.total_ms, each.dominant]
        for each in rows
    ]
    counts = {stage: sum(each.dominant == stage for each in rows) for stage in STAGES}
    most = max(counts, key=lambda stage: counts[stage])
    return Section(
        "stages",
        TITLE,
        f"From the bytes of a {rows[0].source} JPEG to the label: decoding, resizing, inference, "
        "and the rest, which is what the whole took beyond these. "
        + "".join(f"{line}." for line in contradictions(rows)),
        Table(heads, body, ["", "", *(".4f" for _ in STAGES), ".4f", ""]),
        session.processor,
        f"Stacked bars of the stages of {len(rows)} models and runtimes. {most.capitalize()} "
        f"takes the most time in {counts[most]} of them.",
        figure,
        files=[session.name],
    )
