"""Every round of every model, on this machine and on devices: a phone, or one that is none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from bench import figures
from bench.report.section import BENCHMARKS, Inputs, Missing, Section
from bench.results.rows import DEVICE, ModelRow, device_rows, host_rows, is_emulated
from bench.results.session import Session
from bench.tables import Table

HOST, STEADY = "test_classify", "test_device_inference"
ROW_IN = 0.2
SHOWN = 3.0
"""The axis ends at so many times the largest median; rounds beyond are counted at its end."""

RAW_HEADS = ["model", "runs on", "round", "ms"]


def on_hosts(inputs: Inputs) -> Iterator[Section]:
    """Yield the rounds on each processor."""
    yield from map(_on_host, inputs.newest(HOST))


def on_devices(inputs: Inputs) -> Iterator[Section | Missing]:
    """Yield each device that was measured on, by the newest session that did."""
    newest: dict[str, Session] = {}
    for session in inputs.sessions:
        newest |= dict.fromkeys(device_rows(session.of(STEADY)), session)
    for number, (name, session) in enumerate(newest.items(), start=1):
        yield _on_device(session, name, device_rows(session.results)[name], number)
    if not newest:
        yield Missing("On a phone", f"attach one; {BENCHMARKS} bench/test_device_inference.py")


def _on_host(session: Session) -> Section:
    rows = host_rows(session.of(HOST))
    widest = max(rows, key=_spread)
    heads = ["model", "runs on", "5 % ms", "median ms", "95 % ms", "slowest ms", "rounds"]
    body = [
        [row.title, row.runs_on, *np.percentile(times_ms, (5, 50, 95, 100)), len(times_ms)]
        for row in rows
        for times_ms in [_times_ms(row, HOST)]
    ]
    return Section(
        "rounds",
        "Every round",
        "A dot is a round, the bar their median, the line their middle 90 %. The axis is "
        "logarithmic; a number at its end counts the rounds beyond. Rounds far to the right are "
        "those that something else on the machine disturbed; that is why the median is what gets "
        "compared.",
        Table(heads, body, ["", "", ".4f", ".4f", ".4f", ".4f", "d"]),
        session.processor,
        f"The rounds of {len(rows)} models and runtimes as dots. The widest spread has "
        f"{widest.full_title}: its 95th percentile is {_spread(widest):.2f} times its median.",
        _figure(rows, HOST, "one classification, ms"),
        (RAW_HEADS, _raw(rows, HOST)),
        [session.name],
    )


def _on_device(session: Session, name: str, rows: Sequence[ModelRow], number: int) -> Section:
    steady = [row for row in rows if STEADY in row.results]
    emulated = is_emulated(steady[0].results[STEADY])
    heads = ["model", "runs on", "inference, mean ms",
             *(f"{name}, median ms" for name in DEVICE.values()), "memory, MB"]  # fmt: skip
    body = [
        [
            row.title,
            row.runs_on,
            row.results[STEADY].mean_ms,
            *(row.results[each].median_ms if each in row.results else None for each in DEVICE),
            row.info.get("footprint_overall_mb"),
        ]
        for row in steady
    ]
    fastest = min(steady, key=lambda row: row.results[STEADY].median_ms)
    warning = (
        "This is no phone: its figures try the way there out, and say nothing about a phone. "
        if emulated
        else ""
    )
    return Section(
        f"device-{number}",
        f"On the device {name}",
        f"{warning}A dot is a round: the mean inference of a fresh process after its warm-up, "
        "timed by benchmark_model.",
        Table(heads, body, ["", "", *(".2f" for _ in heads[2:])]),
        alt=f"The rounds of {len(steady)} models on the device {name} as dots. The fastest is "
        f"{fastest.title} with a median of {fastest.results[STEADY].median_ms:.3f} ms.",
        figure=_figure(steady, STEADY, "one inference, ms"),
        raw=(RAW_HEADS, _raw(steady, STEADY)),
        files=[session.name],
        is_emulated=emulated,
    )


def _raw(rows: Sequence[ModelRow], quantity: str) -> list[list[Any]]:
    """Return a row a round: the file's name, what it ran on, the round's number and time in ms."""
    return [
        [row.model, row.runs_on, number, float(time_ms)]
        for row in rows
        for number, time_ms in enumerate(_times_ms(row, quantity), start=1)
    ]


def _figure(rows: Sequence[ModelRow], quantity: str, label: str) -> Any:
    """Return a figure of one line of dots a row, grouped by where it ran."""
    colours = figures.colours(row.family for row in rows)
    ticks, headings, placed = figures.grouped((row.runs_on, row.title, row) for row in rows)
    figure = figures.new_figure(0.8 + ROW_IN * len(ticks))
    axes = figure.subplots()
    left, right = _limits(rows, quantity)
    jitter = np.random.default_rng(0)
    for position, row in placed:
        times_ms = _times_ms(row, quantity)
        low, median, high = np.percentile(times_ms, (5, 50, 95))
        (dots,) = axes.plot(
            times_ms,
            position + jitter.uniform(-0.3, 0.3, len(times_ms)),
            linestyle="none",
            marker="o",
            markersize=2.8,
            markeredgewidth=0,
            alpha=0.6,
            color=colours[row.family],
        )
        figures.tip(
            dots, f"{row.full_title}: median {median:.4f} ms, 5 to 95 %: {low:.4f} to {high:.4f} ms"
        )
        axes.plot([low, high], [position] * 2, color=figures.INK, linewidth=0.8)
        axes.plot(
            [median] * 2, [position - 0.38, position + 0.38], color=figures.INK, linewidth=1.6
        )
        if beyond := int((times_ms > right).sum()):
            axes.annotate(
                f"+{beyond}", (1, position), xycoords=("axes fraction", "data"), va="center",
                fontsize=8,
            )  # fmt: skip
    figures.log_axis(axes.xaxis, label, left, right)
    axes.set_xlim(left, right)
    figures.label_rows(axes, ticks, headings)
    return figure


def _times_ms(row: ModelRow, quantity: str) -> np.ndarray:
    return 1e3 * np.asarray(row.results[quantity].times_s)


def _limits(rows: Sequence[ModelRow], quantity: str) -> tuple[float, float]:
    """Return where the axis of milliseconds begins and ends."""
    least = [1e3 * min(row.results[quantity].times_s) for row in rows]
    medians = [row.results[quantity].median_ms for row in rows]
    return 0.9 * max(min(least), min(medians) / SHOWN), SHOWN * max(medians)


def _spread(row: ModelRow) -> float:
    return row.results[HOST].percentile_95_ms / row.results[HOST].median_ms
