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
from dataclasses import dataclass, replace

from bench.android.adb.errors import NOT_EXECUTABLE, NOT_FOUND, DeviceError, printable
from bench.android.tool.delegation import Delegation, Delegations
from bench.android.tool.profile import ProfiledOperator, cut_profile

TICK_NS = 1_000
"""What the interpreter tool's clock is read in: microseconds."""

SUMMARY_TICK_NS = 10_000
"""What the CompiledModel tool's summary is printed in: 0.01 ms."""

UPTIME_TICK_S = 0.01
"""What /proc/uptime is printed in."""

CLOCK_SLACK = 0.05
"""How much more than the process the tool may claim to have measured, as a share of it."""

SIGNALLED = 128
"""Above it, an exit status of a shell holds the number of a signal."""


@dataclass(frozen=True)
class ToolFacts:
    """What is the same in all rounds of a model.

    `generation` is "interpreter" or "compiled", `tick_ns` the smallest difference that the printed
    durations can show; of `delegates` there is none where the tool names none.
    """

    generation: str
    tick_ns: int
    inferences: int
    warmups: int
    delegates: tuple[Delegation, ...]


@dataclass(frozen=True)
class DeviceRound:
    """One process of the tool: what it measured; None where it does not say."""

    load_ns: float  # from nothing to a model that can be invoked
    first_inference_ns: float  # the first after it
    inference_ns: float  # mean of the inferences after the warm-up
    percentiles_ns: tuple[float, float, float] | None  # 5th, median and 95th of these
    footprint_init_mb: float | None  # growth until the model was loaded
    footprint_overall_mb: float | None  # growth until the end
    process_s: float  # that the process lived, by the device's own clock (ticks of 0.01 s)
    tool: ToolFacts
    operators: tuple[ProfiledOperator, ...] = ()  # of an inference; () where unasked


@dataclass(frozen=True)
class Series:
    """What the tool says of one series of inferences."""

    count: int
    first_ns: float
    mean_ns: float
    min_ns: float
    percentiles_ns: tuple[float, float, float] | None = None


def parse_round(output: str, inferences: int | None, process_s: float = math.inf) -> DeviceRound:
    """Read everything that one run printed.

    Args:
        output: both streams of the tool, from its first character to its last.
        inferences: how many inferences were asked for; None where nobody knows.
        process_s: how long the process lived, by the device's own clock; a tool that claims to
            have measured for longer is refused.
    """
    lines = output.split("\n")
    if lines.pop():
        last = output.rpartition("\n")[2]
        raise DeviceError(f"the output ends in the middle of a line: {printable(last)}")
    if failure := find_failure(output):
        raise DeviceError(f"benchmark_model: {failure}")
    found = _Results()
    texts = list(map(without_prefix, lines))
    rest, operators = cut_profile("\n".join(texts))
    for text in rest.split("\n"):
        if not found.take(text) and _LOOKS_LIKE_A_RESULT.search(text):
            raise DeviceError(f"not understood: {printable(lines[texts.index(text)])}")
    said = next((line for line in reversed(lines) if line.strip()), "")
    last = f"the last line is: {printable(said)}" if said else "nothing was printed"
    return replace(found.to_round(inferences, process_s, last), operators=operators)


def parse_series(text: str) -> Series | None:
    """Read a `count=…` line without its prefix; None where it is none."""
    match = _SERIES.fullmatch(text)
    if match is None:
        return None
    count = int(match["count"])
    if match["only"] is not None:
        if (count > 1) != bool(match["same"]) or count < 1:
            raise DeviceError(f"contradicts itself: {printable(text)}")
        only_ns = int(match["only"]) * 1e3
        return Series(count, only_ns, only_ns, only_ns, (only_ns, only_ns, only_ns))
    mean, low, high = (float(match[name]) for name in ("avg", "min", "max"))
    # The mean is printed to six digits, so it may be rounded to just outside.
    slack = 1e-5 * max(abs(low), abs(high))
    first, last = int(match["first"]), int(match["last"])
    if count < 2 or not low - slack <= mean <= high + slack or not (
        low <= first <= high and low <= last <= high
    ):  # fmt: skip
        raise DeviceError(f"contradicts itself: {printable(text)}")
    p5, median, p95 = (float(match[name] or -1) for name in ("p5", "median", "p95"))
    has_percentiles = low <= p5 <= median <= p95 <= high
    percentiles_ns = (p5 * 1e3, median * 1e3, p95 * 1e3) if has_percentiles else None
    return Series(count, first * 1e3, mean * 1e3, low * 1e3, percentiles_ns)


def without_prefix(line: str) -> str:
    """Return a line without what the log puts before it."""
    return _PREFIX.sub("", line.removesuffix("\r"))


class _Results:
    """The results found so far; each may be there once."""

    def __init__(self) -> None:
        self.series: list[Series] = []
        self.values: dict[str, float] = {}
        self.runs: dict[str, int] = {}
        self.delegations = Delegations()

    def take(self, text: str) -> bool:
        """Take a line's result; return whether it was understood as one."""
        if (series := parse_series(text)) is not None:
            self.series.append(series)
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
        else:
            return self.delegations.take(text) or _NO_RESULT.match(text) is not None
        return True

    def to_round(self, inferences: int | None, process_s: float, last: str) -> DeviceRound:
        """Put the results together; `last` says what was printed last. Raises as `parse_round`."""
        is_compiled = "Model initialization" in self.values
        if "timings init" not in self.values and not is_compiled:
            raise DeviceError(f"no result line; {last}")
        if len(self.series) not in ((0, 2) if is_compiled else (2,)):
            raise DeviceError(
                f"{len(self.series)} lines with count=, expected one of the warm-up and one of "
                "the inferences"
            )
        load_ns, warmup, steady = (
            self._from_series(is_compiled) if self.series else self._from_summary(last)
        )
        for name, duration_ns in (
            ("load", load_ns), ("first_inference", warmup.first_ns), ("inference", steady.mean_ns),
            *(("shortest inference", each.min_ns) for each in self.series),
        ):  # fmt: skip
            is_short = name != "load" and steady.mean_ns < 2 * TICK_NS  # so that some are 0
            if duration_ns < 0 or not (duration_ns or is_short):
                raise DeviceError(
                    f"the device's clock ran backwards or stood still: {name} took "
                    f"{duration_ns / 1e3:g} us"
                )
        if inferences not in (None, steady.count):
            raise DeviceError(f"{steady.count} inferences were run, not {inferences}")
        measured_ns = load_ns + warmup.mean_ns * warmup.count + steady.mean_ns * steady.count
        if measured_ns / 1e9 > process_s * (1 + CLOCK_SLACK) + 2 * UPTIME_TICK_S:
            raise DeviceError(
                f"benchmark_model measured {measured_ns / 1e9:.2f} s in a process that lived for "
                f"{process_s:.2f} s"
            )
        return DeviceRound(
            load_ns=load_ns,
            first_inference_ns=warmup.first_ns,
            inference_ns=steady.mean_ns,
            percentiles_ns=steady.percentiles_ns,
            footprint_init_mb=self.values.get("Init footprint"),
            footprint_overall_mb=self.values.get("Overall footprint"),
            process_s=process_s,
            tool=ToolFacts(
                generation="compiled" if is_compiled else "interpreter",
                tick_ns=TICK_NS if self.series else SUMMARY_TICK_NS,
                inferences=steady.count,
                warmups=warmup.count,
                delegates=self.delegations.found(),
            ),
        )

    def _from_series(self, is_compiled: bool) -> tuple[float, Series, Series]:
        """Return the time of the load, and the two series, once the summary agrees with them."""
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
                raise DeviceError(
                    "the summary does not agree with the count= lines "
                    f"({summary_ns} ns, {series_ns} ns)"
                )
        return load_ns, warmup, steady

    def _from_summary(self, last: str) -> tuple[float, Series, Series]:
        names = ("Warmup (first)", "Warmup (avg)", "Inference (avg)")
        missing = [name for name in names if name not in self.values]
        missing += [name for name in names[1:] if name not in self.runs]
        if missing:
            raise DeviceError(f"{missing[0]} is missing; {last}")
        first_ns, warmup_ns, steady_ns = (self.values[name] for name in names)
        warmups, inferences = (self.runs[name] for name in names[1:])
        return (
            self.values["Model initialization"],
            Series(warmups, first_ns, warmup_ns, warmup_ns),
            Series(inferences, steady_ns, steady_ns, steady_ns),
        )

    def _put(self, name: str, value: float, text: str) -> None:
        if name in self.values:
            raise DeviceError(f"there twice: {printable(text)}")
        self.values[name] = value


def find_failure(output: str) -> str | None:
    """Return the line that says most about a failure that the tool itself reports, else None.

    That is its first error; `Benchmarking failed` alone says nothing.
    """
    lines = output.splitlines()
    if any(_TOO_OLD in line for line in lines):
        return f"it is too old ({_TOO_OLD!r}): give --device-tool one of 2020 or later"
    if not any(failure in line for line in lines for failure in _FAILURES):
        return None
    for line in lines:
        text = without_prefix(line)
        if _ERROR_PREFIX.match(line) or any(text.startswith(f) for f in _FAILURES):
            return printable(text)
    return printable(next(line for line in lines for f in _FAILURES if f in line))


def exit_error(status: int, output: str) -> DeviceError:
    """Return the error for an exit status of the tool other than 0."""
    said = next((line for line in reversed(output.splitlines()) if line.strip()), "")
    linker = next((line for line in output.splitlines() for each in _LINKER if each in line), None)
    if linker is not None:
        return DeviceError(f"the device cannot link benchmark_model: {printable(linker)}")
    if failure := find_failure(output):  # the tool says itself what is the matter
        return DeviceError(f"benchmark_model: {failure}")
    if status == NOT_FOUND:
        reason = "is not on the device, or what should load it"
        return DeviceError(f"benchmark_model {reason}: {printable(said)}")
    if status == NOT_EXECUTABLE:
        return DeviceError(f"the device cannot execute benchmark_model: {printable(said)}")
    if status > SIGNALLED:
        return DeviceError(f"benchmark_model crashed (signal {status - SIGNALLED})")
    return DeviceError(f"benchmark_model exited with status {status}: {printable(said)}")


_INTEGER = r"-?\d+"
_REAL = r"-?\d+(?:\.\d+)?(?:e[+-]\d+)?"
_PREFIX = re.compile(
    r"^(?:[IWEF]\d{4} \d\d:\d\d:\d+\.\d+ +\d+ [^]\s]+:\d+\] ?)?"  # absl's, of newer builds
    r"(?:(?:INFO|WARN(?:ING)?|ERROR|FATAL|VERBOSE): )?(?:\[[^]\s]+:\d+\] ?)?"
)
_ERROR_PREFIX = re.compile(r"^(?:[EF]\d{4} \d\d:\d\d:|ERROR: |FATAL: )")
_SERIES = re.compile(
    rf"count=(?P<count>\d+)"
    rf"(?: curr=(?P<only>{_INTEGER})(?P<same>\(all same\))?"
    rf"| first=(?P<first>{_INTEGER}) curr=(?P<last>{_INTEGER}) min=(?P<min>{_INTEGER})"
    rf" max=(?P<max>{_INTEGER}) avg=(?P<avg>{_REAL}) std=(?P<std>{_REAL}))"
    rf"(?: p5=(?P<p5>{_REAL}) median=(?P<median>{_REAL}) p95=(?P<p95>{_REAL}))?"
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
_SUMMARY_MEMORY = re.compile(
    rf"(?P<what>Init footprint|Overall footprint|Peak memory): +(?P<value>{_REAL}) MB"
)
_NO_RESULT = re.compile(
    rf"Inference \(std\): +{_REAL}$|Peak memory usage not available\. \(peak_mem_mb <= 0\)$"
    r"|Overall peak memory footprint \(MB\)"
)
"""Lines that look like results, and are of no use."""

_LOOKS_LIKE_A_RESULT = re.compile(
    r"count=|^Inference(?: timings| \()|^Warmup \(|^Model initialization|^Init footprint"
    r"|^Initialized session|^Overall footprint|^Peak memory|^Memory footprint delta"
    r"|delegate.*model graph will|^Replacing \d"
)

_TOO_OLD = "Average inference timings in us"
"""What builds of 2019 and before print in place of their results."""

_LINKER = ("CANNOT LINK EXECUTABLE", "error while loading shared libraries", "program alignment (")
"""In a line of the device's linker; it aborts afterwards, which looks like a crash of the tool."""

_FAILURES = (
    "Unconsumed cmdline flags", "Benchmarking failed", "Failed to apply", "Failed to parse flag",
    "Disallowed CPU fallback",
)  # fmt: skip
