"""Where the time of one classification goes."""

from __future__ import annotations

from bench.output import style
from bench.report.section import Section, Table
from bench.report.stages import STAGES, breakdowns
from bench.results.rows import host_rows
from bench.results.runs import Run


def stages(run: Run) -> Section | None:
    """Draw the stages of each model and runtime; None where one cannot be put together."""
    rows = breakdowns(run.results)
    if not rows:
        return None
    titles = {row.model: row.title for row in host_rows(run.results)}
    order = list(titles)
    runtimes = list(dict.fromkeys(row.runtime for row in rows))
    rows.sort(key=lambda row: (runtimes.index(row.runtime), order.index(row.model)))
    figure = style.new_figure(1.0 + 0.2 * (len(rows) + len(runtimes)))
    axes = figure.subplots()
    labels: dict[float, str] = {}
    for row in rows:
        if row.runtime not in labels.values():
            labels[len(labels)] = row.runtime
        position = len(labels)
        labels[position] = titles[row.model]
        left = 0.0
        for stage, colour in zip(STAGES, style.STAGE_COLOURS, strict=True):
            width = row.stages_ms[stage]
            (bar,) = axes.barh(position, width, 0.78, left, color=colour)
            style.tip(bar, f"{row.model}, {row.runtime}: {stage} {width:.4f} ms")
            left += width
    style.label_rows(axes, labels, runtimes)
    axes.set_xlabel("medians, ms")
    from matplotlib.patches import Patch

    handles = [
        Patch(color=colour, label=stage)
        for stage, colour in zip(STAGES, style.STAGE_COLOURS, strict=True)
    ]
    figure.legend(handles=handles, loc="outside upper left", ncols=4)
    heads = ["model", "runtime", *(f"{stage} ms" for stage in STAGES), "whole ms", "dominant"]
    body = [
        [titles[row.model], row.runtime, *(row.stages_ms[stage] for stage in STAGES), row.total_ms,
         row.dominant]
        for row in rows
    ]  # fmt: skip
    counts = {stage: sum(row.dominant == stage for row in rows) for stage in STAGES}
    most = max(counts, key=lambda stage: counts[stage])
    return Section(
        "stages",
        "Where the time goes",
        f"From the bytes of a {rows[0].source} JPEG to the label: decoding, resizing, inference, "
        "and the rest, which is what the whole took beyond these.",
        f"Stacked bars of the stages of {len(rows)} models and runtimes. {most.capitalize()} "
        f"takes the most time in {counts[most]} of them.",
        figure,
        Table(heads, body, ["", "", *(".3f" for _ in STAGES), ".3f", ""]),
        heads,
        body,
        [run.name],
    )
