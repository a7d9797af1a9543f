"""What changes of the photograph do to the accuracy."""

from __future__ import annotations

from collections.abc import Iterator

from bench import figures
from bench.report.section import Inputs, Missing, Robustness, Section
from bench.tables import Table
from models.files.artifacts import PRECISIONS
from models.judging.robustness import SMALLEST_ACCEPTED_ACCURACY, stretch

TITLE = "Robustness"
CROWDED = 0.999
"""This tick's label would touch that of 100 % at the page's width."""


def sections(inputs: Inputs) -> Iterator[Section | Missing]:
    """Yield a line a change, a mark a model."""
    if inputs.robustness:
        yield _section(inputs.robustness)
    else:
        yield Missing(
            TITLE,
            "python -m models robustness --json robustness.json, "
            "then give --robustness robustness.json",
        )


def _section(found: Robustness) -> Section:
    models = found.models
    precisions = {
        name: end if (end := name.rpartition("-")[2]) in PRECISIONS else None for name in models
    }
    families = {name: name.removesuffix(f"-{precisions[name]}") for name in models}
    colours = figures.colours(families.values())
    figure = figures.new_figure(1.3 + 0.32 * len(found.accuracies) + 0.1 * len(models))
    axes = figure.subplots()
    marks = {}
    for position, (change, row) in enumerate(found.accuracies.items()):
        axes.plot(
            [min(row.values()), max(row.values())], [position] * 2, color=figures.FAINT, alpha=0.5
        )
        for model, accuracy in row.items():
            dodge = 0.6 * (models.index(model) / max(1, len(models) - 1) - 0.5)
            marks[model] = axes.scatter(
                accuracy, position + dodge, 20, colours[families[model]],
                marker=figures.marker(precisions[model]), alpha=0.8, linewidths=0,
            )  # fmt: skip
            figures.tip(marks[model], f"{model}, {change}: {accuracy:.2%}")
    axes.axvline(SMALLEST_ACCEPTED_ACCURACY, color=figures.FAINT, linestyle=":")
    labels = list(found.accuracies)
    figures.label_rows(
        axes,
        dict(enumerate(labels)),
        [number for number, name in enumerate(labels) if name in found.mild],
    )
    stretch(axes, min(min(row.values()) for row in found.accuracies.values()))
    axes.set_xticks([each for each in axes.get_xticks() if each != CROWDED])
    axes.tick_params(axis="x", labelsize=8)
    axes.set_xlabel(f"accuracy on {found.images:,} photographs")
    figure.legend(
        list(marks.values()), list(marks), loc="outside upper left", ncols=2, fontsize=8,
        columnspacing=1.0, handletextpad=0.2,
    )  # fmt: skip
    worst = min(found.accuracies, key=lambda change: min(found.accuracies[change].values()))
    body = [[change, *row.values()] for change, row in found.accuracies.items()]
    return Section(
        "robustness",
        TITLE,
        "Accuracy when the photographs are changed. In bold the mild changes, under which a model "
        f"is expected to reach {SMALLEST_ACCEPTED_ACCURACY:.0%} (the dotted line).",
        Table(["change", *models], body, ["", *(".2%" for _ in models)]),
        alt=f"The accuracy of {len(models)} models under {len(body)} changes. The hardest is "
        f'"{worst}", where the lowest accuracy is {min(found.accuracies[worst].values()):.2%}.',
        figure=figure,
        files=[found.name],
    )
