"""Reading what `benchmark_model` printed; pure functions, which refuse what they do not understand.

Two generations of the tool are in use. The interpreter tool prints everything to stdout, in
microseconds. The CompiledModel tool prints a summary to stderr, in milliseconds to 0.01, and shares
the interpreter tool's lines in microseconds; those are taken where they are there.

Source: the TensorFlow Authors, tensorflow/lite/tools/benchmark/benchmark_model.cc (lines, order),
xla/tsl/util/stats_calculator.h (`Stat`), litert/tools/benchmark_litert_model.h (the summary).
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from bench.android.adb.errors import ClockError, OutputError, ToolError, printable

_INTEGER = r"-?\d+"
_REAL = r"-?\d+(?:\.\d+)?(?:e[+-]\d+)?"

_PREFIX = re.compile(r"^(?:INFO|WARN(?:ING)?|ERROR|FATAL|VERBOSE): (?:\[[^]\s]+:\d+\] ?)?")
_STATISTICS = re.compile(
    rf"count=(?P<count>\d+)"
    rf"(?: curr=(?P<only>{_INTEGER})(?P<same>\(all same\))?"
    rf"| first=(?P<first>{_INTEGER}) curr=(?P<last>{_INTEGER}) min=(?P<min>{_INTEGER})"
    rf" max=(?P<max>{_INTEGER}) avg=(?P<avg>{_REAL}) std=(?P<std>{_REAL})"
    rf"(?: p5=(?P<p5>{_REAL}) median=(?P<median>{_REAL}) p95=(?P<p95>{_REAL}))?)"
)
_TIMINGS = re.compile(
    rf"Inference timings in us: Init: (?P<init>{_INTEGER}), First inference: (?P<first>{_INTEGER}),"
    rf" Warmup \(avg\): (?P<warmup>{_REAL}), Inference \(avg\): (?P<inference>{_REAL})"
)
_SESSION = re.compile(rf"Initialized session in (?P<init>{_REAL})ms\.")
_FOOTPRINT = re.compile(
    r"(?:Memory footprint delta from the start of the tool|Peak memory footprint) \(MB\): "
    rf"init=(?P<init>{_REAL}) overall=(?P<overall>{_REAL})"
)
_SUMMARY = re.compile(
    r"(?P<what>Model initialization|Warmup \(first\)|Warmup \(avg\)|Inference \((?:avg|min|max)\)):"
    rf" +(?P<value>{_REAL}) ms(?: \((?P<runs>\d+) runs\))?"
)
_SUMMARY_OTHER = re.compile(rf"Inference \(std\): +{_REAL}")
_SUMMARY_MEMORY = re.compile(
    rf"(?P<what>Init footprint|Overall footprint|Peak memory): +(?P<value>{_REAL}) MB"
)
_DELEGATE = re.compile(
    r"Explicitly applied (?P<applied>.+?) delegate, and the model graph will be "
    r"(?:(?P<whole>completely) executed by the delegate\."
    r"|partially executed by the delegate w/ (?P<kernels>\d+) delegate kernels\.)"
    r"|Though (?P<unused>.+?) delegate is explicitly applied, the model graph will not be executed "
    r"by the delegate\."
)
_PARTITIONS = re.compile(
    r"Replacing (?P<taken>\d+) out of (?P<nodes>\d+) node\(s\) with delegate \((?P<name>[^)]+)\)"
    r" node, yielding (?P<partitions>\d+) partitions(?: for .+)?\."
)
_CPU_DELEGATE = "TfLiteXNNPackDelegate"
"""Takes what is left for the CPU, without being asked for."""

_FAILURES = (
    "Unconsumed cmdline flags",
    "Benchmarking failed",
    "Failed to apply",
    "Failed to parse flag",
    "Disallowed CPU fallback",
)
_LOOKS_LIKE_A_RESULT = re.compile(
    r"count=|^Inference(?: timings| \()|^Warmup \(|^Model initialization|^Init footprint"
    r"|^Initialized session|^Overall footprint|^Peak memory|^Memory footprint delta"
    r"|delegate.*model graph will"
)
_FLAG = re.compile(r"^\s*--(?P<name>\w+)=")

TICK_NS = 1_000
"""What the interpreter tool's clock is read in: microseconds."""

SUMMARY_TICK_NS = 10_000
"""What the CompiledModel tool's summary is printed in: 0.01 ms."""


@dataclass(frozen=True)
class Statistics:
    """What the tool says of one series of inferences.

    Attributes:
        count: number of inferences.
        first_ns: duration of the first.
        mean_ns: mean duration.
        min_ns, max_ns: the shortest and the longest.
    """

    count: int
    first_ns: float
    mean_ns: float
    min_ns: float
    max_ns: float


@dataclass(frozen=True)
class Delegation:
    """Whether a delegate took the graph.

    Attributes:
        delegate: its name.
        part: "whole", "part" or "none".
        kernels: number of delegate kernels, where it took a part.
    """

    delegate: str
    part: str
    kernels: int | None = None


@dataclass(frozen=True)
class ToolRun:
    """One run of `benchmark_model`.

    Attributes:
        load_ns: from nothing to a model that can be invoked.
        first_inference_ns: the first inference after it.
        inference_ns: mean of the inferences after the warm-up.
        inferences: how many those were.
        warmups: how many inferences the warm-up was, the first one included.
        measured_ns: what all of them took together, the load included.
        tick_ns: the smallest difference that the printed durations can show.
        footprint_init_mb: growth of the process until the model was loaded; None where unsaid.
        footprint_overall_mb: its growth until the end; None where unsaid.
        delegation: how much of the graph a delegate took that was asked for; None where the tool
            says nothing of one.
        generation: "interpreter" or "compiled".
    """

    load_ns: float
    first_inference_ns: float
    inference_ns: float
    inferences: int
    warmups: int
    measured_ns: float
    tick_ns: int
    footprint_init_mb: float | None
    footprint_overall_mb: float | None
    delegation: Delegation | None
    generation: str


def parse_run(output: str, inferences: int) -> ToolRun:
    """Read everything that one run printed.

    Args:
        output: both streams of the tool, from its first character to its last.
        inferences: how many inferences were asked for.

    Raises:
        ToolError: the tool says that it failed, or that it does not know a flag.
        OutputError: a result is missing, is there twice, or is not understood.
        ClockError: a duration is not positive.
    """
    lines = output.split("\n")
    if lines.pop():
        last = output.rpartition("\n")[2]
        raise OutputError(f"the output ends in the middle of a line: {printable(last)}", last)
    found = _Results()
    if failure := find_failure(output):
        raise ToolError(f"benchmark_model: {failure}", output=output)
    for line in lines:
        text = _without_prefix(line)
        if not found.take(text) and _LOOKS_LIKE_A_RESULT.search(text):
            raise OutputError(f"not understood: {printable(line)}", line, output=output)
    return found.to_run(inferences, lines)


def find_failure(output: str) -> str | None:
    """Return the line that says most about a failure that the tool itself reports, else None.

    That is its first error; `Benchmarking failed` alone says nothing.
    """
    lines = output.splitlines()
    if not any(failure in line for line in lines for failure in _FAILURES):
        return None
    for line in lines:
        text = _without_prefix(line)
        if line.startswith(("ERROR: ", "FATAL: ")) or any(text.startswith(f) for f in _FAILURES):
            return printable(text)
    return printable(next(line for line in lines for f in _FAILURES if f in line))


def parse_statistics(text: str) -> Statistics | None:
    """Read a `count=…` line without its prefix; None where it is none.

    Raises:
        OutputError: it contradicts itself.
    """
    match = _STATISTICS.fullmatch(text)
    if match is None:
        return None
    count = int(match["count"])
    if match["only"] is not None:
        if (count > 1) != bool(match["same"]) or count < 1:
            raise OutputError(f"contradicts itself: {printable(text)}", text)
        only_ns = int(match["only"]) * 1e3
        return Statistics(count, only_ns, only_ns, only_ns, only_ns)
    mean, low, high = (float(match[name]) for name in ("avg", "min", "max"))
    # The mean is printed to six digits, so it may be rounded to just outside.
    slack = 1e-5 * max(abs(low), abs(high))
    first, last = int(match["first"]), int(match["last"])
    if count < 2 or not low - slack <= mean <= high + slack or not (
        low <= first <= high and low <= last <= high
    ):  # fmt: skip
        raise OutputError(f"contradicts itself: {printable(text)}", text)
    return Statistics(count, first * 1e3, mean * 1e3, low * 1e3, high * 1e3)


def parse_flags(usage: str) -> frozenset[str]:
    """Return the names of the flags that the tool's `--help` lists.

    Raises:
        OutputError: it lists none.
    """
    names = frozenset(
        match["name"]
        for line in usage.splitlines()
        if (match := _FLAG.match(_without_prefix(line))) is not None
    )
    if not names:
        last = (usage.strip().splitlines() or [""])[-1]
        raise OutputError(f"--help lists no flags; its last line: {printable(last)}", last)
    return names


class _Results:
    """The results found so far; each may be there once."""

    def __init__(self) -> None:
        self.series: list[Statistics] = []
        self.values: dict[str, float] = {}
        self.runs: dict[str, int] = {}
        self.delegation: Delegation | None = None
        self.partitions: Delegation | None = None

    def take(self, text: str) -> bool:
        """Take a line's result; return whether it was understood as one."""
        if (statistics := parse_statistics(text)) is not None:
            self.series.append(statistics)
        elif (match := _TIMINGS.fullmatch(text)) is not None:
            for name in ("init", "first", "warmup", "inference"):
                self._put(f"timings {name}", float(match[name]) * 1e3, text)
        elif (match := _SESSION.fullmatch(text)) is not None:
            self._put("session", float(match["init"]) * 1e6, text)
        elif (match := _FOOTPRINT.fullmatch(text)) is not None:
            self._put("Init footprint", float(match["init"]), text)
            self._put("Overall footprint", float(match["overall"]), text)
        elif (match := _SUMMARY.fullmatch(text)) is not None:
            self._put(match["what"], float(match["value"]) * 1e6, text)
            if match["runs"] is not None:
                self.runs[match["what"]] = int(match["runs"])
        elif (match := _SUMMARY_MEMORY.fullmatch(text)) is not None:
            self._put(match["what"], float(match["value"]), text)
        elif (match := _DELEGATE.fullmatch(text)) is not None:
            self.delegation = _delegation(match)
        elif (match := _PARTITIONS.fullmatch(text)) is not None:
            if match["name"] != _CPU_DELEGATE and self.partitions is None:
                self.partitions = _delegation_of_partitions(match)
        else:
            return (
                _SUMMARY_OTHER.fullmatch(text) is not None
                or text == "Peak memory usage not available. (peak_mem_mb <= 0)"
                or text.startswith("Overall peak memory footprint (MB)")
            )
        return True

    def to_run(self, inferences: int, lines: Sequence[str]) -> ToolRun:
        """Put the results together.

        Raises:
            OutputError, ClockError: see `parse_run`.
        """
        is_compiled = "Model initialization" in self.values
        if "timings init" not in self.values and not is_compiled:
            raise OutputError(f"no result line; {_last_of(lines)}", _last_line(lines))
        if len(self.series) not in ((0, 2) if is_compiled else (2,)):
            raise OutputError(
                f"{len(self.series)} lines with count=, expected one of the warm-up and one of "
                "the inferences"
            )
        run = self._from_series(is_compiled) if self.series else self._from_summary(lines)
        for name in ("load_ns", "first_inference_ns", "inference_ns"):
            _check_duration(name.removesuffix("_ns"), getattr(run, name))
        for statistics in self.series:
            _check_duration("shortest inference", statistics.min_ns)
        if run.inferences != inferences:
            raise OutputError(f"{run.inferences} inferences were run, not {inferences}")
        return run

    def _from_series(self, is_compiled: bool) -> ToolRun:
        warmup, steady = self.series
        if is_compiled:
            load_ns = self.values.get("session", self.values["Model initialization"])
            agreed = {"Inference (avg)": steady.mean_ns, "Warmup (first)": warmup.first_ns}
            slack_ns = SUMMARY_TICK_NS
        else:
            load_ns = self.values["timings init"]
            agreed = {
                "timings inference": steady.mean_ns,
                "timings warmup": warmup.mean_ns,
                "timings first": warmup.first_ns,
            }
            slack_ns = 1
        for name, series_ns in agreed.items():
            summary_ns = self.values.get(name, math.nan)
            if not math.isclose(summary_ns, series_ns, rel_tol=1e-5, abs_tol=slack_ns):
                raise OutputError(
                    "the summary does not agree with the count= lines "
                    f"({summary_ns} ns, {series_ns} ns)"
                )
        return ToolRun(
            load_ns=load_ns,
            first_inference_ns=warmup.first_ns,
            inference_ns=steady.mean_ns,
            inferences=steady.count,
            warmups=warmup.count,
            measured_ns=load_ns + warmup.mean_ns * warmup.count + steady.mean_ns * steady.count,
            tick_ns=TICK_NS,
            **self._common("compiled" if is_compiled else "interpreter"),
        )

    def _from_summary(self, lines: Sequence[str]) -> ToolRun:
        names = ("Warmup (first)", "Warmup (avg)", "Inference (avg)")
        missing = [name for name in names if name not in self.values]
        missing += [name for name in names[1:] if name not in self.runs]
        if missing:
            raise OutputError(f"{missing[0]} is missing; {_last_of(lines)}", _last_line(lines))
        values, runs = self.values, self.runs
        return ToolRun(
            load_ns=values["Model initialization"],
            first_inference_ns=values["Warmup (first)"],
            inference_ns=values["Inference (avg)"],
            inferences=runs["Inference (avg)"],
            warmups=runs["Warmup (avg)"],
            measured_ns=values["Model initialization"]
            + values["Warmup (avg)"] * runs["Warmup (avg)"]
            + values["Inference (avg)"] * runs["Inference (avg)"],
            tick_ns=SUMMARY_TICK_NS,
            **self._common("compiled"),
        )

    def _common(self, generation: str) -> dict:
        return {
            "footprint_init_mb": self.values.get("Init footprint"),
            "footprint_overall_mb": self.values.get("Overall footprint"),
            "delegation": self.delegation or self.partitions,
            "generation": generation,
        }

    def _put(self, name: str, value: float, text: str) -> None:
        if name in self.values:
            raise OutputError(f"there twice: {printable(text)}", text)
        self.values[name] = value


def _delegation(match: re.Match[str]) -> Delegation:
    if match["unused"] is not None:
        return Delegation(match["unused"], "none")
    if match["whole"] is not None:
        return Delegation(match["applied"], "whole")
    return Delegation(match["applied"], "part", int(match["kernels"]))


def _delegation_of_partitions(match: re.Match[str]) -> Delegation:
    """Read what the runtime itself logs, whichever tool it is in."""
    partitions = int(match["partitions"])
    if match["taken"] == match["nodes"] and partitions == 1:
        return Delegation(match["name"], "whole")
    return Delegation(match["name"], "part" if int(match["taken"]) else "none", partitions)


def _check_duration(name: str, duration_ns: float) -> None:
    if not duration_ns > 0:
        raise ClockError(
            f"the device's clock ran backwards or stood still: {name} took {duration_ns / 1e3:g} us"
        )


def _without_prefix(line: str) -> str:
    return _PREFIX.sub("", line.removesuffix("\r"))


def _last_line(lines: Sequence[str]) -> str:
    return next((line for line in reversed(lines) if line.strip()), "")


def _last_of(lines: Sequence[str]) -> str:
    last = _last_line(lines)
    return f"the last line is: {printable(last)}" if last else "nothing was printed"
