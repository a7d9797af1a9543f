"""Results put together by model: figures of its file, and its rounds on a runtime or a device."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from bench.results.session import SUSTAINED, Result
from models import zoo
from models.files.artifacts import PRECISIONS, artifact

HOST = ("test_classify", "test_invoke")
DEVICE = {
    "test_device_inference": "inference",
    "test_device_first_inference": "first inference",
    "test_device_load": "load",
}
"""What tables call the quantity of each benchmark on a device."""


@dataclass(frozen=True)
class ModelRow:
    """A model on a runtime or a device."""

    model: str  # the file's name
    runs_on: str  # runtime and version, or how the device ran it
    info: dict[str, Any]  # `extra_info` of its benchmarks
    results: dict[str, Result]  # by benchmark function

    @property
    def architecture(self) -> str | None:
        """Its name in the table of architectures; None for a user's model."""
        name = self.info.get("architecture")
        return name if name in zoo.ARCHITECTURES else None

    @property
    def precision(self) -> str | None:
        """Such as "int8"; None where it is unknown."""
        return self.info.get("precision")

    @property
    def family(self) -> str:
        """Those that share a colour: the architecture, or a user's model."""
        return self.architecture or self.model

    @property
    def family_title(self) -> str:
        """What people call the family."""
        return zoo.ARCHITECTURES[self.architecture].title if self.architecture else self.model

    @property
    def title(self) -> str:
        """What people call the model, and whether a benchmark of it failed."""
        is_ours = self.architecture and self.precision
        name = f"{self.family_title} {self.precision}" if is_ours else self.family_title
        failed = any(result.failure for result in self.results.values())
        return f"{name} (failed)" if failed else name

    @property
    def is_of_the_study(self) -> bool:
        """Whether the model was judged on the study's photographs; so were all of old sessions."""
        return self.architecture is not None and is_of_the_study(self.info.get("pictures"))

    @property
    def full_title(self) -> str:
        """The model, and what it ran on."""
        return f"{self.title}, {self.runs_on}"


def host_rows(results: Iterable[Result]) -> list[ModelRow]:
    """Return a row for each model and runtime that classified or invoked."""
    return _rows(results, HOST, runtime_text)


def device_rows(results: Iterable[Result]) -> dict[str, list[ModelRow]]:
    """Return rows by device; one that is no phone is called so, and shares no list with one."""
    by_device: dict[str, list[Result]] = {}
    for result in results:
        if result.quantity in DEVICE:
            by_device.setdefault(_device_text(result), []).append(result)
    return {
        device: _rows(found, tuple(DEVICE), _how_on_device)
        for device, found in sorted(by_device.items(), key=lambda item: is_emulated(item[1][0]))
    }


def row_of(result: Result) -> ModelRow:
    """Return a row of one result, of whatever benchmark."""
    if result.quantity in (*DEVICE, SUSTAINED):
        runs_on = f"{_how_on_device(result)}, {_device_text(result)}"
    else:
        runs_on = runtime_text(result)
    return ModelRow(
        result.info.get("model", result.name), runs_on, result.info, {result.quantity: result}
    )


@cache
def is_of_the_study(pictures: str | None) -> bool:
    """Return whether a fingerprint is that of the photographs of the committed files' cards."""
    files = (artifact(name, precision) for name in zoo.ARCHITECTURES for precision in PRECISIONS)
    committed = next((file for file in files if file.card_path.is_file()), None)
    return pictures is None or (
        committed is not None and pictures == committed.require_card().accuracy.fingerprint
    )


def is_emulated(result: Result) -> bool:
    """Return whether a device's result is of no phone."""
    return bool(result.info.get("emulated"))


def runtime_text(result: Result) -> str:
    """Return the runtime's name and version."""
    info = result.info
    threads = info.get("threads") or 1
    name = f"{info.get('runtime', '')} {info.get('runtime_version', '')}".strip()
    return name if threads == 1 else f"{name}, {threads} threads"


def _rows(results: Iterable[Result], quantities: tuple[str, ...], runs_on: Any) -> list[ModelRow]:
    rows: dict[tuple[str, str], ModelRow] = {}
    for result in results:
        if result.quantity in quantities:
            key = (result.info["model"], runs_on(result))
            row = rows.setdefault(key, ModelRow(*key, result.info, {}))
            row.results[result.quantity] = result
    return sorted(rows.values(), key=_order)


def _order(row: ModelRow) -> tuple[int, int]:
    """Go by the project's tables; a user's models come last, as they were measured."""
    architectures, precisions = list(zoo.ARCHITECTURES), list(PRECISIONS)
    return (
        architectures.index(row.architecture) if row.architecture else len(architectures),
        precisions.index(row.precision) if row.precision in precisions else len(precisions),
    )


def _device_text(result: Result) -> str:
    device = result.info.get("device", {})
    if is_emulated(result):
        return f"{device.get('serial')} (no phone: it runs on the host's processor)"
    name = " ".join(str(device[key]) for key in ("manufacturer", "model") if device.get(key))
    return f"{name or 'phone'} ({device.get('serial')})"


def _how_on_device(result: Result) -> str:
    info = result.info
    threads = info.get("threads") or "unknown"
    where = ", in an app" if info.get("process") == "app" else ""
    notes = "".join(f", {each}" for each in what_ran(info))
    name = info.get("delegate", "cpu")
    return f"{name}, {threads} thread{'' if threads == 1 else 's'}{where}{notes}"


def what_ran(info: Mapping[str, Any]) -> list[str]:
    """Say what the name of a delegate does not: that it took a part, that nobody knows, and that
    nobody compared the answers with the host's."""
    delegates = info.get("delegates")
    notes = [
        f"{each['delegate']} took {'a part' if each['nodes'] is None else each['taken']}"
        + ("" if each["nodes"] is None else f" of {each['nodes']} nodes")
        for each in delegates or ()
        if each["part"] == "part"
    ]
    if not delegates:
        notes.append("unknown what ran")
    said = {
        "brought in, conditions unknown": info.get("imported"),
        "answers not compared": info.get("verified") is None,
        f"at {info.get('frequency_cap')}": info.get("frequency_cap"),
        "clocks held": info.get("performance_mode") == "on",
        "battery saver": info.get("battery_saver"),
    }
    return [*notes, *(note for note, applies in said.items() if applies)]
