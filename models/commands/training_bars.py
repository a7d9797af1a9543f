"""A progress bar over the steps of a training, with its latest figures."""

from __future__ import annotations

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn


class Bars:
    """Shown while it is entered; its two methods are what `models.training.train.train` calls."""

    def __init__(self, title: str, epochs: int, steps: int):
        self._steps = max(1, steps)
        self._progress = Progress(
            "{task.description}",
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            "{task.fields[figures]}",
            console=Console(stderr=True),
        )
        self._bar = self._progress.add_task(title, total=epochs * self._steps, figures="")
        self._done = 0

    def __enter__(self) -> Bars:
        self._progress.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._progress.stop()

    def on_epoch(self, epochs_done: int, logs: dict[str, float]) -> None:
        """Show the epochs that are done, and the accuracy on what is learnt."""
        self._done = epochs_done * self._steps
        figures = f"accuracy {logs['accuracy']:.1%}"
        self._progress.update(self._bar, completed=self._done, figures=figures)

    def on_batch(self, steps_of_epoch: int) -> None:
        """Show the steps that are done."""
        self._progress.update(self._bar, completed=self._done + steps_of_epoch)
