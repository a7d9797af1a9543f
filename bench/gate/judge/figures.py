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
from models.files.artifacts import sha256
from models.files.cards import Share

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
    accuracy: Share


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
            "parameters": details.parameters,
            "file_bytes": len(content),
            "multiply_accumulates": details.multiply_accumulates,
        },
        details.operators,
        Share(**card["accuracy"]),
    )
    counts = dict(known.counts)
    if card.get("format", 1) == 1:
        del counts["parameters"]  # which were Keras' then
    stated = {name: card[name] for name in counts}
    if card["sha256"] != known.sha256:
        raise ValueError("the card speaks of another file (its sha256 differs)")
    if stated != counts or card["operators"] != known.operators:
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
    subject: str, base: Share, head: Share, allowed: float, quantity: str = "accuracy"
) -> Figure:
    """Compare accuracies on the same photographs by the number of right answers."""
    lost = base.correct - head.correct
    verdict = lower_is_better(lost, allowed * base.images)
    return Figure(subject, quantity, _accuracy(base), _accuracy(head), verdict)


def _accuracy(accuracy: Share) -> str:
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


SAME = (
    ("model", "of different models"),
    ("device.model", "from different kinds of device"),
    ("threads", "with different numbers of threads"),
    ("delegate", "with different delegates"),
    ("cpu_mask", "on different cores"),
    ("tool_sha256", "by different builds of benchmark_model"),
    ("input", "with different kinds of input"),
)
"""What of a device's `extra_info` must be the same, and what is said where it is not."""

SAME_ON_HOST = ("threads", "protocol", "source", "dtype")
"""What of a host benchmark's `extra_info` must be the same."""


def incomparable(
    base: Mapping[str, Mapping[str, Any]], head: Mapping[str, Mapping[str, Any]]
) -> list[str]:
    """Say which benchmarks must not be compared, and why, from their `extra_info`."""
    found = {name: _difference(old, head[name]) for name, old in base.items()}
    return [f"{name}: {reason}" for name, reason in found.items() if reason is not None]


def _difference(first: Mapping[str, Any], second: Mapping[str, Any]) -> str | None:
    kinds = [_kind(info) for info in (first, second)]
    if kinds[0] != kinds[1]:
        return f"one was measured on {kinds[0]}, the other on {kinds[1]}"
    for path, difference in SAME if "device" in first else ():
        if _at(first, path) != _at(second, path):
            return f"measured {difference} ({_at(first, path)}, {_at(second, path)})"
    for key in SAME_ON_HOST:
        if first.get(key) != second.get(key):
            return f"other {key} ({first.get(key)}, {second.get(key)})"
    return None


def _kind(info: Mapping[str, Any]) -> str:
    if "device" not in info:
        return "a host"
    return "an emulated device" if info.get("emulated") else "a phone"


def _at(info: Mapping[str, Any], path: str) -> Any:
    value: Any = info
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def measure_changed(
    base: Mapping[str, Known],
    head: Mapping[str, Known],
    thresholds: ThresholdTable,
    directory: str | None,
    tell: Callable[[str], None],
) -> tuple[list[Figure], list[str], list[str]]:
    """Classify the Test photographs with both files, where head's is another than base's.

    Args:
        base, head: what is known of each tree's files.
        directory: of the photographs; None for where they usually are.
        tell: is told which file is being measured.

    Returns:
        Figures; problems (an accuracy that is not what the card says); notes (no photographs).

    Raises:
        GateError: the photographs were named and are missing, or they or a model are damaged.
    """
    changed = [name for name in base if name in head and base[name].sha256 != head[name].sha256]
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
    figures, problems = [], []
    for name in changed:
        measured = []
        for tree, known in (("base", base[name]), ("head", head[name])):
            tell(f"measuring the accuracy of {name}, {tree}")
            try:
                model = runtime.load(known.path)
            except (ValueError, RuntimeError) as error:
                raise GateError(f"{tree}: {runtime.name} refuses {name}", str(error)) from None
            try:
                accuracy = measure_accuracy(model, photographs)
            except PreprocessingError as error:
                raise GateError(f"{tree}: {name} cannot be asked: {error}") from None
            measured.append(accuracy)
            stated = known.accuracy
            if stated.fingerprint != accuracy.fingerprint:
                problems.append(f"accuracy of {name}, {tree}: its card is of other photographs")
            elif not stated.may_be(accuracy):
                problems.append(
                    f"accuracy of {name}, {tree}: its card says {stated.fraction:.2%}, "
                    f"measured are {accuracy.fraction:.2%}"
                )
        allowed = thresholds.of(head[name].architecture).accuracy
        quantity = f"accuracy, measured with {runtime.name}"
        figures.append(compare_accuracy(name, measured[0], measured[1], allowed, quantity))
    return figures, problems, []
