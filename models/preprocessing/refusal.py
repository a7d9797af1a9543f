"""The one error of image preparation."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path


class PreprocessingError(ValueError):
    """A picture cannot be prepared; the message is one line that says why and how to mend it."""

    def __init__(self, message: str):
        super().__init__(" ".join(message.split()))


@contextlib.contextmanager
def naming(picture: object) -> Iterator[None]:
    """Have the refusal of a picture name its file, where it is one."""
    try:
        yield
    except PreprocessingError as error:
        if isinstance(picture, Path):
            raise PreprocessingError(f"{picture}: {error}") from None
        raise
