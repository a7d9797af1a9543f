"""What changes of the photograph do to the accuracy."""

from __future__ import annotations

from bench.output import style
from bench.report.robustness import Robustness
from bench.report.section import Section, Table
from models.judging.robustness import SMALLEST_ACCEPTED_ACCURACY, stretch


def robustness(table: Robustness) -> Section:
    """Draw a line a change, a mark a model."""
    models = table.models
    architectures = {name: name.rpartition("-")[0] or None for name in models}
    colours = style.colours(list(architectures.values()))
    figure = style.new_figure(1.3 + 0.24 * len(table.accuracies))
    axes = figure.subplots()
    for position, (change, row) in enumerate(table.accuracies.items()):
        axes.plot(
            [min(row.values()), max(row.values())], [position] * 2, color=style.FAINT, alpha=0.5
        )
        for model, accuracy in row.items():
            precision = model.rpartition("-")[2]
            points = axes.scatter(
                accuracy,
                position,
                26,
                colours[architectures[model]],
                marker=style.MARKERS.get(precision, style.OTHER_MARKER),
                alpha=0.8,
                linewidths=0,
                label=model if position == 0 else None,
            )
            style.tip(points, f"{model}, {change}: {accuracy:.2%}")
    axes.axvline(SMALLEST_ACCEPTED_ACCURACY, color=style.FAINT, linestyle=":")
    style.label_rows(axes, dict(enumerate(table.accuracies)), table.mild)
    axes.tick_params(axis="y", labelsize=8.5)
    stretch(axes, min(min(row.values()) for row in table.accuracies.values()))
    axes.tick_params(axis="x", labelsize=8)
    axes.set_xlabel("accuracy on the Test photographs")
    figure.legend(
        loc="outside upper left", ncols=2, fontsize=8, columnspacing=1.0, handletextpad=0.2
    )
    worst = min(table.accuracies, key=lambda change: min(table.accuracies[change].values()))
    heads = ["change", *models]
    body = [[change, *row.values()] for change, row in table.accuracies.items()]
    return Section(
        "robustness",
        "Robustness",
        "Accuracy when the Test photographs are changed. In bold the mild changes, under which "
        f"every model must reach {SMALLEST_ACCEPTED_ACCURACY:.0%} (the dotted line).",
        f"The accuracy of {len(models)} models under {len(body)} changes. The hardest is "
        f'"{worst}", where the lowest accuracy is {min(table.accuracies[worst].values()):.2%}.',
        figure,
        Table(heads, body, ["", *(".2%" for _ in models)]),
        heads,
        body,
        [table.name],
    )
