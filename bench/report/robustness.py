"""What changes of the photograph do to the accuracy."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle

from bench import figures
from bench.report.section import Inputs, Missing, Robustness, Section
from bench.results.rows import ModelRow
from bench.tables import Table
from models.files.artifacts import PRECISIONS
from models.judging.robustness import stretch

TITLE = "Robustness"
NONE = "none"
SHAPES = "osD^vPX"
"""Of the networks' marks, told apart in grey; float32 is filled."""

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
    shapes = dict(zip(dict.fromkeys(families.values()), cycle(SHAPES)))
    infos = [{"architecture": families[name], "precision": precisions[name]} for name in models]
    titles = [ModelRow(name, "", info, {}).title for name, info in zip(models, infos, strict=True)]
    figure = figures.new_figure(1.3 + 0.32 * len(found.accuracies) + 0.1 * len(models))
    axes = figure.subplots()
    marks = {}
    shown = found.accuracies if found.accepted else _losses(found)
    for position, (change, row) in enumerate(shown.items()):
        axes.plot(
            [min(row.values()), max(row.values())], [position] * 2, color=figures.FAINT, alpha=0.5
        )
        for model, accuracy in row.items():
            dodge = 0.6 * (models.index(model) / max(1, len(models) - 1) - 0.5)
            colour, is_filled = colours[families[model]], precisions[model] in (None, "float32")
            marks[model] = axes.scatter(
                accuracy, position + dodge, 18, colour if is_filled else "none",
                marker=shapes[families[model]], alpha=0.8, linewidths=0.8, edgecolors=colour,
            )  # fmt: skip
            figures.tip(marks[model], f"{model}, {change}: {accuracy:.2%}")
    mild = [number for number, name in enumerate(shown) if name in found.mild]
    figures.label_rows(axes, dict(enumerate(shown)), mild if found.accepted else ())
    axes.tick_params(axis="x", labelsize=8)
    if found.accepted:
        axes.axvline(found.accepted, color=figures.FAINT, linestyle=":")
        stretch(axes, min(min(row.values()) for row in shown.values()))
        ticks = [each for each in axes.get_xticks() if each != CROWDED]
        axes.set_xticks(ticks, [f"{100 * each:g}%" for each in ticks])
        axes.set_xlabel(f"accuracy on {found.images:,} photographs\n(cube root of the errors)")
        text = (
            "Accuracy when the photographs are changed. In bold the mild changes, under which a "
            f"model is expected to reach {found.accepted:.0%} (the dotted line)."
        )
    else:
        axes.xaxis.set_major_formatter(lambda value, _: f"{100 * value:g}")
        axes.set_xlabel(f"points of accuracy, on {found.images:,} pictures")
        text = f'What changes of the pictures do to the accuracy, against that under "{NONE}".'
    figure.legend(
        [marks[name] for name in models], titles, loc="outside upper left", ncols=2, fontsize=8,
        columnspacing=1.0, handletextpad=0.2,
    )  # fmt: skip
    worst = min(shown, key=lambda change: min(shown[change].values()))
    body = [[change, *row.values()] for change, row in shown.items()]
    form = ".2%" if found.accepted else "+.2%"
    return Section(
        "robustness",
        TITLE,
        text,
        Table(["change", *models], body, ["", *(form for _ in models)]),
        alt=f"The accuracy of {len(models)} models under {len(body)} changes. The hardest is "
        f'"{worst}", where the lowest is {min(shown[worst].values()):{form}}.',
        figure=figure,
        files=[found.name],
    )


def _losses(found: Robustness) -> dict[str, dict[str, float]]:
    """Return the accuracies of one's own pictures less those of unchanged ones."""
    whole = found.accuracies.get(NONE, dict.fromkeys(found.models, 0.0))
    return {
        change: {model: accuracy - whole[model] for model, accuracy in row.items()}
        for change, row in found.accuracies.items()
        if change != NONE
    }
