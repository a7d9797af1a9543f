"""The trained Keras model of an architecture, and the record of its training."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from models.files.artifacts import DIRECTORY, ArtifactError


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
