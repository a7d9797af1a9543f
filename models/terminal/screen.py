"""What commands print to, their progress bars, and how they end when nobody reads on."""

from __future__ import annotations

import io
import os
import sys
import time
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn, track

Item = TypeVar("Item")

CLOSED_PIPE = 141
"""As a shell says it of a program that SIGPIPE ended: 128 and the signal's number."""


class Screen(Console):
    """The terminal on stdout; a pipe that its reader closed raises `BrokenPipeError`, as print."""

    def on_broken_pipe(self) -> None:
        """Not rich's own way, which ends the process with 1: that means something to a gate."""
        raise


def ending_quietly(run: Callable[[], int]) -> int:
    """Return the exit status that `run` returns; `CLOSED_PIPE` where its reader ended before it."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a name may be of letters that it cannot print
            stream.reconfigure(errors="backslashreplace")
    statuses: list[int] = []
    return statuses[0] if told(lambda: statuses.append(run())) else CLOSED_PIPE


def told(tell: Callable[[], object]) -> bool:
    """Return whether all that `tell` prints is taken; if not, what is printed later is dropped."""
    try:
        try:
            tell()
        finally:  # after `--help` too, which ends by an exception
            if sys.stdout is not None:
                sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return False
    return True


def bar(title: str, total: int | None = None) -> Callable[[Iterable[Item]], Iterable[Item]]:
    """Return a function that gives the items of an iterable, and shows on stderr how many it gave.

    Args:
        title: stands before the bar.
        total: of items, where the iterable has no length.
    """

    def progress(items: Iterable[Item]) -> Iterable[Item]:
        return track(items, title, total=total, transient=True, **on_stderr())

    return progress


def on_stderr() -> dict[str, Any]:
    """Return where rich shows progress: on a terminal; in a log it would leave empty lines."""
    console = Console(stderr=True)
    return {"console": console, "disable": not console.is_terminal}


class Bars:
    """A bar over a training's steps with its latest figures, shown while it is entered."""

    def __init__(self, title: str, epochs: int, steps: int):
        self._steps = max(1, steps)
        self._progress = Progress(
            "{task.description}",
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            "{task.fields[figures]}",
            **on_stderr(),
        )
        self._epochs, self._started = epochs, time.monotonic()
        self._bar = self._progress.add_task(title, total=epochs * self._steps, figures="")
        self._done = 0

    def __enter__(self) -> Bars:
        self._progress.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._progress.stop()

    def on_epoch(self, epochs_done: int, logs: dict[str, float]) -> None:
        """Show the epochs that are done, and the accuracy; in a log each epoch has a line."""
        self._done = epochs_done * self._steps
        figures = f"accuracy {logs['accuracy']:.1%}"
        if "val_accuracy" in logs:
            figures += f", held out {logs['val_accuracy']:.1%}"
        if self._progress.disable:
            passed = time.monotonic() - self._started
            left = passed / epochs_done * (self._epochs - epochs_done) / 60
            line = (
                f"epoch {epochs_done} of {self._epochs}: {figures}; at most {left:.0f} minutes left"
            )
            print(line, file=sys.stderr, flush=True)
        self._progress.update(self._bar, completed=self._done, figures=figures)

    def on_batch(self, steps_of_epoch: int) -> None:
        """Show the steps that are done."""
        self._progress.update(self._bar, completed=self._done + steps_of_epoch)
