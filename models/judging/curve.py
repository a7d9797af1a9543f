"""The training curves of a network as a picture (the study's figure 1)."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from models.files.run_records import REPORTED, RunRecord
from models.zoo import Architecture

COLOURS = dict(zip(REPORTED, ("C0", "C1"), strict=True))
LEARNT = {"whole": "all of Training", "other-series": "first series of Training"}
ASKED = {"whole": "Test", "other-series": "the other series"}


def draw(records: Iterable[RunRecord], architecture: Architecture, path: Path) -> None:
    """Draw accuracy on augmented photographs over epochs, and what each run reached in the end.

    Args:
        records: of any runs; those of other networks or splits are left out.
        architecture: whose runs are drawn.
        path: where the PNG goes.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    mpl.use("Agg")
    figure = Figure(figsize=(6.4, 4.0), dpi=120, layout="constrained")
    axes = figure.add_subplot()
    shown: set[str] = set()
    for record in records:
        if record.architecture != architecture.name or record.split not in REPORTED:
            continue
        colour, first = COLOURS[record.split], record.split not in shown
        shown.add(record.split)
        learnt = [100 * share for share in record.history["accuracy"]]
        axes.plot(
            range(1, len(learnt) + 1),
            learnt,
            color=colour,
            linewidth=1,
            label=f"{LEARNT[record.split]}, augmented" if first else None,
        )
        axes.plot(
            len(learnt),
            100 * record.accuracy.fraction,
            "o",
            color=colour,
            label=f"asked about {ASKED[record.split]} at the end" if first else None,
        )
    axes.set(xlabel="epoch", ylabel="accuracy in %", title=architecture.title, ylim=(0, 102))
    axes.grid(alpha=0.3)
    if shown:
        axes.legend(loc="lower right", fontsize="small")
    figure.savefig(path)
