"""Writing a file: all of it, or nothing."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from bench.results.runs import ResultsError


def write(path: Path, make: Callable[[Path], object]) -> None:
    """Let `make` write a temporary file beside `path`, and put it in its place when it is whole.

    Raises:
        ResultsError: the file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".writing-") as directory:
            temporary = Path(directory, path.name)
            make(temporary)
            os.replace(temporary, path)
    except OSError as error:
        raise ResultsError(f"{path}: cannot be written: {error.strerror or error}") from None


def write_text(path: Path, text: str) -> None:
    """Write a text file in UTF-8; raises as `write` does."""
    write(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))
