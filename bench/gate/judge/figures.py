"""Static metrics, which no noise touches: from the cards, the files, and the interpreters."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.gate.judge.thresholds import Thresholds, ThresholdTable
from bench.gate.judge.verdict import Figure
from bench.gate.measure.worker import GateError
from bench.statistics.sequential import Verdict, lower_is_better
from models.files.artifacts import ArtifactError, user_model
from models.files.cards import AGREEMENT, Share

COUNTS = ("parameters", "file_bytes", "multiply_accumulates")
Infos = Mapping[str, Mapping[str, Any]]
"""By benchmark or model, its `extra_info`."""

Found = tuple[list[Figure], list[str], list[str]]
"""Figures; problems, for which nothing passes; notes."""


@dataclass(frozen=True)
class ModelFile:
    """What is known of a model file that is measured."""

    path: Path  # the file
    # what the file itself tells, counted in it, under the names that results carry
    info: dict[str, Any]
    operators: dict[str, int]  # how often each operator stands in the file
    accuracy: Share | None  # of the card beside it; None where there is none


def read_file(path: Path, name: str, tree: str) -> ModelFile:
    """Read a file, and the card beside it, which must speak of that file and not contradict it."""
    try:
        file = user_model(path)
        info = {**file.describe(), "model": name}
        operators, card = dict(file.details.operators), _read_card(file.card_path)
        if not card:
            return ModelFile(path, info, operators, None)
        if card["sha256"] != file.sha256:
            raise ValueError("the card speaks of another file (its sha256 differs)")
        has_parameters = card.get("format", 1) > 1  # an older card's are Keras'
        counted = COUNTS if has_parameters else COUNTS[1:]
        stated = {key: card[key] for key in counted}
        if stated != {key: info[key] for key in counted} or card["operators"] != operators:
            raise ValueError("the card's figures are not those of the file")
        info["architecture"] = card["architecture"]
        return ModelFile(path, info, operators, Share(**card["accuracy"]))
    except (ArtifactError, OSError, ValueError, KeyError, TypeError) as error:
        raise GateError(f"{tree} cannot be judged: {path.name} or its card: {error}") from None


def _read_card(path: Path) -> dict[str, Any]:
    """Return the card; nothing where there is none, or something else of that name."""
    if not path.is_file():
        return {}
    card = json.loads(path.read_text(encoding="utf-8"))
    return card if isinstance(card, dict) and "sha256" in card else {}


def compare_files(
    base: Mapping[str, ModelFile], head: Mapping[str, ModelFile], thresholds: ThresholdTable
) -> Found:
    """Compare what the files of both trees, by name, and the cards beside them tell."""
    shared = [name for name in base if name in head]
    old, new = ({name: each[name].info for name in shared} for each in (base, head))
    figures, notes = compare_infos(old, new, thresholds)
    notes += differing_files(old, new)
    problems = []
    for name in shared:
        allowed = thresholds.of(new[name]["architecture"])
        figures.append(
            _operators(name, base[name].operators, head[name].operators, allowed.operators)
        )
        before, after = base[name].accuracy, head[name].accuracy
        is_one_file = old[name]["sha256"] == new[name]["sha256"]  # whatever its photographs' mark
        if before is None or after is None:
            if before is not after:
                problems.append(f"accuracy of {name}: only one of the files has a card")
        elif before.fingerprint == after.fingerprint or (
            is_one_file and before.images == after.images
        ):
            figures.append(compare_accuracy(name, before, after, allowed.accuracy))
        else:
            problems.append(f"accuracy of {name}: the cards speak of different photographs")
    return figures, problems, notes


def compare_infos(
    base: Infos, head: Infos, thresholds: ThresholdTable
) -> tuple[list[Figure], list[str]]:
    """Compare the metrics that results carry, once a model; notes say what one side has not."""
    figures: dict[tuple[str, str], Figure] = {}
    notes: dict[str, None] = {}
    for name, old in base.items():
        new = head[name]
        allowed = thresholds.of(new.get("architecture"))
        subject = str(new.get("model"))
        for quantity in (*COUNTS, "accuracy"):
            before, after = old.get(quantity), new.get(quantity)
            if (quantity in old) != (quantity in new):
                notes[f"{quantity} of {subject}: not compared, an older format has none"] = None
            elif before is not None or after is not None:
                figures[subject, quantity] = _figure(subject, quantity, before, after, allowed)
    return list(figures.values()), list(notes)


def _figure(subject: str, quantity: str, before: Any, after: Any, allowed: Thresholds) -> Figure:
    verdict = Verdict.NONE
    if before is not None and after is not None:
        change = before - after if quantity == "accuracy" else after - before
        verdict = lower_is_better(change, getattr(allowed, quantity))
    return Figure(subject, quantity, _text(quantity, before), _text(quantity, after), verdict)


def _text(quantity: str, value: Any) -> str:
    return "unknown" if value is None else format(value, ".2%" if quantity == "accuracy" else ",")


def differing_files(base: Infos, head: Infos) -> list[str]:
    """Say of which models the file is another one, or its inputs or outputs are of other shape."""
    notes: dict[str, None] = {}
    for name, old in base.items():
        new = head[name]
        for quantity, word in (("sha256", "file"), ("inputs", "input"), ("outputs", "output")):
            before, after = old.get(quantity), new.get(quantity)
            if before is not None and after is not None and before != after:
                line = f"{new.get('model')}: another {word} ({_short(before)}, {_short(after)})"
                notes[line] = None
    return list(notes)


def _short(value: Any) -> str:
    return value[:8] if isinstance(value, str) else "; ".join(map(str, value))


def compare_accuracy(
    subject: str, base: Share, head: Share, allowed: float, quantity: str = "accuracy"
) -> Figure:
    """Compare accuracies on the same photographs by the number of right answers."""
    verdict = lower_is_better(base.correct - head.correct, allowed * base.images)
    old, new = (f"{s.fraction:.2%} ({s.correct:,} / {s.images:,})" for s in (base, head))
    return Figure(subject, quantity, old, new, verdict)


def _operators(
    name: str, base: Mapping[str, int], head: Mapping[str, int], allowed: float
) -> Figure:
    """Judge the list of operators: any that was added counts against it."""
    added, removed = Counter(head) - Counter(base), Counter(base) - Counter(head)
    verdict = lower_is_better(added.total() if added else -removed.total(), allowed)
    if not added and not removed:
        same = f"{sum(head.values())} nodes"
        return Figure(name, "operators", same, same, Verdict.SAME)
    return Figure(name, "operators", _counted(removed), _counted(added), verdict)


def _counted(operators: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in operators.items()) or "none"


def compare_partitions(base: Infos, head: Infos, thresholds: ThresholdTable) -> list[Figure]:
    """Compare into how many parts the delegate cut each model, and which nodes these hold.

    More parts than before is a regression, and so is none where there were some. How many nodes
    are left outside is told by the operators and the latency.
    """
    figures: dict[str, Figure] = {}
    for name, old in base.items():
        new = head[name]
        before, after = (info.get("delegated_partitions") for info in (old, new))
        if before is None and after is None:
            continue
        subject = f"{new.get('model')} in {new.get('runtime')}"
        allowed = thresholds.of(new.get("architecture")).delegated_partitions
        verdict = Verdict.NONE
        if before is not None and after is not None:
            # A model that no delegate takes is in as many parts as one can think of.
            lost = bool(before) and not after
            gained = bool(after) and not before
            change = 1 + allowed if lost else -1 if gained else len(after) - len(before)
            verdict = lower_is_better(change, allowed)
        figures[subject] = Figure(
            subject, "delegated partitions", _parts(before), _parts(after), verdict
        )
    return list(figures.values())


def _parts(nodes: list[int] | None) -> str:
    if nodes is None:
        return "unknown"
    return f"{len(nodes)} ({' + '.join(map(str, nodes))} nodes)" if nodes else "0"


SAME = (
    "model", "device.model", "device.build", "threads", "delegate", "delegates", "process",
    "cpu_mask", "tool_sha256", "tool_generation", "tool_flags", "input", "performance_mode",
    "frequency_cap", "battery_saver", "caches_dropped", "imported",
)  # fmt: skip
SAME_ON_HOST = ("threads", "protocol", "source", "dtype")
"""What of the `extra_info` of a device's benchmark, and of a host's, must be the same."""


def incomparable(base: Infos, head: Infos) -> list[str]:
    """Say which benchmarks must not be compared, and why, from their `extra_info`."""
    found = {name: _difference(old, head[name]) for name, old in base.items()}
    return [f"{name}: {reason}" for name, reason in found.items() if reason is not None]


def _difference(first: Mapping[str, Any], second: Mapping[str, Any]) -> str | None:
    kinds = [_kind(info) for info in (first, second)]
    if kinds[0] != kinds[1]:
        return f"one was measured on {kinds[0]}, the other on {kinds[1]}"
    for path in (*(SAME if "device" in first else ()), *SAME_ON_HOST):
        old, new = _at(first, path), _at(second, path)
        if old != new:
            return f"other {path} ({old}, {new})"
    return None


def _kind(info: Mapping[str, Any]) -> str:
    if "device" not in info:
        return "a host"
    return "an emulated device" if info.get("emulated") else "a phone"


def _at(info: Mapping[str, Any], path: str) -> Any:
    value: Any = info
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    if path == "delegates":  # how many nodes each took is the model's matter
        return [(each.get("delegate"), each.get("part")) for each in value or ()]
    return value


def measure_changed(
    base: Mapping[str, ModelFile], head: Mapping[str, ModelFile], thresholds: ThresholdTable,
    directory: str | None, tell: Callable[[str], None],
) -> Found:  # fmt: skip
    """Classify the Test photographs with both files, where head's is another than base's.

    Those files are asked whose cards speak of these photographs. `directory` is theirs, or None for
    where they usually are; `tell` is told which file is being measured.
    """
    changed = [
        name
        for name, file in base.items()
        if name in head and file.info["sha256"] != head[name].info["sha256"] and file.accuracy
    ]
    if not changed:
        return [], [], []
    from models.data import fruits360
    from models.judging.evaluation import measure_accuracy
    from models.preprocessing import PreprocessingError
    from models.running import runtimes

    try:
        photographs = fruits360.load("Test", directory)
    except fruits360.DatasetMissingError as error:
        if directory is not None:
            raise GateError(str(error)) from None
        return [], [], [f"accuracy is that of the cards: {error}"]
    except fruits360.DatasetError as error:
        raise GateError(str(error)) from None
    runtime = runtimes.available()[0]
    figures, problems, notes = [], [], []
    for name in changed:
        files = {"base": base[name], "head": head[name]}
        stated = [each.accuracy for each in files.values() if each.accuracy]
        if [card.fingerprint for card in stated] != 2 * [photographs.fingerprint]:
            notes.append(f"accuracy of {name} is that of its card, which is of other photographs")
            continue
        measured = []
        for (tree, file), card in zip(files.items(), stated, strict=True):
            tell(f"measuring the accuracy of {name}, {tree}")
            try:
                accuracy = measure_accuracy(runtime.load(file.path), photographs)
            except (ValueError, RuntimeError, PreprocessingError) as error:
                raise GateError(f"{tree}: {runtime.name} cannot ask {name}: {error}") from None
            measured.append(accuracy)
            if abs(card.correct - accuracy.correct) > AGREEMENT * accuracy.images:
                problems.append(
                    f"accuracy of {name}, {tree}: its card says {card.fraction:.2%}, "
                    f"measured are {accuracy.fraction:.2%}"
                )
        allowed = thresholds.of(head[name].info["architecture"]).accuracy
        quantity = f"accuracy, measured with {runtime.name}"
        figures.append(compare_accuracy(name, measured[0], measured[1], allowed, quantity))
    return figures, problems, notes
