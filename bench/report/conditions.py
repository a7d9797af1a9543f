"""Under which conditions a run was measured, as a list for people."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from bench.operators import OperatorRecord
from bench.results.rows import HOST, device_rows
from bench.results.session import Session, processor, without_file

Facts = list[tuple[str, str]]


def machine_facts(run: Session) -> Facts:
    """Return what is known of a run and of the machine that it ran on."""
    machine = run.machine
    facts = [
        ("measured", run.time.isoformat(sep=" ", timespec="seconds")),
        ("commit", f"{run.commit}{' and changes' if run.is_changed else ''}"),
        ("processor", run.processor),
        *_system(machine),
        ("runtimes", _text(machine.get("runtimes"))),
        *_settings(run),
        *(("failed", f"{without_file(name)}: {why}") for name, why in run.failures.items()),
    ]
    return [(name, value) for name, value in facts if value]


def operator_facts(record: OperatorRecord) -> Facts:
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


def device_facts(run: Session) -> dict[str, Facts]:
    """Return what is known of each device, and of its state before and after the rounds."""
    found = {}
    for name, rows in device_rows(run.results).items():
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


def _settings(run: Session) -> Facts:
    results = run.of(*HOST)
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
