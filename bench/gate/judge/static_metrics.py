"""Static metrics, which no noise touches: from the cards, the files, and the interpreters."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.gate.judge.outcome import Figure
from bench.gate.judge.thresholds import Thresholds, ThresholdTable
from bench.gate.measure.gate_error import GateError
from bench.statistics.verdict import Verdict, lower_is_better
from models.files.artifacts import sha256
from models.files.cards import Accuracy

ARTIFACTS = Path("models") / "artifacts"
COUNTS = ("parameters", "file_bytes", "multiply_accumulates")


Infos = Mapping[str, Mapping[str, Any]]
"""By benchmark, its `extra_info`."""


@dataclass(frozen=True)
class Known:
    """What is known of a tree's model file.

    Attributes:
        path: the file.
        architecture: its name.
        sha256: of the file.
        counts: value of each of `COUNTS`; None where it is unknown.
        operators: how often each operator stands in the file.
        accuracy: on the Test photographs.
    """

    path: Path
    architecture: str
    sha256: str
    counts: dict[str, int | None]
    operators: dict[str, int]
    accuracy: Accuracy


def read_tree(tree: Path, name: str) -> dict[str, Known]:
    """Read the cards of a tree, and hold them against the files that they speak of.

    The figures that stand in a file are counted there, not believed.

    Returns:
        What is known, by artifact; empty where the tree has none.

    Raises:
        GateError: a card or a file is missing or damaged, or they contradict each other.
    """
    directory = tree / ARTIFACTS
    found = {}
    for path in sorted(directory.glob("*.tflite")):
        try:
            found[path.stem] = _read(path)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise GateError(f"{name} cannot be judged: {path.name} or its card: {error}") from None
    return found


def _read(path: Path) -> Known:
    from models.files.graph import read_details

    content = path.read_bytes()
    details = read_details(content)
    card = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    known = Known(
        path,
        card["architecture"],
        sha256(content),
        {
            "parameters": int(card["parameters"]),
            "file_bytes": len(content),
            "multiply_accumulates": details.multiply_accumulates,
        },
        details.operators,
        Accuracy(**card["accuracy"]),
    )
    stated = {name: card[name] for name in COUNTS}
    if card["sha256"] != known.sha256:
        raise ValueError("the card speaks of another file (its sha256 differs)")
    if stated != known.counts or card["operators"] != known.operators:
        raise ValueError("the card's figures are not those of the file")
    return known


def compare_trees(
    base: Mapping[str, Known], head: Mapping[str, Known], thresholds: ThresholdTable
) -> tuple[list[Figure], list[str], list[str]]:
    """Compare what both trees have.

    Returns:
        Figures; problems (an artifact gone from head, accuracies of different photographs); notes
        (an artifact that is new).
    """
    figures: list[Figure] = []
    problems = [f"{name} is gone from head" for name in base if name not in head]
    notes = [f"{name} is new" for name in head if name not in base]
    for name in (name for name in base if name in head):
        old, new = base[name], head[name]
        allowed = thresholds.of(new.architecture)
        for quantity in COUNTS:
            before, after = old.counts[quantity], new.counts[quantity]
            if before is not None or after is not None:
                figures.append(_figure(name, quantity, before, after, allowed))
        figures.append(_operators(name, old.operators, new.operators, allowed.operators))
        if old.accuracy.fingerprint != new.accuracy.fingerprint:
            problems.append(f"accuracy of {name}: the cards speak of different photographs")
        else:
            figures.append(compare_accuracy(name, old.accuracy, new.accuracy, allowed.accuracy))
    return figures, problems, notes


def compare_infos(base: Infos, head: Infos, thresholds: ThresholdTable) -> list[Figure]:
    """Compare the static metrics that results carry of their model, once for each model."""
    figures: dict[tuple[str, str], Figure] = {}
    for name, old in base.items():
        new = head[name]
        allowed = thresholds.of(new.get("architecture"))
        subject = str(new.get("model"))
        for quantity in (*COUNTS, "accuracy"):
            before, after = old.get(quantity), new.get(quantity)
            if before is not None or after is not None:
                figures[subject, quantity] = _figure(subject, quantity, before, after, allowed)
    return list(figures.values())


def _figure(subject: str, quantity: str, before: Any, after: Any, allowed: Thresholds) -> Figure:
    verdict = Verdict.NONE
    if before is not None and after is not None:
        change = before - after if quantity == "accuracy" else after - before
        verdict = lower_is_better(change, getattr(allowed, quantity))
    return Figure(subject, quantity, _text(quantity, before), _text(quantity, after), verdict)


def _text(quantity: str, value: Any) -> str:
    if value is None:
        return "unknown"
    return f"{value:.2%}" if quantity == "accuracy" else f"{value:,}"


def differing_files(base: Infos, head: Infos) -> list[str]:
    """Say of which models the file is another one, or its inputs or outputs are of other shape."""
    notes: dict[str, None] = {}
    for name, old in base.items():
        new = head[name]
        for quantity, word in (("sha256", "file"), ("inputs", "input"), ("outputs", "output")):
            before, after = old.get(quantity), new.get(quantity)
            if before is not None and after is not None and before != after:
                notes[f"{new.get('model')}: another {word} ({_short(before)}, {_short(after)})"] = (
                    None
                )
    return list(notes)


def _short(value: Any) -> str:
    return value[:8] if isinstance(value, str) else "; ".join(map(str, value))


def compare_accuracy(
    subject: str, base: Accuracy, head: Accuracy, allowed: float, quantity: str = "accuracy"
) -> Figure:
    """Compare accuracies on the same photographs by the number of right answers."""
    lost = base.correct - head.correct
    verdict = lower_is_better(lost, allowed * base.images)
    return Figure(subject, quantity, _accuracy(base), _accuracy(head), verdict)


def _accuracy(accuracy: Accuracy) -> str:
    return f"{accuracy.fraction:.2%} ({accuracy.correct:,} / {accuracy.images:,})"


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
        if before is None or after is None:
            continue
        subject = f"{new.get('model')} in {new.get('runtime')}"
        allowed = thresholds.of(new.get("architecture")).delegated_partitions
        # A model that no delegate takes is in as many parts as one can think of.
        lost = bool(before) and not after
        gained = bool(after) and not before
        change = 1 + allowed if lost else -1 if gained else len(after) - len(before)
        verdict = lower_is_better(change, allowed)
        figures[subject] = Figure(
            subject, "delegated partitions", _parts(before), _parts(after), verdict
        )
    return list(figures.values())


def _parts(nodes: list[int]) -> str:
    return f"{len(nodes)} ({' + '.join(map(str, nodes))} nodes)" if nodes else "0"
