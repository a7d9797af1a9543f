"""A pytest plugin that makes a process one side of a lockstep comparison.

It is loaded from outside (`-p gate_worker`, its folder on PYTHONPATH), so that a revision that
knows nothing of it can take part; for the same reason it imports nothing of the project.

The process does nothing unless it is told to: it reports what it collected, is told which
benchmarks to run in which order, and waits for leave before each of them. Rounds take turns with
the other process over two pipes, of which the conductor
(`bench.gate.measure.controller`) keeps no copy: where the other process dies, the wait ends.
"""

from __future__ import annotations

import json
import os
from typing import Any

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

VARIABLE = "GATE_WORKER_SIDE"
TURN, FINISHED = b"t", b"f"
LEFT_ALONE = 73
"""Exit status where the conductor or the other side is gone."""

ROUNDS_AT_A_TURN = 2
"""A B, B A, A B, ...: after the first round, each side has two rounds in a row."""


class Conductor:
    """The process that started this one, on two pipes, one line of JSON a message."""

    def __init__(self, read_fd: int, write_fd: int) -> None:
        self._lines = os.fdopen(read_fd, "r", encoding="utf-8")
        self._write_fd = write_fd

    def tell(self, event: str, **content: Any) -> None:
        """Send a message."""
        data = (json.dumps({"event": event, **content}) + "\n").encode()
        try:
            while data:
                data = data[os.write(self._write_fd, data) :]
        except BrokenPipeError:
            os._exit(LEFT_ALONE)

    def listen(self) -> dict[str, Any]:
        """Wait for a message; end the process where nobody is left to send one."""
        line = self._lines.readline()
        if not line:
            os._exit(LEFT_ALONE)
        return json.loads(line)


class Turns:
    """The rounds of one benchmark, in turns with the other side.

    A side that has no round left says so, and the other goes on without waiting.

    Args:
        read_fd: where the other side passes the turn.
        write_fd: where it is passed to the other side.
        role: "first", "second" or "alone".
    """

    def __init__(self, read_fd: int, write_fd: int, role: str) -> None:
        self._read_fd = read_fd
        self._write_fd = write_fd
        self._is_alone = role == "alone"
        self._rounds_left = 1 if role == "first" else 0
        self._has_turn = role == "first"

    def take(self) -> None:
        """Return when this side may run a round."""
        if self._is_alone:
            return
        if not self._rounds_left:
            if self._has_turn:
                self._pass(TURN)
            self._wait()
        self._rounds_left -= 1

    def finish(self) -> None:
        """Let the other side go on alone."""
        if not self._is_alone and not self._has_turn:
            self._wait()
        if not self._is_alone:
            self._pass(FINISHED)

    def _pass(self, word: bytes) -> None:
        try:
            os.write(self._write_fd, word)
        except BrokenPipeError:
            os._exit(LEFT_ALONE)
        self._has_turn = False

    def _wait(self) -> None:
        word = os.read(self._read_fd, 1)
        if not word:
            os._exit(LEFT_ALONE)
        self._is_alone = word == FINISHED
        self._has_turn = True
        self._rounds_left = ROUNDS_AT_A_TURN


class Side:
    """The plugin itself.

    Args:
        options: what the conductor says in the environment: the pipes ("control", "turns", each a
            pair of file descriptors), the cores to run on ("cpus"), benchmarks to slow by a
            factor ("slowed"), and whether rounds are those of a device ("device").
    """

    def __init__(self, options: dict[str, Any]) -> None:
        self._conductor = Conductor(*options["control"])
        self._turn_fds = options["turns"]
        self._cpus = options["cpus"]
        self._slowed = options["slowed"]
        self._is_device = options["device"]
        self._item: pytest.Item | None = None
        self._outcome: dict[str, Any] = {}
        self._was_in_lockstep = False

    def pytest_configure(self, config: pytest.Config) -> None:
        """Let rounds take turns."""
        if self._is_device:
            self._wrap_device_rounds()
        else:
            self._wrap_pedantic()

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Report a file that cannot be imported; pytest would collect the others first."""
        if report.failed:
            self._conductor.tell("broken", name=report.nodeid, message=report.longreprtext)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list) -> None:
        """Report what there is; keep what is asked for, in the order it is asked for."""
        by_id = {
            item.nodeid: item
            for item in items
            if "benchmark" in item.fixturenames
            and ("device_setup" in item.fixturenames) == self._is_device
        }
        self._conductor.tell("collected", ids=list(by_id))
        chosen = [by_id[name] for name in self._conductor.listen()["run"]]
        items[:] = chosen
        if self._cpus and hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(0, self._cpus)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item):
        """Ask for leave before a benchmark, and report it afterwards."""
        self._conductor.listen()
        self._item, self._was_in_lockstep = item, False
        self._outcome = {"outcome": "passed", "message": "", "rounds_s": [], "info": {}}
        result = yield
        if self._outcome["rounds_s"] and not (self._was_in_lockstep or self._is_device):
            self._fail("its rounds do not go through benchmark.pedantic, so they took no turns")
        self._conductor.tell("ended", id=item.nodeid, **self._outcome)
        return result

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo):
        """Keep the raw rounds, and why there are none."""
        report = yield
        if report.skipped and self._outcome["outcome"] == "passed":
            reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
            self._outcome |= {"outcome": "skipped", "message": str(reason)}
        elif report.failed:
            self._fail(report.longreprtext)
        benchmark = getattr(item, "funcargs", {}).get("benchmark")
        if call.when == "call" and benchmark is not None and benchmark.stats is not None:
            # Through JSON as pytest-benchmark writes it: what it cannot write is told as text.
            info = json.loads(json.dumps(benchmark.extra_info, default=str))
            self._outcome |= {"rounds_s": list(benchmark.stats.stats.data), "info": info}
        return report

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self) -> None:
        """Say goodbye: what ends without this has died."""
        self._conductor.tell("finished")

    def _fail(self, message: str) -> None:
        if self._outcome["outcome"] != "failed":
            self._outcome |= {"outcome": "failed", "message": message}

    def _begin(self) -> Turns:
        """Say that a benchmark is set up; return when its first round may come."""
        self._was_in_lockstep = True
        self._conductor.tell("ready", id=self._node_id)
        read_fd, write_fd = self._turn_fds
        return Turns(read_fd, write_fd, self._conductor.listen()["role"])

    def _end(self, turns: Turns) -> None:
        """Say that a benchmark has no round left; return when it may be torn down."""
        turns.finish()
        self._conductor.tell("measured", id=self._node_id)
        self._conductor.listen()

    @property
    def _node_id(self) -> str:
        assert self._item is not None
        return self._item.nodeid

    def _wrap_pedantic(self) -> None:
        """Put the wait for the turn before the benchmark's own setup, which is not timed."""
        original = BenchmarkFixture.pedantic
        side = self

        def pedantic(fixture, target, args=(), kwargs=None, setup=None, **rest):
            factor = side._slowed.get(side._node_id)
            if factor is not None:
                target = slowed(target, factor, fixture._timer)
            if rest.get("iterations", 1) != 1:
                pytest.fail("benchmarks of several iterations a round cannot take turns")
            turns = side._begin()

            def set_up() -> Any:
                turns.take()
                return setup() if setup is not None else None

            try:
                return original(fixture, target, args=args, kwargs=kwargs, setup=set_up, **rest)
            finally:
                side._end(turns)

        BenchmarkFixture.pedantic = pedantic  # type: ignore[method-assign, assignment]

    def _wrap_device_rounds(self) -> None:
        """Let the device run one round at a time, so that both sides alternate on it."""
        from dataclasses import replace

        from bench.android import measure as measurement

        original = measurement.run_rounds

        def run_rounds(device, workspace, plan, timeout_s, on_round=lambda _: None):
            if plan.rounds == 1:  # a trial, before this side is ready
                return original(device, workspace, plan, timeout_s, on_round)
            turns = self._begin()
            sessions = []
            try:
                for done in range(1, plan.rounds + 1):
                    turns.take()
                    one = replace(plan, rounds=1)
                    sessions.append(original(device, workspace, one, timeout_s))
                    on_round(done)
            finally:
                self._end(turns)
            return replace(
                sessions[0],
                rounds=tuple(each for session in sessions for each in session.rounds),
                **{
                    name: sum(getattr(session, name) for session in sessions)
                    for name in ("whole_s", "killed_background_apps", "dropped_caches")
                },
            )

        measurement.run_rounds = run_rounds


def slowed(target: Any, factor: float, timer: Any) -> Any:
    """Return a function that takes `factor` times as long, by waiting in a loop afterwards."""

    def run(*args: Any, **kwargs: Any) -> Any:
        start = timer()
        value = target(*args, **kwargs)
        end = start + (timer() - start) * factor
        while timer() < end:
            pass
        return value

    return run


def pytest_configure(config: pytest.Config) -> None:
    """Become a side, with what the conductor says in the environment."""
    side = Side(json.loads(os.environ.pop(VARIABLE)))
    config.pluginmanager.register(side, "lockstep side")
