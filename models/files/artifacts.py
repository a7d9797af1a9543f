"""A `.tflite` file that can be measured: one of the project's, or one that a user names."""

from __future__ import annotations

import glob
import hashlib
import os
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from models import ROOT
from models.files import graph
from models.files.cards import Card
from models.files.metadata import Metadata, metadata_of
from models.preprocessing import Preparation

DIRECTORY = ROOT / "models" / "artifacts"
PRECISIONS: tuple[str, ...] = ("float32", "float16", "dynamic", "int8")
SUFFIX = ".tflite"

_LFS_POINTER = b"version https://git-lfs.github.com/spec/"


class ArtifactError(Exception):
    """A model file or its card is missing or damaged; the message is one line that names it."""


class _Known(NamedTuple):
    """What is kept of a file's content, which itself may be large."""

    sha256: str
    file_bytes: int
    details: graph.FileDetails | str
    """Or what is wrong with the graph."""
    metadata: Metadata


@dataclass(frozen=True)
class Artifact:
    """A `.tflite` file that can be measured: one of the project's, or a user's own.

    It is read, hashed and parsed once, when something of it is first asked for.

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

    @property
    def card_path(self) -> Path:
        """Where the card is, if the file has one."""
        return self.path.with_suffix(".json")

    @cached_property
    def card(self) -> Card | None:
        """The card; None for a user's file. ArtifactError: it is missing or damaged."""
        return None if self.architecture is None else self._read_card()

    def require_card(self) -> Card:
        """Return the card; ArtifactError: there is none."""
        if self.card is None:
            raise ArtifactError(f"{self.path}: has no card; it is not one of the project's files")
        return self.card

    @property
    def sha256(self) -> str:
        """Of the content, hexadecimal.

        Raises:
            ArtifactError: the file is missing, empty, no `.tflite`, or not what its card says.
        """
        return self._known.sha256

    @property
    def details(self) -> graph.FileDetails:
        """What the graph itself says; errors as for `sha256`, or the graph is damaged."""
        if isinstance(self._known.details, str):
            raise ArtifactError(f"{self.path}: {self._known.details}")
        return self._known.details

    @property
    def metadata(self) -> Metadata:
        """What the file's metadata say of its pictures and classes; errors as for `sha256`."""
        return self._known.metadata

    @property
    def card_beside(self) -> Card | None:
        """The card beside the file, which a user's copy of a committed file has, too.

        What does not hold this file's sha256 is not its card: None. Errors as for `sha256`.
        """
        try:
            beside = self.card_path.read_bytes()
        except OSError:
            return None
        return self._read_card() if self.sha256.encode() in beside else None

    @property
    def stored_preparation(self) -> Preparation:
        """How pictures are prepared, as the card beside the file says, else the plainest way."""
        card = self.card_beside
        return card.preparation if card else Preparation()

    def read_bytes(self) -> bytes:
        """Return the content, read anew where it was asked for before; errors as for `sha256`."""
        if "_known" in vars(self):
            return _read(self.path)
        content = _read(self.path)
        vars(self)["_known"] = self._inspect(content)
        return content

    def describe(self, details: graph.FileDetails | None = None) -> dict[str, Any]:
        """Return the file's identity, size, cost and accuracy under the names that results carry.

        All but what training tells is known of a user's file too; what is unknown is None.

        Errors are as for `sha256`.

        Args:
            details: of the file with other input shapes, if it was measured so: what things cost.
        """
        known, card = self._known, self.card
        if details is None and not isinstance(known.details, str):
            details = known.details
        return {
            "model": self.name,
            "architecture": self.architecture,
            "precision": self.precision or (details and details.precision),
            "sha256": known.sha256,
            "file_bytes": known.file_bytes,
            "parameters": details and details.parameters,
            "trained_parameters": card and card.trained_parameters,
            "operator_count": details and len(details.nodes),
            "multiply_accumulates": details and details.multiply_accumulates,
            "bytes_moved": details and details.bytes_moved,
            "signature": details and details.signature,
            "inputs": details and list(map(str, details.inputs)),
            "outputs": details and list(map(str, details.outputs)),
            "accuracy": card.accuracy.fraction if card else None,
            "accuracy_interval": list(card.accuracy.interval) if card else None,
            "pictures": card.accuracy.fingerprint if card else None,
        }

    @cached_property
    def _known(self) -> _Known:
        return self._inspect(_read(self.path))

    def _inspect(self, content: bytes) -> _Known:
        digest, card = sha256(content), self.card
        if card is not None and digest != card.sha256:
            raise ArtifactError(
                f"{self.path}: damaged or not the committed file (sha256 {digest[:12]}…, "
                f"its card says {card.sha256[:12]}…)"
            )
        try:
            model = graph.parse(content)
            return _Known(
                digest, len(content), graph.details_of(model), metadata_of(model, content)
            )
        except graph.GraphError as error:
            return _Known(digest, len(content), str(error), Metadata())

    def _read_card(self) -> Card:
        try:
            return Card.from_json(self.card_path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise ArtifactError(f"{self.card_path}: the card is missing") from None
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise ArtifactError(f"{self.card_path}: not a card ({error})") from error


def artifact(architecture: str, precision: str, directory: Path = DIRECTORY) -> Artifact:
    """Return the project's file of an architecture and a precision, whether or not it exists."""
    name = f"{architecture}-{precision}"
    return Artifact(directory / f"{name}{SUFFIX}", name, architecture, precision)


def user_model(path: str | Path) -> Artifact:
    """Return a user's own `.tflite` file as an artifact without a card."""
    path = Path(path)
    return Artifact(path, path.stem)


def find_user_models(names: Iterable[str], taken: Collection[str] = ()) -> list[Artifact]:
    """Return the files that a user names, each once, in the order given.

    A file is called by its stem, and by as many of the folders above it as tell it from another
    of the same stem, such as "a/net" and "b/net": the same in any checkout.

    Links are followed, and a linked file goes by its own name. What cannot be read, such as a
    folder that may not be or a link to itself, is returned as well: the reason is told where it is
    asked for, and costs no other file its turn.

    Args:
        names: paths of files, of folders whose `.tflite` files are meant, or patterns such as
            "models/*.tflite"; a leading "~" is the user's home.
        taken: names that none of them may have.

    Raises:
        ArtifactError: nothing is there.
    """
    paths: dict[str, Path] = {}
    for path in (path for name in names for path in _find(name)):
        paths.setdefault(os.path.realpath(path), path)
    parts = [_parts(path) for path in paths.values()]
    return [
        replace(user_model(path), name=_shortest(own, parts, taken))
        for path, own in zip(paths.values(), parts, strict=True)
    ]


def sha256(content: bytes) -> str:
    """Return the sha256 of bytes (hexadecimal)."""
    return hashlib.sha256(content).hexdigest()


def _read(path: Path) -> bytes:
    """Read a file, and check what can be checked without parsing it."""
    try:
        if path.exists() and not (path.is_file() or path.is_dir()):  # a pipe would keep us waiting
            raise ArtifactError(f"{path}: is no file that could be read")
        content = path.read_bytes()
    except FileNotFoundError:
        raise ArtifactError(f"{path}: no such file") from None
    except OSError as error:
        raise ArtifactError(f"{path}: cannot be read ({error.strerror})") from error
    if not content:
        raise ArtifactError(f"{path}: the file is empty")
    if content.startswith(_LFS_POINTER):
        raise ArtifactError(
            f"{path}: a Git LFS pointer in place of the file; get it with `git lfs pull`"
        )
    if content[4:8] != b"TFL3":
        raise ArtifactError(f"{path}: not a .tflite file (its identifier is not TFL3)")
    return content


def _find(name: str) -> list[Path]:
    path = Path(name).expanduser()
    if path.is_dir():
        found = sorted(_below(path))
        if not found:
            raise ArtifactError(f"{path}: no {SUFFIX} file is in this folder")
        return found
    if os.path.lexists(path):
        return [path]
    matches = map(Path, sorted(glob.glob(str(path), recursive=True)))  # noqa: PTH207
    found = [each for match in matches for each in (_below(match) if match.is_dir() else [match])]
    if not found:
        raise ArtifactError(f"{path}: no such file")
    return found


def _below(folder: Path) -> Iterator[Path]:
    """Yield the files in a folder and those below it, each folder once, and unreadable folders."""
    refused: list[OSError] = []
    seen = set()
    for place, folders, files in os.walk(folder, onerror=refused.append, followlinks=True):
        status = Path(place).stat()
        if (status.st_dev, status.st_ino) in seen:
            folders.clear()
            continue
        folders.sort()
        seen.add((status.st_dev, status.st_ino))
        yield from (Path(place, file) for file in files if file.endswith(SUFFIX))
    yield from (Path(error.filename) for error in refused)


def _parts(path: Path) -> tuple[str, ...]:
    path = path.absolute()
    own = path.stem if path.suffix == SUFFIX else path.name
    return (*path.parent.parts[1:], own)


def _shortest(own: tuple[str, ...], everyone: list[tuple[str, ...]], taken: Collection[str]) -> str:
    for count in range(1, len(own) + 1):
        tail = own[-count:]
        if "/".join(tail) not in taken and sum(each[-count:] == tail for each in everyone) == 1:
            return "/".join(tail)
    return "/".join(own)
