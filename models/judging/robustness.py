"""Does a model keep its answer when the photograph changes a little, as photographs do?"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from models.data.fruits360 import SMALLEST_ACCEPTED_ACCURACY
from models.data.photographs import Photographs
from models.judging.accuracy import check_classes, is_right
from models.preprocessing import Preparation, decode, prepare
from models.preprocessing.limits import naming
from models.preprocessing.preparation import Resampling
from models.running.loaded_model import LoadedModel
from models.training import distortions

FORMAT = 1
"""Of the JSON; it changes when a reader of the old one would misread the new one."""

CAMERA_SIZE = (640, 480)
"""What a photograph is brought to, so that it has to be made small again."""

Distortion = Callable[[np.ndarray, int], np.ndarray]


@dataclass(frozen=True)
class Change:
    """A change of a photograph.

    Attributes:
        name: what the table calls it.
        distort: from uint8 RGB of shape (height, width, 3), and the photograph's number, to uint8
            RGB of any size. The number decides the direction, so that all of them are met.
        is_mild: whether a model must stand it.
        resampling: how the result is brought to the model's size.
    """

    name: str
    distort: Distortion
    is_mild: bool = False
    resampling: Resampling = "antialiased"


@dataclass(frozen=True)
class Measured:
    """A model's accuracy under a change.

    Attributes:
        change: what was done to the photographs.
        model: the model file's name.
        correct: photographs that were classified rightly.
        images: photographs in all.
    """

    change: Change
    model: str
    correct: int
    images: int

    @property
    def accuracy(self) -> float:
        """Share of the photographs that were classified rightly, 0..1."""
        return self.correct / self.images

    @property
    def is_accepted(self) -> bool:
        """Whether the model stands the change, or need not."""
        return not self.change.is_mild or self.accuracy >= SMALLEST_ACCEPTED_ACCURACY


def rotation(degrees: float) -> Distortion:
    """To the left or to the right."""
    return lambda pixels, number: distortions.rotated(pixels, degrees * (-1) ** number)


def scale(factor: float) -> Distortion:
    """About the centre."""
    return lambda pixels, number: distortions.scaled(pixels, factor)


def shift(fraction: float) -> Distortion:
    """Right, down, left or up."""
    directions = ((fraction, 0.0), (0.0, fraction), (-fraction, 0.0), (0.0, -fraction))
    return lambda pixels, number: distortions.shifted(pixels, *directions[number % 4])


def brightness(factor: float) -> Distortion:
    """Of every channel."""
    return lambda pixels, number: distortions.brightened(pixels, factor)


def jpeg(quality: int) -> Distortion:
    """Compressed once more than the data set is."""
    return lambda pixels, number: distortions.jpeg_compressed(pixels, quality)


def ground(*colour: int) -> Distortion:
    """Another background, RGB."""
    red, green, blue = colour
    return lambda pixels, number: distortions.on_ground(pixels, (red, green, blue))


def camera(pixels: np.ndarray, number: int) -> np.ndarray:
    """A preview's size, with other proportions."""
    return distortions.photographed_at(pixels, *CAMERA_SIZE)


CHANGES: tuple[Change, ...] = (
    Change("none", lambda pixels, number: pixels, is_mild=True),
    Change("rotated by 5 degrees", rotation(5), is_mild=True),
    Change("rotated by 15 degrees", rotation(15)),
    Change("rotated by 45 degrees", rotation(45)),
    Change("rotated by 90 degrees", rotation(90)),
    Change("5 % smaller", scale(0.95), is_mild=True),
    Change("5 % larger", scale(1.05), is_mild=True),
    Change("20 % smaller", scale(0.8)),
    Change("20 % larger", scale(1.2)),
    Change("shifted by 5 %", shift(0.05), is_mild=True),
    Change("shifted by 10 %", shift(0.1)),
    Change("5 % darker", brightness(0.95), is_mild=True),
    Change("5 % brighter", brightness(1.05), is_mild=True),
    Change("20 % darker", brightness(0.8)),
    Change("20 % brighter", brightness(1.2)),
    Change("JPEG quality 75", jpeg(75), is_mild=True),
    Change("JPEG quality 50", jpeg(50), is_mild=True),
    Change("JPEG quality 20", jpeg(20)),
    Change("on light grey", ground(230, 230, 230)),
    Change("on beige", ground(245, 235, 215)),
    Change("on dark grey", ground(120, 120, 120)),
    Change("640x480, antialiased", camera),
    Change("640x480, Android's scaling", camera, resampling="android"),
)


def measure(
    models: dict[str, LoadedModel],
    photographs: Photographs,
    changes: Iterable[Change] = CHANGES,
) -> Iterator[Measured]:
    """Measure every model under every change; the photographs are changed once for all models.

    Args:
        models: by name; their inputs are RGB pictures.
        photographs: what is classified.
        changes: what is done to them.

    Yields:
        for each change, one result a model.

    Raises:
        PreprocessingError: a photograph is damaged (the message names it), or a model takes none.
        DatasetError: a model has another number of classes.
    """
    pixels = [_decoded(path) for path in photographs.paths]
    for change in changes:
        preparation = Preparation(resampling=change.resampling)
        answers: dict[str, list[np.ndarray]] = {name: [] for name in models}
        for number, each in enumerate(pixels):
            distorted = change.distort(each, number)
            for name, model in models.items():
                tensor = prepare(distorted, model.input, preparation)
                answers[name].append(model.predict(tensor))
        for name, probabilities in answers.items():
            check_classes(len(probabilities[0]), photographs)
            right = is_right(np.stack(probabilities), photographs.labels)
            yield Measured(change, name, int(right.sum()), len(right))


def _decoded(path: Path) -> np.ndarray:
    with naming(path):
        return decode(path)


def to_dict(results: Iterable[Measured], photographs: Photographs) -> dict[str, Any]:
    """Return what `--json` writes, for programs.

    Args:
        results: of `measure`.
        photographs: that it measured on.
    """
    _, rows = _by_change(results)
    return {
        "format": FORMAT,
        "images": len(photographs),
        "fingerprint": photographs.fingerprint,
        "changes": [
            {
                "name": change.name,
                "is_mild": change.is_mild,
                "accuracy": {
                    model: {"correct": each.correct, "images": each.images}
                    for model, each in row.items()
                },
            }
            for change, row in rows.items()
        ],
    }


def markdown(results: Iterable[Measured]) -> str:
    """Return the table as documentation shows it: a row a change, a column a model."""
    models, rows = _by_change(results)
    lines = [f"| change | {' | '.join(models)} |", f"|---|{'---:|' * len(models)}"]
    for change, row in rows.items():
        name = f"**{change.name}**" if change.is_mild else change.name
        cells = [
            f"{row[model].accuracy:.2%}" + ("" if row[model].is_accepted else " (too low)")
            for model in models
        ]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    lines.append(f"\nBold: mild changes, which must leave {SMALLEST_ACCEPTED_ACCURACY:.0%}.")
    return "\n".join(lines)


def draw(results: Iterable[Measured], example: np.ndarray, number: int, file: Path) -> None:
    """Draw the table: beside each change, what it does to one photograph.

    Args:
        results: of `measure`.
        example: uint8 RGB, shape (height, width, 3).
        number: the example's number among the photographs.
        file: where the picture goes; its suffix decides the format.
    """
    from matplotlib.figure import Figure

    models, rows = _by_change(results)
    figure = Figure(figsize=(9, 0.42 * len(rows) + 1.6), layout="constrained")
    axes = figure.subplots()
    lowest = min(row[model].accuracy for row in rows.values() for model in models)
    for index, change in enumerate(rows):
        thumbnail = change.distort(example, number)
        inset = axes.inset_axes((-0.06, 1 - (index + 0.95) / len(rows), 0.05, 0.9 / len(rows)))
        inset.imshow(thumbnail, aspect="auto")
        inset.set_axis_off()
    for place, model in enumerate(models):
        lower = 0.5 * (place / max(1, len(models) - 1) - 0.5)  # so that none hides another
        axes.scatter(
            [row[model].accuracy for row in rows.values()],
            np.arange(len(rows)) + lower,
            s=18,
            color=f"C{place}",
            label=model,
        )
    axes.axvline(SMALLEST_ACCEPTED_ACCURACY, color="0.4", linestyle=":")
    stretch(axes, lowest)
    axes.grid(axis="x", color="0.92")
    axes.set_axisbelow(True)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_yticks(range(len(rows)), [change.name for change in rows])
    axes.tick_params(axis="y", length=0, pad=32)
    for text, change in zip(axes.get_yticklabels(), rows, strict=True):
        text.set_fontweight("bold" if change.is_mild else "normal")
    axes.set_xlabel("Test photographs classified rightly (bold: mild changes; dotted: their limit)")
    figure.legend(loc="outside upper center", ncols=min(4, len(models)), frameon=False)
    figure.savefig(file, dpi=110)


def stretch(axes: Any, lowest: float) -> None:
    """Stretch an axis of accuracies near 100 %, where most of them are.

    A mark stands as far from 100 % as the cube root of its share of errors says.

    Args:
        axes: Matplotlib's; its horizontal axis is changed.
        lowest: accuracy to be shown, 0..1.
    """
    left = max(0.0, np.floor((lowest - 0.01) * 20) / 20)  # no mark is cut by the frame
    axes.set_xscale("function", functions=(lambda x: -np.cbrt(1 - x), lambda y: 1 + y**3))
    axes.set_xlim(left, 1.0001)
    marks = (0, 0.3, 0.5, 0.7, 0.9, 0.97, 0.99, 0.999, 1)  # so few that they stand apart
    axes.set_xticks([mark for mark in marks if mark >= left])
    axes.xaxis.set_major_formatter(lambda value, _: f"{100 * value:g}%")


def _by_change(
    results: Iterable[Measured],
) -> tuple[list[str], dict[Change, dict[str, Measured]]]:
    rows: dict[Change, dict[str, Measured]] = {}
    models: list[str] = []
    for result in results:
        rows.setdefault(result.change, {})[result.model] = result
        if result.model not in models:
            models.append(result.model)
    return models, rows
