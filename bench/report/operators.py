"""Where the time of one call goes, by operator."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bench import figures, operators
from bench.report.section import Inputs, Missing, Section
from bench.results.rows import ModelRow
from bench.results.session import processor
from bench.tables import Table

TITLE = "Time by operator"
SHOWN = 6
"""Kinds that get a colour of their own: those that take most; the rest share one."""

OTHERS = "other operators"


def sections(inputs: Inputs) -> Iterator[Section | Missing]:
    """Yield the shares of each model's operators, and their times."""
    if inputs.operators:
        yield _section(inputs.operators)
    else:
        yield Missing(
            TITLE,
            "python -m bench operators --json operators.json, then give --operators operators.json",
        )


def _section(record: operators.OperatorRecord) -> Section:
    titles = [ModelRow(each.info["model"], "", each.info, {}).title for each in record.models]
    titled = list(zip(titles, record.models, strict=True))
    body = [
        [title, *row] for title, each in titled for row in operators.kinds_table(each.profile).rows
    ]
    raw = [
        [each.info["model"], *row]
        for each in record.models
        for row in operators.each_table(each.profile).rows
    ]
    share, title, name = max(
        (row.share, title, row.name)
        for title, each in titled
        for row in operators.kind_rows(each.profile)
    )
    dropped_us = max(len(each.profile.operators) for each in record.models)
    return Section(
        "operators",
        TITLE,
        f"By the profiler of {record.models[0].profile.runtime}, on one thread. The operators, and "
        "what is outside of them, add up to the bare call, which took turns with the profiled one; "
        "all are means over the middle half of the rounds. The profiler drops fractions of a "
        f"microsecond, up to {dropped_us} µs of a "
        "call, which then are outside; and it disturbs what it measures, so that the operators may "
        "exceed the bare call. XNNPACK runs pointwise convolutions as Fully Connected; it did not "
        "take the operators whose names are in capitals. Two operations for each "
        "multiply-accumulate.",
        Table(["model", *operators.HEADS], body, ["", *operators.FORMATS]),
        processor(record.machine),
        f"Stacked bars of {len(record.models)} models: the share of each kind of operator in the "
        f"bare call. The largest is {name} in {title} with {share:.0%}.",
        _figure(titled, _colours(record)),
        (["model", *operators.EACH_HEADS], raw),
        [record.name],
    )


def _figure(titled: list[tuple[str, operators.ModelOperators]], colours: dict[str, str]) -> Any:
    from matplotlib.ticker import MaxNLocator, PercentFormatter

    figure = figures.new_figure(1.5 + 0.2 * len(titled))
    axes = figure.subplots()
    longest = 1.0
    for position, (title, model) in enumerate(titled):
        left = 0.0
        for name, colour in colours.items():
            rows = [row for row in _drawn_rows(model) if _kind(row, colours) == name]
            share = sum(row.share for row in rows)
            if share <= 0:
                continue
            (bar,) = axes.barh(position, share, 0.78, left, color=colour)
            microseconds = sum(row.microseconds for row in rows)
            figures.tip(bar, f"{title}: {name} {microseconds:.1f} µs, {share:.1%}")
            left += share
        longest = max(longest, left)
        figures.note(axes, f"{model.profile.invoke_us:,.0f} µs", left, position)
    figures.label_rows(axes, dict(enumerate(title for title, _ in titled)), ())
    axes.set_xlim(0, 1.2 * longest)
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    axes.set_xlabel("share of the bare call invoke")
    figures.patch_legend(figure, colours, 2)
    return figure


def _colours(record: operators.OperatorRecord) -> dict[str, str]:
    """Return a colour for each kind that takes most of all models' calls, and for the rest."""
    shares: dict[str, float] = {}
    for model in record.models:
        for row in operators.kind_rows(model.profile):
            shares[row.name] = shares.get(row.name, 0.0) + row.share
    names = sorted(shares, key=lambda name: -shares[name])
    colours = dict(zip(names[:SHOWN], figures.PALETTE, strict=False))
    if names[SHOWN:]:
        colours[OTHERS] = figures.PALETTE[SHOWN]
    return {**colours, operators.OUTSIDE: figures.PALE}


def _drawn_rows(model: operators.ModelOperators) -> list[operators.OperatorRow]:
    outside = [
        row for row in operators.closing_rows(model.profile) if row.name == operators.OUTSIDE
    ]
    return [*operators.kind_rows(model.profile), *outside]


def _kind(row: operators.OperatorRow, colours: dict[str, str]) -> str:
    return row.name if row.name in colours else OTHERS
