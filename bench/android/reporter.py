"""What is told of a measurement while it runs."""

from __future__ import annotations


class Reporter:
    """This one keeps it to itself."""

    def begin(self, title: str, rounds: int) -> None:
        """The rounds begin."""

    def advance(self, done: int) -> None:
        """So many rounds are done."""

    def end(self) -> None:
        """The rounds have ended, well or not."""

    def tell(self, line: str) -> None:
        """Something that a person wants to know now."""
