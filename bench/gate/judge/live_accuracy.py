"""Measuring accuracy anew for files that changed, where the photographs are at hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bench.gate.judge.outcome import Figure
from bench.gate.judge.static_metrics import Known, compare_accuracy
from bench.gate.judge.thresholds import ThresholdTable
from bench.gate.measure.gate_error import GateError

AGREEMENT = 0.001
"""By which share of the photographs another machine's answers may differ from the card's."""


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
    from models.judging.accuracy import measure_accuracy
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
            elif abs(stated.correct - accuracy.correct) > AGREEMENT * accuracy.images:
                problems.append(
                    f"accuracy of {name}, {tree}: its card says {stated.fraction:.2%}, "
                    f"measured are {accuracy.fraction:.2%}"
                )
        allowed = thresholds.of(head[name].architecture).accuracy
        quantity = f"accuracy, measured with {runtime.name}"
        figures.append(compare_accuracy(name, measured[0], measured[1], allowed, quantity))
    return figures, problems, []
