"""What was measured on a device: a phone, or one that is none, but never both in a figure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bench.report.inputs import Inputs
from bench.report.section import BENCHMARKS, Missing, Section
from bench.report.sections.every_round import RAW_HEADS, draw_rounds, raw_rounds
from bench.results.rows import DEVICE, ModelRow, device_rows, is_emulated
from bench.results.session import Session
from bench.tables import Table

QUANTITY = "test_device_inference"
HEADS = ["model", "runs on", "inference, mean ms",
         *(f"{name}, median ms" for name in DEVICE.values()), "memory, MB"]  # fmt: skip


def sections(inputs: Inputs) -> Iterator[Section | Missing]:
    """Yield each device that was measured on, by the newest run that did."""
    newest: dict[str, Session] = {}
    for run in inputs.runs:
        newest |= dict.fromkeys(device_rows(run.of(QUANTITY)), run)
    for number, (name, run) in enumerate(newest.items(), start=1):
        yield _section(run, name, device_rows(run.results)[name], number)
    if not newest:
        yield Missing("On a phone", f"attach one; {BENCHMARKS} bench/test_device_inference.py")


def _section(run: Session, name: str, rows: Sequence[ModelRow], number: int) -> Section:
    steady = [row for row in rows if QUANTITY in row.results]
    emulated = is_emulated(steady[0].results[QUANTITY])
    body = [
        [
            row.title,
            row.runs_on,
            row.results[QUANTITY].mean_ms,
            *(row.results[each].median_ms if each in row.results else None for each in DEVICE),
            row.info.get("footprint_overall_mb"),
        ]
        for row in steady
    ]
    fastest = min(steady, key=lambda row: row.results[QUANTITY].median_ms)
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
        Table(HEADS, body, ["", "", *(".2f" for _ in HEADS[2:])]),
        alt=f"The rounds of {len(steady)} models on the device {name} as dots. The fastest is "
        f"{fastest.title} with a median of {fastest.results[QUANTITY].median_ms:.3f} ms.",
        figure=draw_rounds(steady, QUANTITY, "one inference, ms"),
        raw=(RAW_HEADS, raw_rounds(steady, QUANTITY)),
        files=[run.name],
        is_emulated=emulated,
    )
