"""The page: which sections can be made of the results, and what they look like together."""

from __future__ import annotations

import base64
import gzip
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench import figures
from bench.report.conditions import Facts, device_facts, machine_facts, operator_facts
from bench.report.inputs import Inputs
from bench.report.section import Missing, Section
from bench.report.sections import (
    every_model,
    every_round,
    mean_latency,
    on_device,
    operator_shares,
    over_commits,
    photograph_changes,
    roofline,
    side_by_side,
    stage_breakdown,
    study_table,
    tradeoff,
)
from bench.report.svg import to_svg
from bench.results.session import Session

SECTIONS = (
    study_table, side_by_side, mean_latency, every_round, tradeoff, stage_breakdown,
    photograph_changes, roofline, operator_shares, on_device, over_commits, every_model,
)  # fmt: skip
"""In the order of the page."""


def render(inputs: Inputs) -> str:
    """Return the whole page as HTML."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    with figures.settings():
        found = [part for module in SECTIONS for part in module.sections(inputs)]
        counts: Counter[str] = Counter()
        drawn = []
        for section in (part for part in found if isinstance(part, Section)):
            counts[section.name] += 1
            drawn.append(_draw(section, counts[section.name]))
    environment = Environment(
        loader=PackageLoader("bench.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    conditions = _conditions(inputs.runs)
    given = [*inputs.runs, *(each for each in (inputs.robustness, inputs.operators) if each)]
    if inputs.operators is not None:
        conditions.append((inputs.operators.name, operator_facts(inputs.operators)))
    return environment.get_template("page.html.jinja").render(
        drawn=drawn,
        missing=[part for part in found if isinstance(part, Missing)],
        files={each.name: _link(each.content) for each in given},
        conditions=conditions,
        css=Path(__file__).with_name("page.css").read_text(encoding="utf-8"),
    )


def _conditions(runs: Sequence[Session]) -> list[tuple[str, Facts]]:
    found = []
    for run in reversed(runs):
        found.append((run.name, machine_facts(run)))
        found += [
            (f"{run.name}: the device {name}", facts) for name, facts in device_facts(run).items()
        ]
    return found


def _draw(section: Section, number: int) -> dict[str, Any]:
    """Return a section as the template takes it: with its figure, cells and exact values.

    Args:
        section: holds for one processor.
        number: of this processor among those that have such a section.
    """
    table = section.table
    if number > 1:
        section = replace(section, name=f"{section.name}-{number}")
    return {
        "section": section,
        "number": number,
        "svg": to_svg(section.figure, section.name, section.alt) if section.figure else "",
        "rows": [
            [
                (text, value if form and isinstance(value, (int, float)) else None)
                for text, value, form in zip(texts, row, table.formats, strict=True)
            ]
            for texts, row in zip(table.cells(), table.rows, strict=True)
        ],
        "csv_link": _link(section.csv().encode()),
    }


def _link(content: bytes) -> str:
    """Return an address that holds a file, compressed: else a page would be mostly raw rounds."""
    text = base64.b64encode(gzip.compress(content, mtime=0)).decode("ascii")
    return f"data:application/gzip;base64,{text}"
