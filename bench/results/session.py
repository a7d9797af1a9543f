"""A session of pytest that was measured: read from pytest-benchmark's JSON, with every round."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from bench.load import disturbance

SUSTAINED = "test_device_sustained"

FORMAT = 2
"""Of what this suite adds to pytest-benchmark's JSON."""

READ = (1, FORMAT)
"""A file that names no format is older than the first, and read as it."""

STORAGE = Path(".benchmarks")
"""Where pytest-benchmark keeps what `--benchmark-autosave` saves, below a folder a machine."""

SAVED = "*/[0-9][0-9][0-9][0-9]_*.json"
"""How it calls its files there; the gate's outcomes are others."""

INSTRUCTION_SETS = (
    "sse4_1", "avx", "f16c", "fma", "avx2", "avxvnni", "avxvnniint8",
    "avx512f", "avx512vbmi", "avx512vnni", "gfni", "avx512fp16", "amx_int8", "amx_fp16",
    "neon", "asimd", "asimdhp", "asimddp", "asimdrdm", "i8mm", "bf16", "sve", "sve2", "sme", "sme2",
)  # fmt: skip
"""What XNNPACK chooses its kernels by (src/configs/hardware-config.c), as Linux names them: the
same model's time differs by more between two of these than between two processors of one."""

_HIDDEN_BY = {
    "avx512f": {"sse4_1", "avx", "f16c", "fma", "avx2"},
    "avx512vnni": {"avx512f"},
    "avx2": {"sse4_1", "avx"},
    "asimd": {"neon"},
    "asimddp": {"asimd", "asimdhp", "asimdrdm"},
}
"""Those that every processor with the first has too; a short text leaves them out."""


class ResultsError(Exception):
    """Results cannot be read, used or written; the message is one line that says why."""


@dataclass(frozen=True)
class Result:
    """The timed rounds of one benchmark."""

    fullname: str  # pytest's id, such as "bench/test_a.py::test_classify[x]"
    times_s: tuple[float, ...]  # seconds of each round
    info: dict[str, Any]  # its `extra_info`
    failure: str | None = None  # why it failed, such as a wrong answer

    @property
    def name(self) -> str:
        """The benchmark function and its parameters, such as "test_classify[x]"."""
        return without_file(self.fullname)

    @property
    def quantity(self) -> str:
        """The benchmark function, such as "test_classify"."""
        return self.name.partition("[")[0]

    @property
    def mean_ms(self) -> float:
        """Mean of the rounds in milliseconds."""
        return 1e3 * float(np.mean(self.times_s))

    @property
    def median_s(self) -> float:
        """Median of the rounds in seconds."""
        return float(np.median(self.times_s))

    @property
    def median_ms(self) -> float:
        """Median of the rounds in milliseconds."""
        return 1e3 * self.median_s

    @property
    def percentile_95_ms(self) -> float:
        """95th percentile of the rounds in milliseconds, interpolated linearly."""
        return 1e3 * float(np.percentile(self.times_s, 95))


@dataclass(frozen=True)
class Session:
    """The benchmarks of one session of pytest; None is unknown."""

    path: Path
    name: str  # what people call it; the file's name, unless another file has the same
    content: bytes = field(repr=False)
    time: datetime  # when it was measured
    commit: str | None  # hexadecimal
    commit_time: datetime | None
    is_changed: bool  # whether files differed from that commit
    machine: dict[str, Any] = field(repr=False)  # pytest-benchmark's `machine_info`
    results: tuple[Result, ...] = field(repr=False)  # each with another `fullname`
    failures: dict[str, str]  # why a benchmark failed, in one line, by its `fullname`
    difference: str | None = None  # a hash of how files differed from the commit
    load: dict[str, Any] = field(default_factory=dict, repr=False)  # as `bench.load` tells it
    sustained: tuple[Result, ...] = field(default=(), repr=False)
    """Devices measured on and on: heat and all, so they are no results that anybody compares."""

    @property
    def label(self) -> str:
        """The commit for people; "+" and a hash of how files differed from it, if they did."""
        changed = f"+{(self.difference or '')[:4]}" if self.is_changed else ""
        return (self.commit or "unknown")[:8] + changed

    @property
    def state(self) -> str:
        """The state of the code; where that is not known each session is one by itself."""
        is_known = self.commit and (self.difference or not self.is_changed)
        return f"{self.commit} {self.difference}" if is_known else self.name

    @cached_property
    def identity(self) -> str:
        """A hash of its rounds: the same for two files that one session wrote."""
        rounds = sorted((result.fullname, result.times_s) for result in self.results)
        return sha256(repr(rounds).encode() if rounds else self.content).hexdigest()

    @property
    def processor(self) -> str:
        """What it was measured on; latencies on two processors are never compared."""
        return processor(self.machine)

    @property
    def disturbance(self) -> str | None:
        """How the machine was disturbed beyond use; None where it was not."""
        return disturbance(self.load)

    def of(self, *quantities: str) -> list[Result]:
        """Return the results of these benchmark functions."""
        return [result for result in self.results if result.quantity in quantities]

    def by_fullname(self) -> dict[str, Result]:
        """Return the results by the benchmark's `fullname`, in the order of the file."""
        return {result.fullname: result for result in self.results}


@contextmanager
def reading(path: Path, maker: str) -> Iterator[None]:
    """Raise `ResultsError`, in one line, where a file of a maker cannot be read, for any reason."""
    try:
        yield
    except OSError as error:
        raise ResultsError(f"{path}: cannot be read: {error.strerror}") from None
    except (
        ValueError, KeyError, TypeError, AttributeError, ArithmeticError, RecursionError,
    ) as error:  # fmt: skip
        reason = f"{type(error).__name__}: {error}"
        raise ResultsError(f"{path}: not a file of {maker} ({reason})") from None


def read_session(path: Path) -> Session:
    """Read a file; raises `ResultsError` where it is no complete one of pytest-benchmark."""
    maker = "pytest-benchmark; make one with pytest --benchmark-only --benchmark-json=FILE"
    with reading(path, maker):
        content = path.read_bytes()
        data = json.loads(content)
        file_format = data.get("format", 1)
        if file_format not in READ:
            raise ResultsError(
                f"{path}: its format is {file_format!r}, and this version reads "
                f"{' and '.join(map(str, READ))}; measure again"
            )
        commit, failures = data["commit_info"], _failures(data, file_format)
        results = [_result(path, each, file_format) for each in data["benchmarks"]]
        session = Session(
            path, path.name, content, datetime.fromisoformat(data["datetime"]),
            _commit(commit.get("id")),
            datetime.fromisoformat(commit["time"]) if commit.get("time") else None,
            bool(commit.get("dirty")), dict(data["machine_info"]),
            tuple(
                replace(each, failure=failures.get(each.fullname))
                for each in results if each.quantity != SUSTAINED
            ),
            {name: why for name, why in failures.items() if f"::{SUSTAINED}" not in name},
            commit.get("difference"), dict(data.get("load") or {}),
            tuple(result for result in results if result.quantity == SUSTAINED),
        )  # fmt: skip
        _ = session.processor, session.disturbance  # can be told
    if not results and not failures:
        raise ResultsError(f"{path}: holds no benchmark")
    if len(session.by_fullname()) != len(session.results):
        raise ResultsError(f"{path}: two benchmarks have the same name")
    return session


def read_sessions(paths: Iterable[Path]) -> list[Session]:
    """Read files, or all that pytest-benchmark saved, and return them by their time.

    Raises:
        ResultsError: there is none, one is damaged, or two are of one session.
    """
    sessions: list[Session] = []
    for path in list(paths) or sorted(STORAGE.glob(SAVED)):
        session = read_session(path)
        if same := [other for other in sessions if other.identity == session.identity]:
            raise ResultsError(f"{path}: holds the same session as {same[0].path}: give it once")
        if any(other.name == session.name for other in sessions):
            session = replace(session, name=f"{len(sessions) + 1}-{session.name}")
        sessions.append(session)
    if not sessions:
        raise ResultsError(
            "no results: give files of pytest-benchmark, or make some with "
            "pytest --benchmark-only --benchmark-autosave"
        )
    return sorted(sessions, key=lambda session: session.time.timestamp())


def without_file(fullname: str) -> str:
    """Return pytest's id of a benchmark without its file; parameters may hold "::" as well."""
    function, bracket, parameters = fullname.partition("[")
    return function.rpartition("::")[2] + bracket + parameters


def changed_surroundings(before: Iterable[Session], after: Iterable[Session]) -> list[str]:
    """Return what differs beside the code, such as "numpy 1.26.4 to 2.1.0".

    That is Python, the kernel, runtimes and libraries, where their versions are known of both.
    """
    old, new = _surroundings(before), _surroundings(after)
    return [
        f"{name} {' or '.join(sorted(old[name]))} to {' or '.join(sorted(new[name]))}"
        for name in old
        if name in new and old[name] != new[name]
    ]


def _surroundings(sessions: Iterable[Session]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for session in sessions:
        machine = session.machine
        versions = {"Python": machine.get("python_version"), "kernel": machine.get("release")}
        versions |= {**machine.get("runtimes", {}), **machine.get("libraries", {})}
        for name, version in versions.items():
            if version:
                found.setdefault(name, set()).add(str(version))
    return found


def machine_info() -> dict[str, Any]:
    """Describe this machine as pytest-benchmark does, but for its name."""
    from pytest_benchmark.plugin import pytest_benchmark_generate_machine_info

    return {**pytest_benchmark_generate_machine_info(), "node": ""}


def processor(machine: Mapping[str, Any]) -> str:
    """Return the processor's name, cores, architecture and instruction sets, for people.

    Latencies are compared where this is the same.
    """
    cpu = machine.get("cpu", {})
    name = cpu.get("brand_raw") or machine.get("processor") or "unknown processor"
    flags = {str(flag).replace("_", "") for flag in cpu.get("flags") or ()}
    sets = [each for each in INSTRUCTION_SETS if each.replace("_", "") in flags]
    hidden = {each for name in sets for each in _HIDDEN_BY.get(name, ())}
    shown = " ".join(each.upper() for each in sets if each not in hidden)
    text = f"{name}, {cpu.get('count', '?')} cores, {machine.get('machine', '?')}"
    return f"{text} with {shown}" if shown else text


def _commit(name: str | None) -> str | None:
    """Return a commit; None for what pytest-benchmark calls it where there is none."""
    return name if name and re.fullmatch(r"[0-9a-f]{7,64}", name) else None


def _failures(data: Mapping[str, Any], file_format: int) -> dict[str, str]:
    """The first format told of benchmarks on a device only."""
    if file_format == 1:
        found = data.get("failed_device_benchmarks", [])
        return {str(each["name"]): str(each["reason"]) for each in found}
    return {str(each["fullname"]): str(each["reason"]) for each in data.get("failed", [])}


def _result(path: Path, benchmark: dict[str, Any], file_format: int) -> Result:
    name, times_s = benchmark["name"], benchmark["stats"].get("data")
    if not times_s:
        raise ResultsError(f"{path}: holds no rounds of {name}; save them with "
                           "--benchmark-save-data")  # fmt: skip
    if not all(isinstance(each, (int, float)) and 0 <= each < math.inf for each in times_s):
        raise ResultsError(f"{path}: a round of {name} is no time")
    info = dict(benchmark["extra_info"])
    if file_format == 1 and info.get("architecture"):  # then it was Keras' count
        info["trained_parameters"] = info.pop("parameters", None)
    result = Result(str(benchmark["fullname"]), tuple(map(float, times_s)), info)
    if not result.median_s:
        raise ResultsError(f"{path}: the median of {name} is not above zero")
    return result
