"""Where the time of one call goes, by operator."""

from __future__ import annotations

from bench.operators.operator_record import Measured, Record
from bench.operators.operator_rows import (
    OUTSIDE,
    WHOLE,
    OperatorRow,
    closing_rows,
    dropped_us,
    each_row,
    kind_rows,
)
from bench.output import style
from bench.report.section import Section, Table
from bench.results.rows import Row

SHOWN = 6
"""Kinds that get a colour of their own: those that take most; the rest share one."""

OTHERS = "other operators"
OTHERS_COLOUR = style.PALETTE[-1]
OUTSIDE_ALPHA = 0.3


def operators(record: Record) -> Section:
    """Draw the shares of each model's operators, and tell the times."""
    titles = {id(each): Row(each.info["model"], "", each.info, {}).title for each in record.models}
    colours = _colours(record)
    figure = style.new_figure(1.5 + 0.2 * len(record.models))
    axes = figure.subplots()
    labels: dict[float, str] = {}
    longest = 1.0
    for position, model in enumerate(record.models):
        labels[position] = title = titles[id(model)]
        left = 0.0
        for name, colour in colours.items():
            rows = [row for row in _drawn_rows(model) if _kind(row, colours) == name]
            share = sum(row.share for row in rows)
            if share <= 0:
                continue
            alpha = OUTSIDE_ALPHA if name == OUTSIDE else 1.0
            (bar,) = axes.barh(position, share, 0.78, left, color=colour, alpha=alpha)
            microseconds = sum(row.microseconds for row in rows)
            style.tip(bar, f"{title}: {name} {microseconds:.1f} µs, {share:.1%}")
            left += share
        longest = max(longest, left)
        axes.annotate(
            f"{model.profile.invoke_us:.0f} µs", (left, position), (4, 0),
            textcoords="offset points", va="center", fontsize=8.5,
        )  # fmt: skip
    style.label_rows(axes, labels, ())
    from matplotlib.patches import Patch
    from matplotlib.ticker import PercentFormatter

    axes.set_xlim(0, 1.2 * longest)
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1])
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    axes.set_xlabel("share of the bare call invoke")
    handles = [
        Patch(color=colour, label=name, alpha=OUTSIDE_ALPHA if name == OUTSIDE else 1.0)
        for name, colour in colours.items()
    ]
    figure.legend(handles=handles, loc="outside upper left", ncols=2)
    heads = ["model", "operator", "runs in", "count", "µs", "share", "multiply-accumulates",
             "GFLOP/s, at least"]  # fmt: skip
    body = [
        [titles[id(model)], *_cells(row)]
        for model in record.models
        for row in (*kind_rows(model.profile), *closing_rows(model.profile))
    ]
    csv_rows = [
        [model.info["model"], number, operator.node, *_cells(row)]
        for model in record.models
        for number, (operator, row) in enumerate(
            zip(model.profile.operators, each_row(model.profile), strict=True)
        )
    ] + [
        [model.info["model"], None, None, *_cells(row)]
        for model in record.models
        for row in closing_rows(model.profile)
    ]
    share, title, name = max(
        (row.share, titles[id(model)], row.name)
        for model in record.models
        for row in kind_rows(model.profile)
    )
    return Section(
        "operators",
        "Time by operator",
        f"By the profiler of {record.models[0].profile.runtime}, on one thread. The operators, and "
        "what is outside of them, add up to the bare call, which took turns with the profiled one; "
        "all are means over the middle half of the rounds. The profiler drops fractions of a "
        f"microsecond, up to {max(dropped_us(model.profile) for model in record.models)} µs of a "
        "call, which then are outside; and it disturbs what it measures, so that the operators may "
        "exceed the bare call. XNNPACK runs pointwise convolutions as Fully Connected; it did not "
        "take the operators whose names are in capitals. Two operations for each "
        "multiply-accumulate.",
        f"Stacked bars of {len(record.models)} models: the share of each kind of operator in the "
        f"bare call. The largest is {name} in {title} with {share:.0%}.",
        figure,
        Table(heads, body, ["", "", "", ".0f", ".1f", ".1%", ",", ".1f"]),
        ["model", "number", "graph", *heads[1:]],
        csv_rows,
        [record.name],
    )


def _colours(record: Record) -> dict[str, str]:
    """Return a colour for each kind that takes most of all models' calls, and for the rest."""
    shares: dict[str, float] = {}
    for model in record.models:
        for row in kind_rows(model.profile):
            shares[row.name] = shares.get(row.name, 0.0) + row.share
    names = sorted(shares, key=lambda name: -shares[name])
    colours = dict(zip(names[:SHOWN], style.PALETTE, strict=False))
    if names[SHOWN:]:
        colours[OTHERS] = OTHERS_COLOUR
    return {**colours, OUTSIDE: style.FAINT}


def _drawn_rows(model: Measured) -> list[OperatorRow]:
    outside = [row for row in closing_rows(model.profile) if row.name == OUTSIDE]
    return [*kind_rows(model.profile), *outside]


def _kind(row: OperatorRow, colours: dict[str, str]) -> str:
    return row.name if row.name in colours else OTHERS


def _cells(row: OperatorRow) -> list[str | float | None]:
    return [
        row.name if row.name != WHOLE else f"{WHOLE}, the whole",
        row.runs_in or None,
        row.count,
        row.microseconds,
        row.share,
        row.multiply_accumulates or None,
        row.least_gflops,
    ]
