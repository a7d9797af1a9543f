"""Files of pytest-benchmark, read with every round."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from bench.results.processor import processor
from bench.results.result import Result

FORMAT = 1
"""Of what this suite adds to pytest-benchmark's JSON; a file without one is older, and is read."""


STORAGE = Path(".benchmarks")
"""Where pytest-benchmark keeps what `--benchmark-autosave` saves, below a folder a machine."""

SAVED = "*/[0-9][0-9][0-9][0-9]_*.json"
"""How it calls its files there; the gate's outcomes and baselines are others."""


class ResultsError(Exception):
    """Results cannot be read, used or written; the message is one line that says why."""


@dataclass(frozen=True)
class Run:
    """One file: the benchmarks of one session of pytest.

    Attributes:
        path: the file.
        name: what people call it; the file's name, unless another file has the same.
        content: the file's bytes.
        time: when it was measured.
        commit: what was measured (hexadecimal); None where that is not known.
        commit_time: when the commit was made; None where that is not known.
        is_changed: whether files differed from that commit.
        machine: pytest-benchmark's `machine_info`.
        results: the benchmarks, each with another `fullname`.
        failures: benchmarks on a device that failed, one line each.
        shard: which part of how many the session was (`--shard`); None for a whole one.
    """

    path: Path
    name: str
    content: bytes = field(repr=False)
    time: datetime
    commit: str | None
    commit_time: datetime | None
    is_changed: bool
    machine: dict[str, Any] = field(repr=False)
    results: tuple[Result, ...] = field(repr=False)
    failures: tuple[str, ...]
    shard: tuple[int, int] | None = None

    @property
    def label(self) -> str:
        """The commit for people; "+" where files differed from it."""
        return (self.commit or "unknown")[:8] + ("+" if self.is_changed else "")

    @property
    def state(self) -> str:
        """The state of the code; of an unknown commit each run is one by itself."""
        return self.label if self.commit else self.name

    @property
    def processor(self) -> str:
        """What it was measured on; latencies on two processors are never compared."""
        return processor(self.machine)

    def of(self, *quantities: str) -> list[Result]:
        """Return the results of these benchmark functions."""
        return [result for result in self.results if result.quantity in quantities]

    def by_fullname(self) -> dict[str, Result]:
        """Return the results by the benchmark's `fullname`, in the order of the file."""
        return {result.fullname: result for result in self.results}


@contextmanager
def one_line(path: Path, maker: str) -> Iterator[None]:
    """Say in one line why a file cannot be read, whatever is wrong with it.

    Args:
        path: of the file.
        maker: what makes such files.

    Raises:
        ResultsError: it cannot be read.
    """
    try:
        yield
    except OSError as error:
        raise ResultsError(f"{path}: cannot be read: {error.strerror}") from None
    except (
        ValueError, KeyError, TypeError, AttributeError, ArithmeticError, RecursionError,
    ) as error:  # fmt: skip
        reason = f"{type(error).__name__}: {error}"
        raise ResultsError(f"{path}: not a file of {maker} ({reason})") from None


def read_run(path: Path) -> Run:
    """Read a file.

    Raises:
        ResultsError: it is no complete file of pytest-benchmark; the message says why.
    """
    maker = "pytest-benchmark; make one with pytest --benchmark-only --benchmark-json=FILE"
    with one_line(path, maker):
        content = path.read_bytes()
        data = json.loads(content)
        if data.get("format", FORMAT) != FORMAT:
            raise ResultsError(
                f"{path}: its format is {data['format']!r}, and this version reads {FORMAT}; "
                "measure again"
            )
        commit = data["commit_info"]
        run = Run(
            path,
            path.name,
            content,
            datetime.fromisoformat(data["datetime"]),
            _commit(commit.get("id")),
            datetime.fromisoformat(commit["time"]) if commit.get("time") else None,
            bool(commit.get("dirty")),
            dict(data["machine_info"]),
            tuple(_result(path, each) for each in data["benchmarks"]),
            tuple(
                f"{each['name']}: {each['reason']}"
                for each in data.get("failed_device_benchmarks", [])
            ),
            _shard(**data["shard"]) if data.get("shard") else None,
        )
        processor(run.machine)
    if not run.results and not run.failures:
        raise ResultsError(f"{path}: holds no benchmark")
    if len(run.by_fullname()) != len(run.results):
        raise ResultsError(f"{path}: two benchmarks have the same name")
    return run


def read_runs(paths: Iterable[Path]) -> list[Run]:
    """Read files and return them by their time, the oldest first.

    Args:
        paths: of the files; none for all that pytest-benchmark saved.

    Raises:
        ResultsError: there is none, one is damaged, or two are the same.
    """
    runs: list[Run] = []
    for path in list(paths) or sorted(STORAGE.glob(SAVED)):
        run = read_run(path)
        if any(other.content == run.content for other in runs):
            raise ResultsError(f"{path}: holds the same as another of the files")
        if any(other.name == run.name for other in runs):
            run = replace(run, name=f"{len(runs) + 1}-{run.name}")
        runs.append(run)
    if not runs:
        raise ResultsError(
            "no results: give files of pytest-benchmark, or make some with "
            "pytest --benchmark-only --benchmark-autosave"
        )
    return sorted(runs, key=lambda run: run.time.timestamp())


def newest_with(runs: Sequence[Run], *quantities: str) -> Run | None:
    """Return the newest run that holds results of each of these benchmark functions."""
    for run in reversed(runs):
        if {*quantities} <= {result.quantity for result in run.results}:
            return run
    return None


def _commit(name: str | None) -> str | None:
    """Return a commit; None for what pytest-benchmark calls it where there is none."""
    return name if name and re.fullmatch(r"[0-9a-f]{7,64}", name) else None


def _shard(index: int, count: int) -> tuple[int, int]:
    return int(index), int(count)


def _result(path: Path, benchmark: dict[str, Any]) -> Result:
    name, times_s = benchmark["name"], benchmark["stats"].get("data")
    if not times_s:
        raise ResultsError(f"{path}: holds no rounds of {name}; save them with "
                           "--benchmark-save-data")  # fmt: skip
    if not all(isinstance(each, (int, float)) and 0 <= each < math.inf for each in times_s):
        raise ResultsError(f"{path}: a round of {name} is no time")
    result = Result(
        str(benchmark["fullname"]), tuple(map(float, times_s)), dict(benchmark["extra_info"])
    )
    if not result.median_s:
        raise ResultsError(f"{path}: the median of {name} is not above zero")
    return result
