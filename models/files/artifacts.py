"""A `.tflite` file that can be measured: one of the project's, or a user's own."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from models import ROOT
from models.files.cards import Card
from models.files.details import FileDetails, read_details
from models.files.graph import GraphError
from models.preprocessing import Preparation

DIRECTORY = ROOT / "models" / "artifacts"
PRECISIONS: tuple[str, ...] = ("float32", "float16", "dynamic", "int8")


_LFS_POINTER = b"version https://git-lfs.github.com/spec/"


class ArtifactError(Exception):
    """A model file or its card is missing or damaged; the message is one line that names it."""


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

    def stored_preparation(self) -> Preparation:
        """Return how pictures are prepared, as the card beside the file says.

        A user's copy of a committed file has such a card, too. What does not hold this file's
        sha256 is not its card, and tells nothing: the plainest preparation.

        Raises:
            ArtifactError: as for `read_bytes`, or its card is damaged.
        """
        content = self.read_bytes()
        try:
            beside = self.card_path.read_bytes()
        except OSError:
            return Preparation()
        if sha256(content).encode() not in beside:
            return Preparation()
        return self._read_card().preparation or Preparation()

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
        if content.startswith(_LFS_POINTER):
            raise ArtifactError(
                f"{self.path}: a Git LFS pointer in place of the file; get it with `git lfs pull`"
            )
        if content[4:8] != b"TFL3":
            raise ArtifactError(f"{self.path}: not a .tflite file (its identifier is not TFL3)")
        card = self.card
        if card is not None and sha256(content) != card.sha256:
            raise ArtifactError(
                f"{self.path}: damaged or not the committed file (sha256 {sha256(content)[:12]}…, "
                f"its card says {card.sha256[:12]}…)"
            )
        return content

    def details(self) -> FileDetails:
        """Return what the file itself says: operators, inputs, outputs, memory and more.

        Raises:
            ArtifactError: as for `read_bytes`, or the graph is damaged.
        """
        try:
            return read_details(self.read_bytes())
        except GraphError as error:
            raise ArtifactError(f"{self.path}: {error}") from None

    def describe(self, shaped: bytes | None = None) -> dict[str, Any]:
        """Return the file's identity, size, cost and accuracy under the names that results carry.

        All but the accuracy is known of a user's file too; what cannot be known is None.

        Args:
            shaped: the content with other input shapes, if it was measured so: what things cost.

        Raises:
            ArtifactError: as for `read_bytes`.
        """
        content, card = self.read_bytes(), self.card
        try:
            details = read_details(shaped or content)
        except GraphError:
            details = None
        return {
            "model": self.name,
            "architecture": self.architecture,
            "precision": self.precision or (details and details.precision),
            "sha256": sha256(content),
            "file_bytes": len(content),
            "parameters": card.parameters if card else details and details.parameters,
            "operator_count": details and sum(details.operators.values()),
            "multiply_accumulates": details and details.multiply_accumulates,
            "bytes_moved": details and details.bytes_moved,
            "peak_activation_bytes": details and details.peak_activation_bytes,
            "inputs": details and list(map(str, details.inputs)),
            "outputs": details and list(map(str, details.outputs)),
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


def sha256(content: bytes) -> str:
    """Return the sha256 of bytes (hexadecimal)."""
    return hashlib.sha256(content).hexdigest()
