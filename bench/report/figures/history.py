"""Latency over the commits."""

from __future__ import annotations

from bench.history.medians import History
from bench.output import style
from bench.report.figures.tradeoff import add_legend
from bench.report.section import Section, Table
from models import zoo


def history(past: History) -> Section:
    """Draw a panel an architecture, a line a model and runtime."""
    rows = list(past.rows.values())
    names = list(dict.fromkeys(row.architecture for row in rows))
    runtimes = list(dict.fromkeys(row.runs_on for row in rows))
    colours = style.colours(names)
    figure = style.new_figure(1.6 + 1.5 * len(names))
    panels = figure.subplots(len(names), sharex=True, squeeze=False)[:, 0]
    for axes, name in zip(panels, names, strict=True):
        values = []
        for title, medians_ms in past.medians_ms.items():
            row = past.rows[title]
            if row.architecture != name:
                continue
            precision = row.precision or ""
            heights = [float("nan") if each is None else each for each in medians_ms]
            values += [each for each in medians_ms if each]
            (line,) = axes.plot(
                heights,
                color=colours[name],
                linestyle=style.LINES.get(precision, "-"),
                marker=style.MARKERS.get(precision, style.OTHER_MARKER),
                markersize=4.5,
                markerfacecolor=colours[name] if row.runs_on == runtimes[0] else "none",
                linewidth=1,
                alpha=0.85,
            )
            style.tip(line, f"{title}: {' → '.join(_text(each) for each in medians_ms)} ms")
        style.log_axis(axes.yaxis, "median, ms", min(values), max(values))
        title = zoo.ARCHITECTURES[name].title if name else "your models"
        axes.set_title(title, loc="left", fontsize=9.5)
        axes.margins(0.05, 0.15)
    many = {"rotation": 45, "ha": "right"} if len(past.labels) > 4 else {}
    panels[-1].set_xticks(range(len(past.labels)), past.labels, fontsize=8, **many)
    add_legend(figure, rows)
    heads = ["model", *(f"{number}: {label}" for number, label in enumerate(past.labels, start=1))]
    body = [[title, *medians_ms] for title, medians_ms in past.medians_ms.items()]
    left_out = (
        f" Left out, since they were measured on another processor: {', '.join(past.left_out)}."
        if past.left_out
        else ""
    )
    hollow = (
        f" Filled marks ran on {runtimes[0]}; hollow marks on {', '.join(runtimes[1:])}."
        if len(runtimes) > 1
        else ""
    )
    return Section(
        "history",
        "Over the commits",
        f"Medians of one classification in {len(past.labels)} runs on {past.processor}, the "
        'oldest first. "+" stands where files differed from the commit. A run is one process, and '
        "runs at different times differ by more than their rounds show: whether a change is one "
        f"is for python -m bench gate to say.{hollow}{left_out}",
        f"Lines of the median latency of {len(body)} models and runtimes over "
        f"{len(past.labels)} runs, from {past.labels[0]} to {past.labels[-1]}.",
        figure,
        Table(heads, body, ["", *(".3f" for _ in past.labels)]),
        heads,
        body,
        past.files,
    )


def _text(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
