"""The training curve of a network as a picture (the study's figure 1)."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def draw(record: dict[str, Any], title: str, path: Path) -> None:
    """Draw accuracy over epochs from a training record.

    Args:
        record: as `models.files.training_records.training_record` returns it.
        title: the network's name in print.
        path: where the PNG goes.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    mpl.use("Agg")
    figure = Figure(figsize=(6.4, 4.0), dpi=120, layout="constrained")
    axes = figure.add_subplot()
    trained = record.get("training")
    if trained:
        accuracy = _percent(trained["history"]["accuracy"])
        axes.plot(_epochs(accuracy), accuracy, color="C0", label="all series: augmented Training")
        test = trained["test"]
        value = 100 * test["correct"] / test["images"]
        axes.plot(
            len(accuracy),
            value,
            "o",
            color="C0",
            label=f"all series: Test at the end, {value:.2f} %",
        )
    held_out = record.get("held_out")
    if held_out:
        learnt, asked = (_percent(held_out["history"][key]) for key in ("accuracy", "val_accuracy"))
        axes.plot(_epochs(learnt), learnt, color="C1", label="first series: augmented Training")
        axes.plot(
            _epochs(asked),
            asked,
            "--",
            color="C1",
            label=f"first series: the others, {asked[-1]:.1f} %",
        )
    axes.set(xlabel="epoch", ylabel="accuracy in %", title=title, ylim=(0, 102))
    axes.grid(alpha=0.3)
    if trained or held_out:
        axes.legend(loc="lower right", fontsize="small")
    figure.savefig(path)


def _percent(values: list[float]) -> list[float]:
    return [100 * value for value in values]


def _epochs(values: list[float]) -> range:
    return range(1, len(values) + 1)
