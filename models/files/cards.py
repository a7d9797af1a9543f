"""The card of a committed model file: what was measured on it, and what it was made of."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import NormalDist
from typing import Any

from models.preprocessing import Preparation

FORMAT = 2
CONFIDENCE = 0.95


AGREEMENT = 0.001
"""By which share of many pictures another runtime's answers may differ from a card's."""


@dataclass(frozen=True)
class Share:
    """A share of right answers: the one record of it.

    Attributes:
        correct: photographs that were classified rightly.
        images: photographs in all.
        fingerprint: of the photographs (`Photographs.fingerprint`); None where none is needed, as
            of a class.
    """

    correct: int
    images: int
    fingerprint: str | None = None

    @property
    def fraction(self) -> float:
        """Of the photographs, 0..1; NaN of none."""
        return self.correct / self.images if self.images else float("nan")

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's interval of the fraction, at `CONFIDENCE`.

        Source: Wilson, "Probable inference, the law of succession, and statistical inference",
        Journal of the American Statistical Association 22, 1927. It takes pictures for
        independent: of a burst or a film they are not, and the true interval is wider.
        """
        if not self.images:
            return 0.0, 1.0
        count, share = self.images, self.fraction
        square = NormalDist().inv_cdf((1 + CONFIDENCE) / 2) ** 2
        centre = share + square / (2 * count)
        half = math.sqrt(square * (share * (1 - share) / count + square / (4 * count**2)))
        scale = 1 + square / count
        return max(0.0, (centre - half) / scale), min(1.0, (centre + half) / scale)

    def may_be(self, measured: Share) -> bool:
        """Whether another runtime may answer so: a few answers of a file differ there."""
        low, high = self.interval
        near = abs(self.correct - measured.correct) <= AGREEMENT * self.images
        return self.images == measured.images and (near or low <= measured.fraction <= high)

    def to_dict(self) -> dict[str, Any]:
        """Return it for programs, with what follows from it."""
        return {
            "correct": self.correct,
            "images": self.images,
            "fraction": self.fraction if self.images else None,
            "interval": list(self.interval),
        }


@dataclass(frozen=True)
class Canary:
    """A model's answers on the canary images, of which the fingerprint is the pixels' sha256."""

    fingerprint: str
    top1: tuple[int, ...]
    probabilities: tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class Card:
    """What is known of a committed model file.

    Attributes:
        architecture: its name in `models.zoo`.
        precision: one of `models.files.artifacts.PRECISIONS`.
        parameters: elements of the file's constants, as they are counted of any file.
        trained_parameters: Keras' count for the network, trainable or not.
        file_bytes: size of the file.
        sha256: of the file (hexadecimal).
        keras_sha256: of the `.keras` file that it was converted from.
        multiply_accumulates: of one inference; None where an operator's are unknown.
        operators: how often each operator stands in the file.
        signature: name of the file's signature that was measured; None where it has none.
        labels: names of the classes, in the order of the output.
        accuracy: on the Test photographs, each alone, measured with `runtime`.
        runtime: name and version of the runtime that measured.
        canary: the answers on the canary images.
        training: commit, seed and versions that it was trained with.
        conversion: sha256 of `models/conversion.py` and versions that it was converted with,
            the types of its weights, and the photographs that an int8 file's ranges are taken from.
        preparation: how the photographs became its input.
    """

    architecture: str
    precision: str
    parameters: int
    trained_parameters: int
    file_bytes: int
    sha256: str
    keras_sha256: str
    multiply_accumulates: int | None
    operators: dict[str, int]
    signature: str | None
    labels: tuple[str, ...]
    accuracy: Share
    runtime: str
    canary: Canary
    training: dict[str, Any]
    conversion: dict[str, Any]
    preparation: Preparation

    def to_json(self) -> str:
        """Return the card as it is committed: one line a field, and a line an image."""
        return to_json({"format": FORMAT, **asdict(self)})

    @classmethod
    def from_json(cls, text: str) -> Card:
        """Read a card; what is none is a ValueError, TypeError or KeyError."""
        data = json.loads(text)
        if (found := data.pop("format", 1)) != FORMAT:
            raise ValueError(f"its format is {found}, not {FORMAT}: convert the network again")
        data["labels"] = tuple(data["labels"])
        data["accuracy"] = Share(**data["accuracy"])
        canary = data["canary"]
        data["canary"] = Canary(
            canary["fingerprint"],
            tuple(canary["top1"]),
            tuple(tuple(row) for row in canary["probabilities"]),
        )
        data["preparation"] = Preparation.from_dict(data["preparation"])
        return cls(**data)


def to_json(data: dict[str, Any]) -> str:
    """Return JSON as it is committed: a line a field and a row, so that changes are short."""
    return _indent(data, 0) + "\n"


def write_json(path: Path, data: dict[str, Any]) -> None:
    """Write a card or a record."""
    path.write_text(to_json(data), encoding="utf-8")


def _indent(value: Any, depth: int) -> str:
    inner, outer = "  " * (depth + 1), "  " * depth
    if isinstance(value, dict) and value:
        rows = [
            f"{inner}{json.dumps(key)}: {_indent(item, depth + 1)}" for key, item in value.items()
        ]
        return "{\n" + ",\n".join(rows) + f"\n{outer}}}"
    if isinstance(value, (list, tuple)) and any(
        isinstance(item, (list, tuple, dict)) for item in value
    ):
        rows = [inner + json.dumps(item) for item in value]
        return "[\n" + ",\n".join(rows) + f"\n{outer}]"
    return json.dumps(value)
