"""Reading what `benchmark_model` printed; pure functions, which refuse what they do not understand.

Two generations of the tool are in use. The interpreter tool prints everything to stdout, in
microseconds. The CompiledModel tool prints a summary to stderr, in milliseconds to 0.01, and shares
the interpreter tool's lines in microseconds; those are taken where they are there.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from bench.android.adb.errors import DeviceError, OutputError, printable
from bench.android.tool.result_lines import (
    CPU_DELEGATE,
    DELEGATE,
    FOOTPRINT,
    LOOKS_LIKE_A_RESULT,
    PARTITIONS,
    SESSION,
    SUMMARY,
    SUMMARY_MEMORY,
    SUMMARY_OTHER,
    TIMINGS,
    delegation,
    delegation_of_partitions,
    parse_statistics,
    without_prefix,
)
from bench.android.tool.tool_failures import find_failure
from bench.android.tool.tool_run import (
    SUMMARY_TICK_NS,
    TICK_NS,
    Delegation,
    Statistics,
    ToolRun,
)


def parse_run(output: str, inferences: int) -> ToolRun:
    """Read everything that one run printed.

    Args:
        output: both streams of the tool, from its first character to its last.
        inferences: how many inferences were asked for.

    Raises:
        DeviceError: the tool says that it failed, or a duration is not positive.
        OutputError: a result is missing, is there twice, or is not understood.
    """
    lines = output.split("\n")
    if lines.pop():
        last = output.rpartition("\n")[2]
        raise OutputError(f"the output ends in the middle of a line: {printable(last)}")
    found = _Results()
    if failure := find_failure(output):
        raise DeviceError(f"benchmark_model: {failure}")
    for line in lines:
        text = without_prefix(line)
        if not found.take(text) and LOOKS_LIKE_A_RESULT.search(text):
            raise OutputError(f"not understood: {printable(line)}")
    return found.to_run(inferences, lines)


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
        elif (match := TIMINGS.fullmatch(text)) is not None:
            for name in ("init", "first", "warmup", "inference"):
                self._put(f"timings {name}", float(match[name]) * 1e3, text)
        elif (match := SESSION.fullmatch(text)) is not None:
            self._put("session", float(match["init"]) * 1e6, text)
        elif (match := FOOTPRINT.fullmatch(text)) is not None:
            self._put("Init footprint", float(match["init"]), text)
            self._put("Overall footprint", float(match["overall"]), text)
        elif (match := SUMMARY.fullmatch(text)) is not None:
            self._put(match["what"], float(match["value"]) * 1e6, text)
            if match["runs"] is not None:
                self.runs[match["what"]] = int(match["runs"])
        elif (match := SUMMARY_MEMORY.fullmatch(text)) is not None:
            self._put(match["what"], float(match["value"]), text)
        elif (match := DELEGATE.fullmatch(text)) is not None:
            self.delegation = delegation(match)
        elif (match := PARTITIONS.fullmatch(text)) is not None:
            if match["name"] != CPU_DELEGATE and self.partitions is None:
                self.partitions = delegation_of_partitions(match)
        else:
            return (
                SUMMARY_OTHER.fullmatch(text) is not None
                or text == "Peak memory usage not available. (peak_mem_mb <= 0)"
                or text.startswith("Overall peak memory footprint (MB)")
            )
        return True

    def to_run(self, inferences: int, lines: Sequence[str]) -> ToolRun:
        """Put the results together.

        Raises:
            OutputError, DeviceError: see `parse_run`.
        """
        is_compiled = "Model initialization" in self.values
        if "timings init" not in self.values and not is_compiled:
            raise OutputError(f"no result line; {_last_of(lines)}")
        if len(self.series) not in ((0, 2) if is_compiled else (2,)):
            raise OutputError(
                f"{len(self.series)} lines with count=, expected one of the warm-up and one of "
                "the inferences"
            )
        load_ns, warmup, steady = (
            self._from_series(is_compiled) if self.series else self._from_summary(lines)
        )
        run = ToolRun(
            load_ns=load_ns,
            first_inference_ns=warmup.first_ns,
            inference_ns=steady.mean_ns,
            inferences=steady.count,
            warmups=warmup.count,
            measured_ns=load_ns + warmup.mean_ns * warmup.count + steady.mean_ns * steady.count,
            tick_ns=TICK_NS if self.series else SUMMARY_TICK_NS,
            footprint_init_mb=self.values.get("Init footprint"),
            footprint_overall_mb=self.values.get("Overall footprint"),
            delegation=self.delegation or self.partitions,
            generation="compiled" if is_compiled else "interpreter",
        )
        for name in ("load_ns", "first_inference_ns", "inference_ns"):
            _check_duration(name.removesuffix("_ns"), getattr(run, name))
        for statistics in self.series:
            _check_duration("shortest inference", statistics.min_ns)
        if run.inferences != inferences:
            raise OutputError(f"{run.inferences} inferences were run, not {inferences}")
        return run

    def _from_series(self, is_compiled: bool) -> tuple[float, Statistics, Statistics]:
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
                raise OutputError(
                    "the summary does not agree with the count= lines "
                    f"({summary_ns} ns, {series_ns} ns)"
                )
        return load_ns, warmup, steady

    def _from_summary(self, lines: Sequence[str]) -> tuple[float, Statistics, Statistics]:
        names = ("Warmup (first)", "Warmup (avg)", "Inference (avg)")
        missing = [name for name in names if name not in self.values]
        missing += [name for name in names[1:] if name not in self.runs]
        if missing:
            raise OutputError(f"{missing[0]} is missing; {_last_of(lines)}")
        first_ns, warmup_ns, steady_ns = (self.values[name] for name in names)
        warmups, inferences = (self.runs[name] for name in names[1:])
        return (
            self.values["Model initialization"],
            Statistics(warmups, first_ns, warmup_ns, warmup_ns),
            Statistics(inferences, steady_ns, steady_ns, steady_ns),
        )

    def _put(self, name: str, value: float, text: str) -> None:
        if name in self.values:
            raise OutputError(f"there twice: {printable(text)}")
        self.values[name] = value


def _check_duration(name: str, duration_ns: float) -> None:
    if not duration_ns > 0:
        raise DeviceError(
            f"the device's clock ran backwards or stood still: {name} took {duration_ns / 1e3:g} us"
        )


def _last_of(lines: Sequence[str]) -> str:
    last = next((line for line in reversed(lines) if line.strip()), "")
    return f"the last line is: {printable(last)}" if last else "nothing was printed"
