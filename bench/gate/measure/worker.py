"""A worker: a tree's pytest in a process of its own, and the messages to and from it."""

from __future__ import annotations

import json
import os
import random
import selectors
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

BASE, HEAD = "base", "head"


@dataclass(frozen=True)
class Tree:
    """A revision that is checked out."""

    name: str  # "head", or what a base is called, such as "base" or "base v1.2"
    root: Path  # the project's directory
    python: str  # the interpreter that runs it
    arguments: tuple[str, ...] = ()  # of pytest, for this tree alone


@dataclass(frozen=True)
class Sampling:
    """How blocks are measured."""

    rounds: int = 30  # timed rounds of each benchmark in each process
    warmup_rounds: int = 3  # rounds before them
    only: tuple[str, ...] = ()  # ids of benchmarks begin with one of these; empty for all
    pytest_arguments: tuple[str, ...] = ()  # more arguments, the same for all trees
    is_device: bool = False  # whether the rounds are those of an Android device
    shares_core: bool = True  # whether all processes are bound to one core
    environment: Mapping[str, str] = field(default_factory=dict)  # more of it, for all trees

    def takes(self, name: str) -> bool:
        """Whether a benchmark of that id is measured."""
        return not self.only or name.startswith(self.only)


class GateError(Exception):
    """The gate cannot judge: one line, and what another program said about it (`details`)."""

    def __init__(self, message: str, details: str = "") -> None:
        super().__init__(message)
        self.details = details


INSIDE = Path(__file__).parent / "inside"
PADDING_BYTES = 4096
SILENCE_S, DEVICE_SILENCE_S = 300.0, 1200.0
"""How long a worker may say nothing before it counts as hung; a phone may have to cool down."""

GRACE_S = 5.0


class WorkerProcess:
    """A tree's pytest, in a process group of its own so that Ctrl-C reaches only the controller.

    A context manager: leaving it ends the process and all that it started.
    """

    def __init__(self, tree: Tree, sampling: Sampling, cpus: list[int]) -> None:
        self.tree = tree
        self._output = tempfile.TemporaryFile()  # noqa: SIM115 (closed in __exit__)
        self._finished = False
        self._silence_s = DEVICE_SILENCE_S if sampling.is_device else SILENCE_S
        self._buffer = b""
        to_worker, from_worker = os.pipe(), os.pipe()
        self._read_fd, self._write_fd = from_worker[0], to_worker[1]
        control = [to_worker[0], from_worker[1]]
        options = {"control": control, "cpus": cpus, "device": sampling.is_device}
        # On the host no worker looks for phones: an adb server that dies would end it.
        phones = {} if sampling.is_device else {"ANDROID_SERIAL": "none"}
        try:
            self._process = subprocess.Popen(
                [
                    tree.python, "-m", "pytest", "-p", "gate_worker", "-p", "no:cacheprovider",
                    "-p", "no:randomly", "-p", "no:xdist", "bench", "--benchmark-only",
                    f"--rounds={sampling.rounds}", f"--warmup-rounds={sampling.warmup_rounds}",
                    *tree.arguments, *sampling.pytest_arguments,
                ],
                cwd=tree.root, env={**_environment(options), **sampling.environment, **phones},
                stdin=subprocess.DEVNULL, stdout=self._output, stderr=subprocess.STDOUT,
                pass_fds=control, start_new_session=True,
            )  # fmt: skip
        except OSError as error:
            for end in (self._read_fd, self._write_fd):
                os.close(end)
            self._output.close()
            raise GateError(f"{tree.name}: {tree.python} cannot be started: {error}") from None
        finally:
            for end in control:
                os.close(end)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        os.close(self._write_fd)
        os.close(self._read_fd)
        if not self._finished:
            self._signal(signal.SIGINT)
        try:
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(GRACE_S)
        finally:
            self._signal(signal.SIGKILL)
            self._process.wait()
            self._output.close()

    def tell(self, **content: Any) -> None:
        """Send a message."""
        data = (json.dumps(content) + "\n").encode()
        try:
            while data:
                data = data[os.write(self._write_fd, data) :]
        except BrokenPipeError:
            raise self._died() from None

    def expect(self, *events: str) -> dict[str, Any]:
        """Wait for a message of a kind."""
        line = self._line()
        try:
            message = json.loads(line)
            event = message["event"]
        except (ValueError, TypeError, KeyError):
            raise GateError(f"{self.tree.name}: said {line[:80]!r}, no message") from None
        if event == "broken":
            problem = f"{self.tree.name} cannot be measured: {message['name']} cannot be imported"
            raise GateError(problem, message["message"])
        if event not in events:
            raise GateError(f"{self.tree.name}: said {event}, not {' or '.join(events)}")
        self._finished = event == "finished"
        return message

    def _line(self) -> bytes:
        with selectors.DefaultSelector() as selector:
            selector.register(self._read_fd, selectors.EVENT_READ)
            while b"\n" not in self._buffer:
                if not selector.select(self._silence_s):
                    problem = f"{self.tree.name}: said nothing for {self._silence_s:.0f} s"
                    raise GateError(problem, self._tail())
                data = os.read(self._read_fd, 1 << 16)
                if not data:
                    raise self._died()
                self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line

    def _died(self) -> GateError:
        """Return the error that says how the process ended before it had said goodbye."""
        try:
            status = self._process.wait(GRACE_S)
            how = f"signal {-status}" if status < 0 else f"exit status {status}"
        except subprocess.TimeoutExpired:
            how = "it closed its pipe"
        problem = f"{self.tree.name} cannot be measured: pytest ended ({how})"
        return GateError(problem, self._tail())

    def _tail(self) -> str:
        self._output.seek(0)
        return self._output.read().decode(errors="replace").strip()

    def _signal(self, number: int) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)


def _environment(options: dict[str, Any]) -> dict[str, str]:
    """Return the worker's environment, with padding of a random size: it shifts the stack, which
    alone changes speed by several per cent (Mytkowicz et al., "Producing wrong data without doing
    anything obviously wrong!", ASPLOS 2009)."""
    environment = dict(os.environ)
    paths = [str(INSIDE), *filter(None, [environment.get("PYTHONPATH")])]
    return environment | {
        "PYTHONPATH": os.pathsep.join(paths),
        "GATE_WORKER_OPTIONS": json.dumps(options),
        "GATE_WORKER_PADDING": "x" * random.randrange(PADDING_BYTES),
        "PYTEST_ADDOPTS": "",
    }
