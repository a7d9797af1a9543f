"""Why the gate could not judge."""

from __future__ import annotations


class GateError(Exception):
    """The gate cannot judge.

    Attributes:
        message: one line that says what is wrong and how to mend it.
        details: what another program said about it, for people; may be long.
    """

    def __init__(self, message: str, details: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.details = details
