"""The committed `.tflite` files, and the card that travels with each."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

DIRECTORY = Path(__file__).parents[1] / "artifacts"
PRECISIONS: tuple[str, ...] = ("float32", "float16", "dynamic", "int8")


class ArtifactError(Exception):
    """A model file or its card is missing or damaged; the message is one line that names it."""


@dataclass(frozen=True)
class Accuracy:
    """A measured accuracy.

    Attributes:
        correct: photographs that were classified rightly.
        images: photographs in all.
        fingerprint: sha256 over the encoded photographs, in order.
    """

    correct: int
    images: int
    fingerprint: str

    @property
    def fraction(self) -> float:
        """Share of the photographs that were classified rightly, 0..1."""
        return self.correct / self.images


@dataclass(frozen=True)
class Canary:
    """A model's answers on the canary images.

    Attributes:
        fingerprint: sha256 of the pixels that were classified.
        top1: index of the likeliest class of each image.
        probabilities: all class probabilities of each image.
    """

    fingerprint: str
    top1: tuple[int, ...]
    probabilities: tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class Card:
    """What is known of a committed model file.

    Attributes:
        architecture: its name in `models.zoo`.
        precision: one of `PRECISIONS`.
        parameters: number of Keras parameters of the network, trainable or not.
        file_bytes: size of the file.
        sha256: of the file (hexadecimal).
        keras_sha256: of the `.keras` file that it was converted from.
        multiply_accumulates: of one inference.
        operators: how often each operator stands in the file.
        accuracy: on the Test photographs, each alone, measured with `runtime`.
        runtime: name and version of the runtime that measured.
        canary: the answers on the canary images.
        training: commit, seed and versions that it was trained and converted with.
    """

    architecture: str
    precision: str
    parameters: int
    file_bytes: int
    sha256: str
    keras_sha256: str
    multiply_accumulates: int
    operators: dict[str, int]
    accuracy: Accuracy
    runtime: str
    canary: Canary
    training: dict[str, Any]

    def to_json(self) -> str:
        """Return the card as it is committed: one line a field, and a line an image."""
        return _json(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Card:
        """Read a card.

        Raises:
            ValueError, TypeError, KeyError: it is no card.
        """
        data = json.loads(text)
        data["accuracy"] = Accuracy(**data["accuracy"])
        canary = data["canary"]
        data["canary"] = Canary(
            canary["fingerprint"],
            tuple(canary["top1"]),
            tuple(tuple(row) for row in canary["probabilities"]),
        )
        return cls(**data)


@dataclass(frozen=True)
class Artifact:
    """A `.tflite` file that can be measured: one of the project's, or a user's own.

    Attributes:
        path: the file.
        name: what ids call it: `<architecture>-<precision>`, or the stem of a user's file.
        architecture: its name in `models.zoo`; None for a user's file.
        precision: one of `PRECISIONS`; None for a user's file.
    """

    path: Path
    name: str
    architecture: str | None = None
    precision: str | None = None
    _cards: list[Card] = field(default_factory=list, repr=False, compare=False)

    @property
    def card_path(self) -> Path:
        """Where the card is, if the file has one."""
        return self.path.with_suffix(".json")

    @property
    def card(self) -> Card | None:
        """The card; None for a user's file.

        Raises:
            ArtifactError: the card of a committed file is missing or damaged.
        """
        if self.architecture is None:
            return None
        if not self._cards:
            self._cards.append(self._read_card())
        return self._cards[0]

    def require_card(self) -> Card:
        """Return the card.

        Raises:
            ArtifactError: there is none.
        """
        if self.card is None:
            raise ArtifactError(f"{self.path}: has no card; it is not one of the project's files")
        return self.card

    def _read_card(self) -> Card:
        try:
            return Card.from_json(self.card_path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise ArtifactError(f"{self.card_path}: the card is missing") from None
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise ArtifactError(f"{self.card_path}: not a card ({error})") from error

    def read_bytes(self) -> bytes:
        """Return the file's content after checking what can be checked without running it.

        Raises:
            ArtifactError: the file is missing, empty, no `.tflite`, or not what its card says.
        """
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            raise ArtifactError(f"{self.path}: no such file") from None
        except OSError as error:
            raise ArtifactError(f"{self.path}: cannot be read ({error.strerror})") from error
        if not content:
            raise ArtifactError(f"{self.path}: the file is empty")
        if content[4:8] != b"TFL3":
            raise ArtifactError(f"{self.path}: not a .tflite file (its identifier is not TFL3)")
        card = self.card
        if card is not None and sha256(content) != card.sha256:
            raise ArtifactError(
                f"{self.path}: damaged or not the committed file (sha256 {sha256(content)[:12]}…, "
                f"its card says {card.sha256[:12]}…)"
            )
        return content

    def describe(self) -> dict[str, Any]:
        """Return the file's identity, size and accuracy under the names that results carry.

        Raises:
            ArtifactError: as for `read_bytes`.
        """
        content = self.read_bytes()
        card = self.card
        return {
            "model": self.name,
            "architecture": self.architecture,
            "precision": self.precision,
            "sha256": sha256(content),
            "file_bytes": len(content),
            "parameters": card.parameters if card else None,
            "multiply_accumulates": card.multiply_accumulates if card else None,
            "accuracy": card.accuracy.fraction if card else None,
        }


def artifact(architecture: str, precision: str, directory: Path = DIRECTORY) -> Artifact:
    """Return the project's file of an architecture and a precision, whether or not it exists."""
    name = f"{architecture}-{precision}"
    return Artifact(directory / f"{name}.tflite", name, architecture, precision)


def user_model(path: str | Path) -> Artifact:
    """Return a user's own `.tflite` file as an artifact without a card."""
    path = Path(path)
    return Artifact(path, path.stem)


def keras_path(architecture: str, directory: Path = DIRECTORY) -> Path:
    """Return where the trained Keras model of an architecture is committed."""
    return directory / f"{architecture}.keras"


def training_record_path(architecture: str, directory: Path = DIRECTORY) -> Path:
    """Return where the record of an architecture's training is committed."""
    return directory / f"{architecture}.json"


def training_record(architecture: str, directory: Path = DIRECTORY) -> dict[str, Any]:
    """Read the record of a training: recipe, history, accuracies, versions.

    Raises:
        ArtifactError: it is missing or damaged.
    """
    path = training_record_path(architecture, directory)
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ArtifactError(f"{path}: the training record is missing") from None
    except (OSError, ValueError) as error:
        raise ArtifactError(f"{path}: not a training record ({error})") from error


def sha256(content: bytes) -> str:
    """Return the sha256 of bytes (hexadecimal)."""
    return hashlib.sha256(content).hexdigest()


def write_json(path: Path, data: dict[str, Any]) -> None:
    """Write a card or record so that its diffs are short."""
    path.write_text(_json(data), encoding="utf-8")


def _json(data: dict[str, Any]) -> str:
    """Indent mappings; keep each list of plain values on one line."""
    return _indent(data, 0) + "\n"


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
