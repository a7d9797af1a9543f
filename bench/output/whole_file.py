"""Writing a file: all of it, or nothing."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path


def write(path: Path, make: Callable[[Path], object]) -> None:
    """Let `make` write a temporary file beside `path`, and put it in its place when it is whole.

    Raises:
        OSError: the file cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-", suffix=path.suffix)
    os.close(handle)
    temporary = Path(name)
    try:
        make(temporary)
        temporary.chmod(0o644)
        os.replace(temporary, path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()


def write_text(path: Path, text: str) -> None:
    """Write a text file in UTF-8; raises as `write` does."""
    write(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))
