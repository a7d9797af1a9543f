"""How long each operator took, as `--enable_op_profiling` makes the tool print it.

The interpreter tool prints means of an inference; the CompiledModel tool sums up all of them, and
tells what ran inside of delegates by its kind alone.

Source: the TensorFlow Authors, xla/tsl/util/stats_calculator.cc and
tensorflow/lite/profiling/profile_summary_formatter.cc; litert/runtime/profiler_summarizer.cc.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from bench.android.adb.errors import DeviceError, printable

PROFILE_FLAG = "enable_op_profiling"
SHARE_DIGIT = 1e-5
"""The last digit of an operator's share of all; that of the mean of a call is a microsecond."""


@dataclass(frozen=True)
class ProfiledOperator:
    """What `calls` of one operator take together in an inference.

    `node` is its place in the graph, where delegates stand behind the file's nodes; None for what
    runs inside of a delegate.
    """

    name: str
    node: int | None
    calls: int
    microseconds: float


def cut_profile(text: str) -> tuple[str, tuple[ProfiledOperator, ...]]:
    """Return an output without the profiler's reports, and the operators of an inference.

    Where delegates have a report of their own, it stands for the one kind of delegate that ran; of
    several kinds nothing tells which it is of, and each of them stays one operator.
    """
    graph: list[ProfiledOperator] = []
    inside: list[ProfiledOperator] = []
    regular = text.rpartition(_REGULAR)[2]
    for match in _REPORT.finditer(regular):
        if not match["of"].startswith("Subgraph"):  # whose time is its operator's in the graph
            (inside if match["of"].startswith("Delegate") else graph).extend(_operators(match))
    if "\nModel initialization:" in text and graph:
        runs = min(each.calls for each in graph)
        totals = _STATISTICS.search(regular)
        inside += [
            ProfiledOperator(row["name"].removeprefix("Delegate/"), None, int(row["calls"]),
                             float(row["total"]))
            for row in _TOTAL.finditer(totals[1] if totals else "")
        ]  # fmt: skip
        graph, inside = (
            [replace(each, calls=max(1, each.calls // runs), microseconds=each.microseconds / runs)
             for each in part] for part in (graph, inside)
        )  # fmt: skip
    kernels = {each.name for each in graph if _DELEGATE.search(each.name)}
    if inside and len(kernels) == 1:
        graph = [each for each in graph if each.name not in kernels] + inside
    return _STATISTICS.sub("", _REPORT.sub(r"\g<of>\n", text)), tuple(graph)


def _operators(report: re.Match) -> list[ProfiledOperator]:
    head, *lines = report["rows"].split("\n")
    timings = _TOTAL_US.search(report["timings"])
    if timings is None:
        raise DeviceError(f"no time of all operators: {printable(report['timings'])}")
    found = []
    for line in lines:
        row = (_OLD_ROW if "[start]" in head else _ROW).fullmatch(line.strip())
        if row is None:
            raise DeviceError(f"no row of a profile: {printable(line)}")
        node = None if row["name"].startswith("Delegate/") else int(row["node"])
        calls, total_us = int(row["calls"]), float(timings[1])
        microseconds = 1e3 * float(row["mean"]) * calls
        if total_us * SHARE_DIGIT < calls:
            microseconds = float(row["share"]) / 100 * total_us
        found.append(ProfiledOperator(row["type"], node, calls, microseconds))
    return found


_REGULAR = "Operator-wise Profiling Info for Regular Benchmark Runs:"
_REPORT = re.compile(
    r"^(?P<of>[^\n]*)\n[ \t]*=+ Run Order =+\n(?P<rows>.*?)\n[ \t]*\n.*?"
    r"Timings \(microseconds\): (?P<timings>[^\n]*)(?:\n[ \t]*Memory \(bytes\): count=0)?",
    re.MULTILINE | re.DOTALL,
)
_MS = r"-?\d+\.\d+"
_NUMBERS = (
    rf"{_MS}\s+(?P<mean>{_MS})\s+(?P<share>{_MS})%\s+{_MS}%\s+{_MS}\s+(?P<calls>\d+)\s+"
    r"(?P<name>\S.*?[:/](?P<node>\d+))"
)
_ROW = re.compile(rf"(?P<type>\S.*?)\s+{_NUMBERS}")
_OLD_ROW = re.compile(rf"(?P<type>\S.*?)\s+{_MS}\s+{_NUMBERS}")
_TOTAL_US = re.compile(r"(?:avg|curr)=([\d.]+(?:e\+\d+)?)(?!.*avg=)")
_STATISTICS = re.compile(r"^Delegate Statistics:\n[^\n]*\n((?:\S[^\n]* \d+\n)*)", re.MULTILINE)
_TOTAL = re.compile(
    r"^(?P<name>\S.*?) +(?P<calls>\d+) +[\d.]+ +\d+ +\d+ +(?P<total>\d+)$", re.MULTILINE
)
_DELEGATE = re.compile("delegate|litert_", re.IGNORECASE)
