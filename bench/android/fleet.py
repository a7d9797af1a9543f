"""Several phones at the same time: one worker each, so that a slow or dead one stops no other."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partialmethod
from typing import Any

from bench.android.deployment import DeviceSettings
from bench.android.measure import Bench, Measurement, Progress
from models.files.artifacts import Artifact

LOOK_EVERY_S = 0.1


@dataclass(frozen=True)
class Job:
    """A model on a phone, as `open_bench` knows that."""

    phone: str
    artifact: Artifact
    settings: DeviceSettings


class Fleet:
    """Measures jobs on their phones, in each phone's own order.

    A phone's worker opens its bench for each job; whoever waits tells of its progress.
    """

    def __init__(
        self, open_bench: Callable[[str], Bench], progress: Callable[[str], Progress]
    ) -> None:
        self._open_bench = open_bench
        self._progress = progress
        self._events: queue.Queue[tuple[str, str, tuple]] = queue.Queue()
        self._futures: dict[Job, Future[Measurement]] = {}
        self._workers: dict[str, ThreadPoolExecutor] = {}
        self._working: dict[str, Bench] = {}
        self._stop = threading.Event()

    def start(self, jobs: Iterable[Job]) -> None:
        """Begin to measure: a worker a phone."""
        for job in jobs:
            if job not in self._futures:
                if job.phone not in self._workers:
                    self._workers[job.phone] = ThreadPoolExecutor(1, f"phone {job.phone}")
                self._futures[job] = self._workers[job.phone].submit(self._work, job)

    def result(self, job: Job) -> Measurement:
        """Wait for a job, while progress is told of all phones; raises what the job raised."""
        while True:
            self._tell()
            try:
                return self._futures[job].result(LOOK_EVERY_S)
            except TimeoutError:
                if self._futures[job].done():  # it is the job's own
                    raise

    def close(self) -> None:
        """End what is still under way; the phones clean up by themselves."""
        self._stop.set()
        for bench in list(self._working.values()):
            bench.device.hang_up()
        for worker in self._workers.values():
            worker.shutdown()
        self._tell()

    def _tell(self) -> None:
        while True:
            try:
                phone, word, arguments = self._events.get_nowait()
            except queue.Empty:
                return
            getattr(self._progress(phone), word)(*arguments)

    def _work(self, job: Job) -> Measurement:
        if self._stop.is_set():
            raise CancelledError
        try:
            bench = self._working[job.phone] = self._open_bench(job.phone)
            relay = _Relay(job.phone, self._events, self._stop)
            return bench.measure(job.artifact, job.settings, relay)
        finally:
            self._working.pop(job.phone, None)


@dataclass
class _Relay(Progress):
    """A worker's progress: it passes everything on, and ends the measurement when it is to stop."""

    phone: str
    events: queue.Queue
    stop: threading.Event

    def _put(self, word: str, *arguments: Any) -> None:
        self.events.put((self.phone, word, arguments))
        if self.stop.is_set():
            raise CancelledError

    begin = partialmethod(_put, "begin")
    advance = partialmethod(_put, "advance")
    tell = partialmethod(_put, "tell")

    def end(self) -> None:
        self.events.put((self.phone, "end", ()))
