"""A pytest plugin that makes a process a worker of the gate.

It is loaded from outside (`-p gate_worker`, its folder on PYTHONPATH), so that a revision that
knows nothing of it can take part; for the same reason it imports nothing of the project.

The process reports what it collected, is told which benchmarks to run, and waits for leave before
each of them and of their rounds, over two pipes to the controller. Where that dies, the wait ends.
"""

from __future__ import annotations

import json
import os
from typing import Any

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

VARIABLE = "GATE_WORKER_OPTIONS"
LEFT_ALONE = 73
"""Exit status where the controller is gone."""


class Controller:
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


class Worker:
    """The plugin itself, with what the controller says: the pipes, the cores, what is measured."""

    def __init__(self, options: dict[str, Any]) -> None:
        self._controller = Controller(*options["control"])
        self._cpus = options["cpus"]
        self._is_device = options["device"]
        self._outcome: dict[str, Any] = {}
        self._was_interleaved = False

    def pytest_configure(self) -> None:
        """Put the wait for leave before each round."""
        worker, original = self, BenchmarkFixture.pedantic

        def pedantic(fixture, *args, **kwargs):
            return worker.measure(original, fixture, *args, **kwargs)

        BenchmarkFixture.pedantic = pedantic  # type: ignore[method-assign, assignment]

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Report a file that cannot be imported; pytest would collect the others first."""
        if report.failed:
            self._controller.tell("broken", name=report.nodeid, message=report.longreprtext)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list) -> None:
        """Report what there is; keep what is asked for, in the order it is asked for."""
        benchmarks = [item for item in items if "benchmark" in item.fixturenames]
        by_id = {
            item.nodeid: item
            for item in benchmarks
            if ("device_setup" in item.fixturenames) == self._is_device
            and "sustained" not in item.fixturenames  # whose heat is what it shows
        }
        files = {name: _file(item) for name, item in by_id.items()}
        self._controller.tell("collected", files=files, others=len(benchmarks) - len(by_id))
        items[:] = [by_id[name] for name in self._controller.listen()["run"]]
        if self._cpus and hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(0, self._cpus)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item):
        """Ask for leave before a benchmark, and report it afterwards."""
        self._controller.listen()
        self._was_interleaved = False
        self._outcome = {"outcome": "passed", "message": "", "rounds_s": [], "info": {}}
        result = yield
        if self._outcome["rounds_s"] and not self._was_interleaved:
            self._fail(
                "its rounds do not go through benchmark.pedantic: they cannot be interleaved"
            )
        self._controller.tell("ended", id=item.nodeid, **self._outcome)
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
        self._controller.tell("finished")

    @pytest.hookimpl(optionalhook=True)
    def pytest_device_round(self) -> None:
        """Ask for leave before a round on a device, in a project that announces these."""
        self._wait_for_turn()

    def measure(
        self, original: Any, fixture: Any, target: Any,
        args: Any = (), kwargs: Any = None, setup: Any = None, **options: Any,
    ) -> Any:  # fmt: skip
        """Run `BenchmarkFixture.pedantic` with a wait before each round's setup, which is untimed.

        Rounds on a device run within the setup of the first one, and announce themselves.
        """
        if options.get("iterations", 1) != 1:
            pytest.fail("benchmarks of several iterations a round cannot be interleaved")
        self._was_interleaved = True

        def set_up() -> Any:
            self._wait_for_turn()
            return setup() if setup is not None else None

        own_setup = setup if self._is_device else set_up
        try:
            return original(fixture, target, args, kwargs, own_setup, **options)
        finally:
            self._controller.tell("measured")
            self._controller.listen()

    def _wait_for_turn(self) -> None:
        self._controller.tell("turn")
        self._controller.listen()

    def _fail(self, message: str) -> None:
        if self._outcome["outcome"] != "failed":
            self._outcome |= {"outcome": "failed", "message": message}


def _file(item: pytest.Item) -> list[str] | None:
    """Return the name and the path of the model that a benchmark is of; None where it has none."""
    callspec = getattr(item, "callspec", None)
    model = callspec and callspec.params.get("tflite_model")
    return [str(model.name), str(model.path)] if model else None


def pytest_configure(config: pytest.Config) -> None:
    """Become a worker, with what the controller says in the environment."""
    worker = Worker(json.loads(os.environ.pop(VARIABLE)))
    config.pluginmanager.register(worker, "gate worker")
