"""The lines in which `benchmark_model` prints its results, one by one.

Source: the TensorFlow Authors, tensorflow/lite/tools/benchmark/benchmark_model.cc (lines, order),
xla/tsl/util/stats_calculator.h (`Stat`), litert/tools/benchmark_litert_model.h (the summary).
"""

from __future__ import annotations

import re

from bench.android.adb.errors import OutputError, printable
from bench.android.tool.tool_run import Delegation, Statistics

_INTEGER = r"-?\d+"
_REAL = r"-?\d+(?:\.\d+)?(?:e[+-]\d+)?"

PREFIX = re.compile(
    r"^(?:[IWEF]\d{4} \d\d:\d\d:\d+\.\d+ +\d+ [^]\s]+:\d+\] ?)?"  # absl's, of newer builds
    r"(?:(?:INFO|WARN(?:ING)?|ERROR|FATAL|VERBOSE): )?(?:\[[^]\s]+:\d+\] ?)?"
)
ERROR_PREFIX = re.compile(r"^(?:[EF]\d{4} \d\d:\d\d:|ERROR: |FATAL: )")
STATISTICS = re.compile(
    rf"count=(?P<count>\d+)"
    rf"(?: curr=(?P<only>{_INTEGER})(?P<same>\(all same\))?"
    rf"| first=(?P<first>{_INTEGER}) curr=(?P<last>{_INTEGER}) min=(?P<min>{_INTEGER})"
    rf" max=(?P<max>{_INTEGER}) avg=(?P<avg>{_REAL}) std=(?P<std>{_REAL})"
    rf"(?: p5=(?P<p5>{_REAL}) median=(?P<median>{_REAL}) p95=(?P<p95>{_REAL}))?)"
)
TIMINGS = re.compile(
    rf"Inference timings in us: Init: (?P<init>{_INTEGER}), First inference: (?P<first>{_INTEGER}),"
    rf" Warmup \(avg\): (?P<warmup>{_REAL}), Inference \(avg\): (?P<inference>{_REAL})"
)
SESSION = re.compile(rf"Initialized session in (?P<init>{_REAL})ms\.")
FOOTPRINT = re.compile(
    r"(?:Memory footprint delta from the start of the tool|Peak memory footprint) \(MB\): "
    rf"init=(?P<init>{_REAL}) overall=(?P<overall>{_REAL})"
)
SUMMARY = re.compile(
    r"(?P<what>Model initialization|Warmup \(first\)|Warmup \(avg\)|Inference \((?:avg|min|max)\)):"
    rf" +(?P<value>{_REAL}) ms(?: \((?P<runs>\d+) runs\))?"
)
SUMMARY_OTHER = re.compile(rf"Inference \(std\): +{_REAL}")
SUMMARY_MEMORY = re.compile(
    rf"(?P<what>Init footprint|Overall footprint|Peak memory): +(?P<value>{_REAL}) MB"
)
DELEGATE = re.compile(
    r"Explicitly applied (?P<applied>.+?) delegate, and the model graph will be "
    r"(?:(?P<whole>completely) executed by the delegate\."
    r"|partially executed by the delegate w/ (?P<kernels>\d+) delegate kernels\.)"
    r"|Though (?P<unused>.+?) delegate is explicitly applied, the model graph will not be executed "
    r"by the delegate\."
)
PARTITIONS = re.compile(
    r"Replacing (?P<taken>\d+) out of (?P<nodes>\d+) node\(s\) with delegate \((?P<name>[^)]+)\)"
    r" node, yielding (?P<partitions>\d+) partitions(?: for .+)?\."
)
CPU_DELEGATE = "TfLiteXNNPackDelegate"
"""Takes what is left for the CPU, without being asked for."""
TOO_OLD = "Average inference timings in us"
"""What builds of 2019 and before print in place of their results."""

LOOKS_LIKE_A_RESULT = re.compile(
    r"count=|^Inference(?: timings| \()|^Warmup \(|^Model initialization|^Init footprint"
    r"|^Initialized session|^Overall footprint|^Peak memory|^Memory footprint delta"
    r"|delegate.*model graph will"
)


def without_prefix(line: str) -> str:
    return PREFIX.sub("", line.removesuffix("\r"))


def parse_statistics(text: str) -> Statistics | None:
    """Read a `count=…` line without its prefix; None where it is none.

    Raises:
        OutputError: it contradicts itself.
    """
    match = STATISTICS.fullmatch(text)
    if match is None:
        return None
    count = int(match["count"])
    if match["only"] is not None:
        if (count > 1) != bool(match["same"]) or count < 1:
            raise OutputError(f"contradicts itself: {printable(text)}")
        only_ns = int(match["only"]) * 1e3
        return Statistics(count, only_ns, only_ns, only_ns)
    mean, low, high = (float(match[name]) for name in ("avg", "min", "max"))
    # The mean is printed to six digits, so it may be rounded to just outside.
    slack = 1e-5 * max(abs(low), abs(high))
    first, last = int(match["first"]), int(match["last"])
    if count < 2 or not low - slack <= mean <= high + slack or not (
        low <= first <= high and low <= last <= high
    ):  # fmt: skip
        raise OutputError(f"contradicts itself: {printable(text)}")
    return Statistics(count, first * 1e3, mean * 1e3, low * 1e3)


def delegation(match: re.Match[str]) -> Delegation:
    if match["unused"] is not None:
        return Delegation(match["unused"], "none")
    if match["whole"] is not None:
        return Delegation(match["applied"], "whole")
    return Delegation(match["applied"], "part", int(match["kernels"]))


def delegation_of_partitions(match: re.Match[str]) -> Delegation:
    """Read what the runtime itself logs, whichever tool it is in."""
    partitions = int(match["partitions"])
    if match["taken"] == match["nodes"] and partitions == 1:
        return Delegation(match["name"], "whole")
    return Delegation(match["name"], "part" if int(match["taken"]) else "none", partitions)
