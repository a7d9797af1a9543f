"""The page: which sections can be made of the results, and what they look like together."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.history.medians import history as put_together
from bench.operators.operator_record import Record
from bench.report.conditions import Facts, device_facts, machine_facts, operator_facts
from bench.report.figures import (
    device,
    history,
    latency,
    models,
    operators,
    robustness,
    roofline,
    rounds,
    stages,
    study,
    tradeoff,
)
from bench.report.robustness import Robustness
from bench.report.roofline import YARDSTICKS, Cost
from bench.report.section import Section
from bench.results.rows import DEVICE, device_rows
from bench.results.runs import Run, newest_with

BENCHMARKS = "pytest --benchmark-only --benchmark-autosave"


@dataclass(frozen=True)
class Missing:
    """A part that could not be shown.

    Attributes:
        title: of the part.
        remedy: how to get it, one line.
    """

    title: str
    remedy: str


@dataclass(frozen=True)
class Drawn:
    """A section as the template takes it.

    Attributes:
        section: what it was made of.
        svg: its figure; empty without one.
        csv_link: all that was drawn, as an address that holds it.
    """

    section: Section
    svg: str
    csv_link: str


def parts(
    runs: Sequence[Run],
    table: Robustness | None,
    known: Mapping[str, Cost],
    operator_times: Record | None,
) -> Iterator[Section | Missing]:
    """Return every part of the page in order; each takes the newest run that holds its benchmarks.

    Args:
        runs: by their time, the oldest first.
        table: of the robustness, if there is one.
        known: what one inference of each model file has to do.
        operator_times: time by operator, if it was measured.
    """
    host = newest_with(runs, "test_classify")
    if host is None:
        yield Missing("Inference on this machine", f"{BENCHMARKS} bench/test_host_inference.py")
    else:
        yield study.study(host)
        yield latency.latency(host)
        yield rounds.rounds(host)
        yield tradeoff.tradeoff(host) or Missing(
            "Accuracy, latency and size", "only the project's own models have an accuracy"
        )
    run = newest_with(runs, "test_classify_jpeg", "test_invoke")
    yield (stages.stages(run) if run else None) or Missing("Where the time goes", BENCHMARKS)
    yield (
        robustness.robustness(table)
        if table
        else Missing(
            "Robustness",
            "python -m models robustness > robustness.md, then give --robustness robustness.md",
        )
    )
    run = newest_with(runs, "test_invoke", *YARDSTICKS)
    yield (roofline.roofline(run, known) if run else None) or Missing(
        "How close to the limit",
        f"{BENCHMARKS} bench/test_machine.py bench/test_host_inference.py; and --model PATH for "
        "a model of your own",
    )
    yield (
        operators.operators(operator_times)
        if operator_times
        else Missing(
            "Time by operator",
            "python -m bench operators --json operators.json, then give --operators operators.json",
        )
    )
    yield from _devices(runs)
    past = put_together(runs)
    yield (
        history.history(past)
        if past
        else Missing("Over the commits", "give the files of at least two runs on one machine")
    )
    if host is not None:
        yield models.models(host)


def render(
    runs: Sequence[Run],
    table: Robustness | None = None,
    known: Mapping[str, Cost] | None = None,
    operator_times: Record | None = None,
) -> str:
    """Return the whole page as HTML.

    The arguments are those of `parts`.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    from bench.output import style

    with style.settings():
        found = list(parts(runs, table, known or {}, operator_times))
        drawn = [_draw(part) for part in found if isinstance(part, Section)]
    environment = Environment(
        loader=PackageLoader("bench.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    files = {run.name: _link(run.content, "application/json") for run in runs}
    if table is not None:
        files[table.name] = _link(table.content, "text/markdown")
    conditions = _conditions(runs)
    if operator_times is not None:
        files[operator_times.name] = _link(operator_times.content, "application/json")
        conditions.append((operator_times.name, operator_facts(operator_times)))
    return environment.get_template("page.html.jinja").render(
        drawn=drawn,
        missing=[part for part in found if isinstance(part, Missing)],
        files=files,
        conditions=conditions,
        css=Path(__file__).with_name("page.css").read_text(encoding="utf-8"),
    )


def _devices(runs: Sequence[Run]) -> Iterator[Section | Missing]:
    """Show each device that was measured on, by the newest run that did."""
    newest: dict[str, Run] = {}
    for run in runs:
        newest |= dict.fromkeys(device_rows(run.of(DEVICE[0])), run)
    for number, (name, run) in enumerate(newest.items(), start=1):
        yield device.device(run, name, device_rows(run.results)[name], number)
    if not newest:
        yield Missing(
            "On a phone", f"attach one; {BENCHMARKS} bench/test_device_inference.py"
        )  # fmt: skip


def _conditions(runs: Sequence[Run]) -> list[tuple[str, Facts]]:
    found = []
    for run in reversed(runs):
        found.append((run.name, machine_facts(run)))
        found += [
            (f"{run.name}: the device {name}", facts) for name, facts in device_facts(run).items()
        ]
    return found


def _draw(section: Section) -> Drawn:
    from bench.report.svg import to_svg

    svg = to_svg(section.figure, section.name, section.alt) if section.figure else ""
    return Drawn(section, svg, _link(section.csv().encode(), "text/csv"))


def _link(content: bytes, kind: str) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"
