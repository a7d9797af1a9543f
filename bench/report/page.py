"""The page: which sections can be made of the results, and what they look like together."""

from __future__ import annotations

import base64
import gzip
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench import figures
from bench.operators import OperatorRecord
from bench.report import commits, operators, robustness, roofline, rounds, stages, study, tradeoff
from bench.report.section import Inputs, Missing, Section
from bench.report.svg import to_svg
from bench.results.rows import HOST, device_rows
from bench.results.session import Session, processor, without_file

Facts = list[tuple[str, str]]

SECTIONS = (
    study.study_table, study.mean_latency, rounds.on_hosts, tradeoff.sections, stages.sections,
    robustness.sections, roofline.sections, operators.sections, rounds.on_devices,
    rounds.on_and_on, commits.sections, study.every_model,
)  # fmt: skip
"""In the order of the page."""


def render(inputs: Inputs) -> str:
    """Return the whole page as HTML."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    with figures.settings():
        found = [part for make in SECTIONS for part in make(inputs)]
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
    conditions = _conditions(inputs.sessions)
    given = [*inputs.sessions, *(each for each in (inputs.robustness, inputs.operators) if each)]
    if inputs.operators is not None:
        conditions.append((inputs.operators.name, _operator_facts(inputs.operators)))
    return environment.get_template("page.html.jinja").render(
        drawn=drawn,
        warnings=_warnings(inputs.sessions),
        missing=[part for part in found if isinstance(part, Missing)],
        files={each.name: _link(each.content) for each in given},
        conditions=conditions,
        css=Path(__file__).with_name("page.css").read_text(encoding="utf-8"),
    )


def _warnings(sessions: Sequence[Session]) -> Iterator[str]:
    for session in sessions:
        for name, why in session.failures.items():
            yield f"{session.name}: {without_file(name)} failed, so its times are of a fault: {why}"
        if session.disturbance:
            yield f"{session.name}: the machine was disturbed: {session.disturbance}"


def _conditions(sessions: Sequence[Session]) -> list[tuple[str, Facts]]:
    found = []
    for session in reversed(sessions):
        found.append((session.name, _machine_facts(session)))
        found += [
            (f"{session.name}: the device {name}", facts)
            for name, facts in _device_facts(session).items()
        ]
    return found


def _draw(section: Section, number: int) -> dict[str, Any]:
    """Return a section as the template takes it: with its figure, cells and exact values.

    The number is that of its processor among those that have such a section.
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


def _machine_facts(session: Session) -> Facts:
    """Return what is known of a session and of the machine that it ran on."""
    machine = session.machine
    facts = [
        ("measured", session.time.isoformat(sep=" ", timespec="seconds")),
        ("commit", f"{session.commit}{' and changes' if session.is_changed else ''}"),
        ("processor", session.processor),
        *_system(machine),
        ("runtimes", _text(machine.get("runtimes"))),
        ("load", _text({**session.load, "cores": ()})),
        *_settings(session),
        *(("failed", f"{without_file(name)}: {why}") for name, why in session.failures.items()),
    ]
    return [(name, value) for name, value in facts if value]


def _operator_facts(record: OperatorRecord) -> Facts:
    """Return what is known of a measurement of operators."""
    profiles = [each.profile for each in record.models]
    facts = [
        ("measured", record.time.isoformat(sep=" ", timespec="seconds")),
        ("processor", processor(record.machine)),
        *_system(record.machine),
        ("runtimes", ", ".join(dict.fromkeys(each.runtime for each in profiles))),
        ("rounds", ", ".join(map(str, sorted({each.rounds for each in profiles})))),
        ("threads", "1"),
    ]
    return [(name, value) for name, value in facts if value]


def _device_facts(session: Session) -> dict[str, Facts]:
    """Return what is known of each device, and of its state before and after the rounds."""
    found = {}
    for name, rows in device_rows(session.results).items():
        info = rows[0].info
        facts = [(_name(key), _text(value)) for key, value in info["device"].items()]
        for key in ("cpu_mask", "input", "tool_generation", "tool_source", "performance_mode"):
            facts.append((_name(key), _text(info.get(key))))
        for row in rows:
            for when, state in (row.info.get("conditions") or {}).items():
                facts.append((f"{when} {row.title}", _text(state)))
        found[name] = [(key, value) for key, value in facts if value]
    return found


def _system(machine: Mapping[str, Any]) -> Facts:
    return [
        ("system", _join(machine.get("system"), machine.get("release"))),
        ("Python", _join(machine.get("python_implementation"), machine.get("python_version"))),
    ]


def _settings(session: Session) -> Facts:
    results = session.of(*HOST)
    rounds = sorted({len(result.times_s) for result in results})
    facts = [("rounds", ", ".join(map(str, rounds)))]
    for key in ("threads", "protocol"):
        values = dict.fromkeys(str(result.info[key]) for result in results if key in result.info)
        facts.append((key, ", ".join(values)))
    return facts


def _join(*parts: Any) -> str:
    return " ".join(str(part) for part in parts if part)


def _cores(cores: Iterable[Mapping[str, Any]]) -> str:
    """Write cores that are in the same state once, such as "4, 5, 6, 7 at 2.31 of 2.31 GHz"."""
    numbers: dict[str, list[str]] = {}
    for core in cores:
        frequencies = (f"{(core.get(key) or 0) / 1e6:.2f}" for key in ("current_khz", "cap_khz"))
        state = f"at {' of '.join(frequencies)} GHz ({core.get('governor') or 'unknown governor'})"
        numbers.setdefault(state, []).append(str(core.get("number")))
    return "; ".join(f"{', '.join(found)} {state}" for state, found in numbers.items())


def _name(key: str) -> str:
    """Write a key for people, its unit too."""
    return re.sub(r"_c$", " in °C", key).removeprefix("is_").replace("_", " ")


def _text(value: Any) -> str:
    """Write nested values as "name value, name value"; what is unknown is left out."""
    if isinstance(value, dict):
        if "cores" in value:
            value = {**value, "cores": _cores(value["cores"])}
        parts = ((_name(key), _text(each)) for key, each in value.items())
        return ", ".join(f"{key} {text}" for key, text in parts if text)
    if isinstance(value, (list, tuple)):
        return "; ".join(text for text in map(_text, value) if text)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    return "" if value is None else str(value)
