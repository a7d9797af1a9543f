"""Every round of every model, on this machine and on devices: a phone, or one that is none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from textwrap import fill
from typing import Any

import numpy as np

from bench import figures
from bench.report.section import BENCHMARKS, Inputs, Missing, Section
from bench.results.rows import DEVICE, ModelRow, device_rows, host_rows, is_emulated, row_of
from bench.results.session import Result, Session
from bench.tables import Table

HOST, STEADY = "test_classify", "test_device_inference"
ROW_IN = 0.2
SHOWN = 3.0
"""The axis ends at so many times the largest median; rounds beyond are counted at its end."""

RAW_HEADS = ["model", "runs on", "round", "ms"]

END_S, LEGEND_CHARACTERS = 60.0, 60
"""How long the start and the end are that are set side by side, where both fit."""

SUSTAINED_HEADS = (
    "model", "ran on", "minutes", "start ms", "end ms", "slower by", "hottest °C", "clock",
)  # fmt: skip
SUSTAINED_FORMATS = ("", "", ".1f", ".3f", ".3f", ".0%", ".1f", ".0%")


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


def on_and_on(inputs: Inputs) -> Iterator[Section | Missing]:
    """Yield what was measured on and on, of each session that did."""
    found = [session for session in inputs.sessions if session.sustained]
    yield from map(_on_and_on, found)
    if not found:
        yield Missing("On and on", f"{BENCHMARKS} --device-sustained MINUTES -k sustained")


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
    ]  # fmt: skip
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
            times_ms, position + jitter.uniform(-0.3, 0.3, len(times_ms)), linestyle="none",
            marker="o", markersize=2.8, markeredgewidth=0, alpha=0.6, color=colours[row.family],
        )  # fmt: skip
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


def _on_and_on(session: Session) -> Section:
    body = [_cells(result) for result in session.sustained]
    slowest = max(body, key=lambda row: row[5])
    raw = [
        [result.info["model"], row_of(result).runs_on, end_s, 1e3 * time_s]
        for result in session.sustained
        for end_s, time_s in zip(_ends_s(result), result.times_s, strict=True)
    ]
    return Section(
        "sustained",
        "On and on",
        "A dot is a round of about 2 s, one after another; those that heat slowed down belong to "
        "it, so nothing is compared with them. Start and end are medians of the first and the last "
        "minute, or of the halves. Below, the hottest sensor (drawn through), the battery (dashed),"
        " and the frequency that the cores are allowed, as a share of their highest.",
        Table(SUSTAINED_HEADS, body, SUSTAINED_FORMATS),
        alt=f"Latency and heat of {len(body)} models over {max(row[2] for row in body):.0f} "
        f"minutes. {slowest[0]} got slower by {slowest[5]:.0%}.",
        figure=_heat_figure(session.sustained),
        raw=(("model", "ran on", "round ended after s", "ms"), raw),
        files=[session.name],
        is_emulated=any(map(is_emulated, session.sustained)),
    )


def _cells(result: Result) -> list[Any]:
    row, ends_s, times_ms = row_of(result), _ends_s(result), 1e3 * np.asarray(result.times_s)
    part_s = min(END_S, ends_s[-1] / 2)
    is_start = ends_s <= max(part_s, ends_s[0])
    start_ms, end_ms = (
        float(np.median(times_ms[chosen])) for chosen in (is_start, ends_s >= ends_s[-1] - part_s)
    )
    hottest_c, share = (_heat(result, key) for key in ("hottest_c", "allowed_share"))
    worst = [None if np.isnan(told).all() else float(choose(told))
             for told, choose in ((hottest_c, np.nanmax), (share, np.nanmin))]  # fmt: skip
    minutes = ends_s[-1] / 60
    return [row.title, row.runs_on, minutes, start_ms, end_ms, end_ms / start_ms - 1, *worst]


def _ends_s(result: Result) -> np.ndarray:
    return np.asarray(result.info["sustained"]["round_ends_s"])


def _heat(result: Result, key: str) -> np.ndarray:
    """Return what each look at the phone saw; not a number where it does not tell."""
    return np.array([each[key] for each in result.info["sustained"]["heat"]], np.float64)


def _heat_figure(results: tuple[Result, ...]) -> Any:
    figure = figures.new_figure(4.6)
    latency, heat, clock = figure.subplots(3, sharex=True, height_ratios=[2, 1, 1])
    colours: dict[str, Any] = {}
    is_one_place = len({row_of(result).runs_on for result in results}) == 1
    for result, colour in zip(results, figures.PALETTE * len(results), strict=False):
        row, minutes = row_of(result), _heat(result, "at_s") / 60
        colours[row.title if is_one_place else fill(row.full_title, LEGEND_CHARACTERS)] = colour
        (dots,) = latency.plot(
            _ends_s(result) / 60, 1e3 * np.asarray(result.times_s), "o", markersize=2.8,
            markeredgewidth=0, alpha=0.6, color=colour,
        )  # fmt: skip
        figures.tip(dots, row.full_title)
        heat.plot(minutes, _heat(result, "hottest_c"), color=colour)
        heat.plot(minutes, _heat(result, "battery_c"), "--", color=colour)
        clock.plot(
            minutes, 100 * _heat(result, "allowed_share"), drawstyle="steps-post", color=colour
        )
    latency.set(ylabel="inference, ms", ylim=(0, None))
    heat.set_ylabel("°C")
    clock.set(ylabel="clock, %", ylim=(0, 105), xlabel="minutes")
    figures.patch_legend(figure, colours, 1)
    return figure
