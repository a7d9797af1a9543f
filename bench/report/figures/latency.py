"""The study's latency figure: the mean of all rounds, one bar an architecture."""

from __future__ import annotations

from bench.output import style
from bench.report.section import Section, Table
from bench.results.rows import host_rows
from bench.results.runs import Run

QUANTITY = "test_classify"
STUDY_FASTEST = "AlexNet Separable"


def latency(run: Run) -> Section:
    """Draw the means as the study did; float32 and each runtime, with the middle 90 % of rounds."""
    rows = [row for row in host_rows(run.of(QUANTITY)) if row.precision in ("float32", None)]
    if not rows:
        rows = host_rows(run.of(QUANTITY))
    runtimes = list(dict.fromkeys(row.runs_on for row in rows))
    titles = list(dict.fromkeys(row.title for row in rows))
    colours = style.colours([row.architecture for row in rows])
    figure = style.new_figure(0.9 + 0.24 * len(rows) + 0.16 * len(titles))
    axes = figure.subplots()
    ticks: dict[float, str] = {}
    position = 0.0
    for title in titles:
        first = position
        for row in (row for row in rows if row.title == title):
            result = row.results[QUANTITY]
            alpha = 1 - 0.45 * runtimes.index(row.runs_on) / max(1, len(runtimes) - 1)
            (bar,) = axes.barh(
                position, result.mean_ms, 0.8, color=colours[row.architecture], alpha=alpha
            )
            style.tip(bar, f"{row.full_title}: mean {result.mean_ms:.4f} ms")
            axes.annotate(
                f"{result.mean_ms:.3f}  {row.runs_on}",
                (result.mean_ms, position),
                (4, 0),
                textcoords="offset points",
                va="center",
                fontsize=8,
            )
            position += 1
        ticks[(first + position - 1) / 2] = title
        position += 0.6
    names = {place: title.removesuffix(" float32") for place, title in ticks.items()}
    style.label_rows(axes, names, ())
    axes.set_ylim(position - 1, -0.6)
    axes.set_xlim(0, 1.6 * max(row.results[QUANTITY].mean_ms for row in rows))
    axes.set_xlabel("mean of one classification, ms")
    fastest = min(rows, key=lambda row: row.results[QUANTITY].mean_ms)
    heads = ["model", "runs on", "mean ms", "median ms", "95th percentile ms", "rounds"]
    body = [
        [row.title, row.runs_on, result.mean_ms, result.median_ms, result.percentile_95_ms,
         len(result.times_s)]
        for row in rows
        for result in [row.results[QUANTITY]]
    ]  # fmt: skip
    return Section(
        "latency",
        "Latency, as the study shows it",
        "Pixels in, label out; the mean of all rounds. The study printed its latencies only as a "
        f"figure without numbers: there, {STUDY_FASTEST} was the fastest. Here it is "
        f"{fastest.title}.",
        f"Bars of the mean latency of {len(titles)} models. The shortest is "
        f"{fastest.full_title} with {fastest.results[QUANTITY].mean_ms:.3f} ms.",
        figure,
        Table(heads, body, ["", "", ".3f", ".3f", ".3f", "d"]),
        heads,
        body,
        [run.name],
    )
