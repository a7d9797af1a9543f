"""The whole state of a training after an epoch, in one file, for going on where it stopped."""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from pathlib import Path
from typing import Any

import keras
import numpy as np

FILE_NAME = "checkpoint.npz"

Logs = dict[str, float]


def digest(*arrays: np.ndarray) -> str:
    """Return the sha256 over shapes, dtypes and elements (hexadecimal)."""
    sha = hashlib.sha256()
    for array in arrays:
        sha.update(f"{array.shape} {array.dtype}".encode())
        sha.update(np.ascontiguousarray(array).data)
    return sha.hexdigest()


class Checkpoint(keras.callbacks.Callback):
    """Writes weights, the optimizer's state and the history after each epoch, in one atomic step.

    It keeps arrays, not a Keras file: that one forgets which variables have no weight decay.

    Attributes:
        history: one dict of losses and accuracies for each epoch that is done.
    """

    def __init__(self, directory: Path, identity: dict[str, Any]):
        super().__init__()
        self._path = directory / FILE_NAME
        self._identity = json.loads(json.dumps(identity))
        self.history: list[Logs] = []

    def resume(self, model: keras.Model) -> None:
        """Take up the state that is kept, if it is of the same training; else change nothing.

        Args:
            model: compiled, its optimizer built.
        """
        try:
            with np.load(self._path) as kept:
                state = json.loads(str(kept["state"]))
                arrays = [kept[f"array{number}"] for number in range(len(kept.files) - 1)]
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return
        variables = _variables(model)
        if state["identity"] == self._identity and len(arrays) == len(variables):
            self.history = state["history"]
            for variable, array in zip(variables, arrays, strict=True):
                variable.assign(array)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Keep the state."""
        self.history.append({name: float(value) for name, value in (logs or {}).items()})
        self._path.parent.mkdir(parents=True, exist_ok=True)
        arrays: dict[str, Any] = {
            f"array{number}": np.asarray(variable)
            for number, variable in enumerate(_variables(self.model))
        }
        state = json.dumps({"identity": self._identity, "history": self.history})
        partial = self._path.with_suffix(".partial.npz")
        np.savez(partial, state=np.array(state), **arrays)
        os.replace(partial, self._path)


def _variables(model: keras.Model) -> list[keras.Variable]:
    return [*model.variables, *model.optimizer.variables]  # with the seeds of dropout
