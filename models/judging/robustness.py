"""Does a model keep its answer when the photograph changes a little, as photographs do?"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from models.data.changes import Changes
from models.data.fruits360 import SMALLEST_ACCEPTED_ACCURACY
from models.data.photographs import Photographs
from models.files.cards import Share
from models.judging.evaluation import check_classes, is_right
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
        is_ground: whether it puts what is shown on another ground, for pictures that have one.
        resampling: how the result is brought to the model's size.
    """

    name: str
    distort: Distortion
    is_mild: bool = False
    is_ground: bool = False
    resampling: Resampling = "antialiased"


@dataclass(frozen=True)
class Outcome:
    """A model's accuracy under a change.

    Attributes:
        change: what was done to the photographs.
        model: the model file's name.
        right: the share of right answers.
    """

    change: Change
    model: str
    right: Share

    @property
    def is_accepted(self) -> bool:
        """Whether the model stands the change, or need not."""
        return not self.change.is_mild or self.right.fraction >= SMALLEST_ACCEPTED_ACCURACY


def alike(distort: Callable[..., np.ndarray], *arguments: Any) -> Distortion:
    """Change every photograph alike."""
    return lambda pixels, number: distort(pixels, *arguments)


def rotation(degrees: float) -> Distortion:
    """To the left or to the right."""
    return lambda pixels, number: distortions.rotated(pixels, degrees * (-1) ** number)


def shift(fraction: float) -> Distortion:
    """Right, down, left or up."""
    directions = ((fraction, 0.0), (0.0, fraction), (-fraction, 0.0), (0.0, -fraction))
    return lambda pixels, number: distortions.shifted(pixels, *directions[number % 4])


def chance_ground(pixels: np.ndarray, number: int) -> np.ndarray:
    """Another background of a colour that the number decides."""
    red, green, blue = map(int, np.random.default_rng(number).integers(0, 256, 3))
    return distortions.on_ground(pixels, (red, green, blue))


def noise(deviation: float) -> Distortion:
    """A sensor's in poor light, another for each photograph."""
    return lambda pixels, number: distortions.noisy(pixels, deviation, number)


CHANGES: tuple[Change, ...] = (
    Change("none", lambda pixels, number: pixels, is_mild=True),
    Change("rotated by 5 degrees", rotation(5), is_mild=True),
    Change("rotated by 15 degrees", rotation(15)),
    Change("rotated by 45 degrees", rotation(45)),
    Change("rotated by 90 degrees", rotation(90)),
    Change("5 % smaller", alike(distortions.scaled, 0.95), is_mild=True),
    Change("5 % larger", alike(distortions.scaled, 1.05), is_mild=True),
    Change("20 % smaller", alike(distortions.scaled, 0.8)),
    Change("20 % larger", alike(distortions.scaled, 1.2)),
    Change("shifted by 5 %", shift(0.05), is_mild=True),
    Change("shifted by 10 %", shift(0.1)),
    Change("5 % darker", alike(distortions.brightened, 0.95), is_mild=True),
    Change("5 % brighter", alike(distortions.brightened, 1.05), is_mild=True),
    Change("10 % darker", alike(distortions.brightened, 0.9)),
    Change("10 % brighter", alike(distortions.brightened, 1.1)),
    Change("20 % darker", alike(distortions.brightened, 0.8)),
    Change("20 % brighter", alike(distortions.brightened, 1.2)),
    Change("JPEG quality 75", alike(distortions.jpeg_compressed, 75), is_mild=True),
    Change("JPEG quality 50", alike(distortions.jpeg_compressed, 50), is_mild=True),
    Change("JPEG quality 20", alike(distortions.jpeg_compressed, 20)),
    Change("on light grey", alike(distortions.on_ground, (230, 230, 230)), is_ground=True),
    Change("on beige", alike(distortions.on_ground, (245, 235, 215)), is_ground=True),
    Change("on dark grey", alike(distortions.on_ground, (120, 120, 120)), is_ground=True),
    Change("on chance colours", chance_ground, is_ground=True),
    Change("noise of 10 grey levels", noise(10)),
    Change("blurred by 1.5 pixels", alike(distortions.blurred, 1.5)),
    Change("640x480, antialiased", alike(distortions.photographed_at, *CAMERA_SIZE)),
    Change(
        "640x480, Android's scaling",
        alike(distortions.photographed_at, *CAMERA_SIZE),
        resampling="android",
    ),
)


def suited(changes: Changes) -> tuple[Change, ...]:
    """Return those that make sense of pictures in which so much may change."""
    return tuple(change for change in CHANGES if changes.ground or not change.is_ground)


def measure(
    models: dict[str, LoadedModel], photographs: Photographs, changes: Sequence[Change] = CHANGES,
    progress: Callable[[Iterable[Path]], Iterable[Path]] = iter,
) -> list[Outcome]:  # fmt: skip
    """Measure every model under every change; one photograph at a time is in memory.

    Args:
        models: by name; their inputs are RGB pictures.
        photographs: what is classified.
        changes: what is done to them.
        progress: wraps the iteration over the files.

    Returns:
        for each change, one result a model.

    Raises:
        PreprocessingError: a photograph is damaged (the message names it), or a model takes none.
        DatasetError: a model has another number of classes.
    """
    right = np.zeros((len(changes), len(models), len(photographs)), bool)
    for number, path in enumerate(progress(photographs.paths)):
        with naming(path):
            pixels = decode(path)
        label = photographs.labels[number : number + 1]
        for row, change in zip(right, changes, strict=True):
            preparation = Preparation(resampling=change.resampling)
            distorted = change.distort(pixels, number)
            for answers, model in zip(row, models.values(), strict=True):
                answer = model.predict(prepare(distorted, model.input, preparation))
                check_classes(len(answer), photographs)
                answers[number] = is_right(answer[np.newaxis], label)[0]
    return [
        Outcome(change, name, Share(int(answers.sum()), len(answers)))
        for change, row in zip(changes, right, strict=True)
        for name, answers in zip(models, row, strict=True)
    ]


def to_dict(
    results: Iterable[Outcome], photographs: Photographs, accepted: float | None
) -> dict[str, Any]:
    """Return what `--json` writes; mild changes must leave `accepted`, None of own pictures."""
    _, rows = _by_change(results)
    return {
        "format": FORMAT, "accepted": accepted, "images": len(photographs),
        "fingerprint": photographs.fingerprint,
        "changes": [
            {
                "name": change.name, "is_mild": change.is_mild,
                "accuracy": {
                    model: {"correct": each.right.correct, "images": each.right.images}
                    for model, each in row.items()
                },
            }
            for change, row in rows.items()
        ],
    }  # fmt: skip


def markdown(results: Iterable[Outcome], *, is_own: bool = False) -> str:
    """Return the table as documentation shows it: a row a change, a column a model.

    Of a user's own pictures each change is a loss against the first, and none is too low.
    """
    models, rows = _by_change(results)
    lines = [f"| change | {' | '.join(models)} |", f"|---|{'---:|' * len(models)}"]
    whole = next(iter(rows.values()))
    for change, row in rows.items():
        name = f"**{change.name}**" if change.is_mild and not is_own else change.name
        shares = [(row[model].right.fraction, whole[model].right.fraction) for model in models]
        if is_own and row is not whole:
            cells = [f"{100 * (share - unchanged):+.2f}" for share, unchanged in shares]
        else:
            low = ["" if is_own or row[model].is_accepted else " (too low)" for model in models]
            cells = [f"{share:.2%}{told}" for (share, _), told in zip(shares, low, strict=True)]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    bound = f"Bold: mild changes, which must leave {SMALLEST_ACCEPTED_ACCURACY:.0%}."
    told = "Points of accuracy, against that of the unchanged pictures." if is_own else bound
    return "\n".join([*lines, "", told])


def stretch(axes: Any, lowest: float, axis: str = "x") -> None:
    """Stretch an axis of accuracies near 100 %, where most of them are.

    A mark stands as far from 100 % as the cube root of its share of errors says.
    """
    left = max(0.0, np.floor((lowest - 0.01) * 20) / 20)  # no mark is cut by the frame
    scale = {"functions": (lambda x: -np.cbrt(1 - x), lambda y: 1 + y**3)}
    getattr(axes, f"set_{axis}scale")("function", **scale)
    getattr(axes, f"set_{axis}lim")(left, 1.0001)
    marks = (0, 0.3, 0.5, 0.7, 0.9, 0.97, 0.99, 0.999, 1)  # so few that they stand apart
    shown = [mark for mark in marks if mark >= left]
    getattr(axes, f"set_{axis}ticks")(shown, [f"{100 * mark:g}%" for mark in shown])


def _by_change(results: Iterable[Outcome]) -> tuple[list[str], dict[Change, dict[str, Outcome]]]:
    rows: dict[Change, dict[str, Outcome]] = {}
    models: list[str] = []
    for result in results:
        rows.setdefault(result.change, {})[result.model] = result
        if result.model not in models:
            models.append(result.model)
    return models, rows
