"""Showing on stderr how a comparison goes."""

from __future__ import annotations

import time

from rich.console import Console


class TerminalReporter:
    """A line that is rewritten on a terminal; elsewhere one line a block.

    It is rewritten between blocks, and by no thread of its own: that would disturb a round.
    """

    def __init__(self, console: Console, max_seconds: float) -> None:
        self._console = console
        self._max_seconds = max_seconds
        self._started = time.monotonic()

    def tell(self, line: str) -> None:
        """Show that something begins."""
        self._show(line)

    def announce(self, line: str) -> None:
        """Show a line that stays."""
        self.close()
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)

    def begin_block(self, number: int, pending: int, suspects: int) -> None:
        """Show what is still open."""
        spent = time.monotonic() - self._started
        what = f"{pending} benchmarks open" if pending else "all benchmarks"
        again = f", {suspects} of them suspected and measured again" if suspects else ""
        self._show(
            f"block {number + 1}: {what}{again} ({spent:.0f} of at most {self._max_seconds:.0f} s)"
        )

    def close(self) -> None:
        """Leave the terminal as it was."""
        if self._console.is_terminal:
            self._console.file.write("\r\033[K")
            self._console.file.flush()

    def _show(self, line: str) -> None:
        if self._console.is_terminal:
            self._console.file.write(f"\r\033[K{line[: self._console.width - 1]}")
        else:
            self._console.file.write(line + "\n")
        self._console.file.flush()
