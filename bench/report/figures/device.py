"""What was measured on a device: a phone, or one that is none, but never both in a figure."""

from __future__ import annotations

from collections.abc import Sequence

from bench.report.figures.rounds import draw_rounds
from bench.report.section import Section, Table
from bench.results.rows import DEVICE, Row, is_emulated
from bench.results.runs import Run

QUANTITY = "test_device_inference"


def device(run: Run, name: str, rows: Sequence[Row], number: int) -> Section:
    """Draw the rounds of one device.

    Args:
        run: where they stand.
        name: the device's.
        rows: its models.
        number: of the device on the page.
    """
    steady = [row for row in rows if QUANTITY in row.results]
    emulated = is_emulated(next(iter(rows[0].results.values())))
    figure, csv_heads, csv_rows = draw_rounds(steady, QUANTITY, "one inference, ms")
    heads = ["model", "runs on", "inference, mean ms", "inference, median ms",
             "first inference, median ms", "load, median ms", "memory, MB"]  # fmt: skip
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
        f"The rounds of {len(steady)} models on the device {name} as dots. The fastest is "
        f"{fastest.title} with a median of {fastest.results[QUANTITY].median_ms:.3f} ms.",
        figure,
        Table(heads, body, ["", "", ".2f", ".2f", ".2f", ".2f", ".2f"]),
        csv_heads,
        csv_rows,
        [run.name],
        emulated,
    )
