"""The one error of image preparation."""

from __future__ import annotations


class PreprocessingError(ValueError):
    """A picture cannot be prepared; the message is one line that says why and how to mend it."""

    def __init__(self, message: str):
        super().__init__(" ".join(message.split()))
