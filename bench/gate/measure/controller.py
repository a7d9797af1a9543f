"""A block: one fresh process of each side, of which one at a time does anything.

Both processes are pytest on the side's own benchmarks, with the plugin in `inside/`. While they
start and collect they run at once; from then on the conductor gives leave to one benchmark after
another, and within a benchmark the sides pass the turn between themselves, round by round.

Both run on the same core where a model needs but one, another core in each block; and each gets
environment variables of a random size, because these shift the stack, which alone can change a
program's speed by several per cent (Mytkowicz et al., "Producing wrong data without doing
anything obviously wrong!", ASPLOS 2009). So both become noise that more blocks average out.
"""

from __future__ import annotations

import json
import os
import random
import selectors
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.gate.errors import GateError

INSIDE = Path(__file__).parent / "inside"
PADDING_BYTES = 4096
LEFT_ALONE = 73
"""Exit status of a side whose other side is gone; as in the plugin."""

SILENCE_S = 300.0
"""How long a side may say nothing before it counts as hung."""

GRACE_S = 5.0
BASE, HEAD = "base", "head"


@dataclass(frozen=True)
class Side:
    """One of the two trees.

    Attributes:
        name: "base" or "head".
        root: the project's directory.
        python: the interpreter that runs it.
    """

    name: str
    root: Path
    python: str


@dataclass(frozen=True)
class Settings:
    """How blocks are measured.

    Attributes:
        rounds: timed rounds of each benchmark in each process.
        warmup_rounds: rounds before them.
        files: of which the benchmarks are measured, from the project's directory; empty for all.
        pytest_arguments: more arguments, the same for both sides.
        is_device: whether the rounds are those of an Android device.
        shares_core: whether both sides are bound to one core.
        slowed: benchmarks of head that are made slower by a factor, to test the gate.
        environment: more environment variables, the same for both sides.
    """

    rounds: int = 30
    warmup_rounds: int = 5
    files: tuple[str, ...] = ()
    pytest_arguments: tuple[str, ...] = ()
    is_device: bool = False
    shares_core: bool = True
    slowed: Mapping[str, float] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Sample:
    """A benchmark's rounds in one process.

    Attributes:
        rounds_s: seconds of each round.
        info: pytest-benchmark's `extra_info`.
    """

    rounds_s: tuple[float, ...]
    info: dict[str, Any]


@dataclass
class Block:
    """What a pair of processes measured.

    Attributes:
        first: the side that had the first round of every benchmark.
        cpus: the cores that both ran on; empty where they were not bound.
        seconds: how long it took in all.
        samples: by side, then benchmark.
        skipped: why a side skipped a benchmark; by side, then benchmark.
    """

    first: str
    cpus: list[int]
    seconds: float = 0.0
    samples: dict[str, dict[str, Sample]] = field(default_factory=lambda: {BASE: {}, HEAD: {}})
    skipped: dict[str, dict[str, str]] = field(default_factory=lambda: {BASE: {}, HEAD: {}})

    @property
    def shared(self) -> list[str]:
        """Benchmarks that both sides measured."""
        return [name for name in self.samples[BASE] if name in self.samples[HEAD]]


def run_block(
    base: Side,
    head: Side,
    settings: Settings,
    number: int,
    wanted: Sequence[str] | None = None,
) -> Block:
    """Measure a block.

    Args:
        base, head: the sides.
        settings: how.
        number: of the block; it decides who is first and on which core.
        wanted: ids of benchmarks that both sides have; None for all that there are, those that
            only one side has included.

    Raises:
        GateError: a side did not start, a benchmark failed, or a process died or hung.
    """
    started = time.monotonic()
    cpus = _cpus(number) if settings.shares_core else []
    with ExitStack() as stack:
        processes = _start((base, head), settings, cpus, stack)
        order = processes if number % 2 == 0 else processes[::-1]
        block = Block(order[0].side.name, cpus)
        try:
            _run(block, order, settings, wanted, random.Random(number))
        except _DiedError as error:
            # Where one dies the other gives up; what is told is why the first one did.
            others = [each.died() for each in processes if each is not error.process]
            raise next((each for each in (error, *others) if not each.gave_up), error) from None
    block.seconds = time.monotonic() - started
    return block


def _run(
    block: Block,
    order: Sequence[_Process],
    settings: Settings,
    wanted: Sequence[str] | None,
    shuffle: random.Random,
) -> None:
    collected = {
        each.side.name: [
            name
            for name in each.expect("collected")["ids"]
            if not settings.files or name.partition("::")[0] in settings.files
        ]
        for each in order
    }
    plan = _plan(collected, wanted, shuffle)
    for each in order:
        each.tell(run=[name for name, sides in plan if each.side.name in sides])
    for name, sides in plan:
        _run_benchmark(name, [each for each in order if each.side.name in sides], block)
    for each in order:
        each.expect("finished")


def _cpus(number: int) -> list[int]:
    """Return the core of a block: each of those that this process may use has its turn."""
    if not hasattr(os, "sched_getaffinity"):
        return []
    usable = sorted(os.sched_getaffinity(0))
    return [usable[number // 2 % len(usable)]]


def _plan(
    collected: Mapping[str, Sequence[str]], wanted: Sequence[str] | None, shuffle: random.Random
) -> list[tuple[str, frozenset[str]]]:
    """Return the benchmarks with the sides that have them, in a random order."""
    names = list(dict.fromkeys([*collected[BASE], *collected[HEAD]]))
    if wanted is not None:
        names = list(wanted)
        for side, ids in collected.items():
            if missing := set(wanted).difference(ids):
                raise GateError(f"{side} no longer has {min(missing)}: did its files change?")
    shuffle.shuffle(names)
    sides = {name: frozenset(side for side, ids in collected.items() if name in ids)
             for name in names}  # fmt: skip
    return sorted(sides.items(), key=lambda item: len(item[1]), reverse=True)


def _run_benchmark(name: str, order: Sequence[_Process], block: Block) -> None:
    """Let one benchmark run: set up in order, rounds in turns, torn down in reverse order."""
    ready: list[_Process] = []
    for each in order:
        each.tell(go=name)
        message = each.expect("ready", "ended")
        if message["event"] == "ready":
            ready.append(each)
        else:
            _keep(message, each, block)
    roles = ("first", "second") if len(ready) == 2 else ("alone",)
    for each, role in zip(ready, roles, strict=False):
        each.tell(role=role)
    for each in ready:
        each.expect("measured")
    for each in reversed(ready):
        each.tell(end=name)
        _keep(each.expect("ended"), each, block)


def _keep(message: dict[str, Any], process: _Process, block: Block) -> None:
    name, side = message["id"], process.side.name
    if message["outcome"] == "failed":
        raise GateError(f"{side} cannot be measured: {name} failed", message["message"])
    if message["outcome"] == "skipped" or not message["rounds_s"]:
        block.skipped[side][name] = message["message"] or "it measured nothing"
    else:
        block.samples[side][name] = Sample(tuple(message["rounds_s"]), message["info"])


def _start(
    sides: Sequence[Side], settings: Settings, cpus: list[int], stack: ExitStack
) -> list[_Process]:
    """Start both processes, each with a pipe in each direction to the other and to this one."""
    turns = [os.pipe(), os.pipe()]
    with ExitStack() as own_copies:
        for end in (*turns[0], *turns[1]):
            own_copies.callback(os.close, end)
        return [
            stack.enter_context(
                _Process(side, settings, cpus, (turns[index][0], turns[1 - index][1]))
            )
            for index, side in enumerate(sides)
        ]


class _DiedError(GateError):
    """A side's process ended before it had said goodbye."""

    def __init__(self, process: _Process, status: int | None, output: str) -> None:
        how = f"signal {-status}" if status is not None and status < 0 else f"exit status {status}"
        super().__init__(f"{process.side.name} cannot be measured: pytest ended ({how})", output)
        self.process = process
        self.gave_up = status in (LEFT_ALONE, None)


class _Process:
    """A side's pytest, in a process group of its own so that Ctrl-C reaches only the conductor."""

    def __init__(
        self, side: Side, settings: Settings, cpus: list[int], turns: tuple[int, int]
    ) -> None:
        self.side = side
        self._output = tempfile.TemporaryFile()  # noqa: SIM115 (closed in __exit__)
        self._finished = False
        self._buffer = b""
        to_side, from_side = os.pipe(), os.pipe()
        self._read_fd, self._write_fd = from_side[0], to_side[1]
        options = {
            "control": [to_side[0], from_side[1]],
            "turns": list(turns),
            "cpus": cpus,
            "slowed": dict(settings.slowed) if side.name == HEAD else {},
            "device": settings.is_device,
        }
        try:
            self._process = subprocess.Popen(
                [
                    side.python, "-m", "pytest", "-p", "gate_worker", "-p", "no:cacheprovider",
                    "-p", "no:randomly", "-p", "no:xdist", "bench", "--benchmark-only",
                    f"--rounds={settings.rounds}", f"--warmup-rounds={settings.warmup_rounds}",
                    *settings.pytest_arguments,
                ],
                cwd=side.root,
                env={**_environment(options), **settings.environment},
                stdin=subprocess.DEVNULL,
                stdout=self._output,
                stderr=subprocess.STDOUT,
                pass_fds=[to_side[0], from_side[1], *turns],
                start_new_session=True,
            )  # fmt: skip
        except OSError as error:
            for end in (self._read_fd, self._write_fd):
                os.close(end)
            self._output.close()
            raise GateError(f"{side.name}: {side.python} cannot be started: {error}") from None
        finally:
            for end in (to_side[0], from_side[1]):
                os.close(end)

    def __enter__(self) -> _Process:
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
        """Send a message.

        Raises:
            GateError: the process died.
        """
        try:
            os.write(self._write_fd, (json.dumps(content) + "\n").encode())
        except BrokenPipeError:
            raise self.died() from None

    def expect(self, *events: str) -> dict[str, Any]:
        """Wait for a message of a kind.

        Raises:
            GateError: the process died, hung, or said something else.
        """
        message = json.loads(self._line())
        if message["event"] == "broken":
            problem = f"{self.side.name} cannot be measured: {message['name']} cannot be imported"
            raise GateError(problem, message["message"])
        if message["event"] not in events:
            raise GateError(f"{self.side.name}: said {message['event']}, not {' or '.join(events)}")
        self._finished = message["event"] == "finished"
        return message

    def _line(self) -> bytes:
        with selectors.DefaultSelector() as selector:
            selector.register(self._read_fd, selectors.EVENT_READ)
            while b"\n" not in self._buffer:
                if not selector.select(SILENCE_S):
                    raise GateError(
                        f"{self.side.name}: said nothing for {SILENCE_S:.0f} s", self._tail()
                    )
                data = os.read(self._read_fd, 1 << 16)
                if not data:
                    raise self.died()
                self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line

    def died(self) -> _DiedError:
        """Return the error that says how the process ended."""
        try:
            status = self._process.wait(GRACE_S)
        except subprocess.TimeoutExpired:
            status = None
        return _DiedError(self, status, self._tail())

    def _tail(self) -> str:
        self._output.seek(0)
        return self._output.read().decode(errors="replace").strip()

    def _signal(self, number: int) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)


def _environment(options: Mapping[str, Any]) -> dict[str, str]:
    environment = dict(os.environ)
    paths = [str(INSIDE), *filter(None, [environment.get("PYTHONPATH")])]
    environment |= {
        "PYTHONPATH": os.pathsep.join(paths),
        "GATE_WORKER_SIDE": json.dumps(options),
        "GATE_WORKER_PADDING": "x" * random.randrange(PADDING_BYTES),
        "PYTEST_ADDOPTS": "",
    }
    return environment
