"""Make results of what `benchmark_model` printed on somebody else's phone: import LOG... [options].

Laboratories give back outputs of the tool, or the phone's log: each run in them is a round.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.android.adb.errors import DeviceError
from bench.android.rounds import Sitting
from bench.android.tool.delegation import FAMILIES, check_delegation
from bench.android.tool.output import DeviceRound, parse_round, without_prefix
from bench.results.rows import DEVICE
from bench.results.session import FORMAT, ResultsError, reading
from bench.tables import write_text
from models.files.artifacts import Artifact, user_model

_LOGGED = re.compile(r"\S+ \S+\s+(?P<process>\d+)\s+\d+ [VDIWEF] (?P<tag>\S+)\s*: ?(?P<text>.*)")
"""A line of `logcat -v threadtime`, which holds those of every process."""

_PARAMETER = re.compile(r"(?P<name>[\w#() ]+): \[(?P<value>.*)\]")
_SIZE = re.compile(r"^(?:\w+: )?The input model file size \(MB\): ([\d.]+)", re.MULTILINE)
_ASKED = {"Use gpu": "gpu", "Use NNAPI": "nnapi", "Use npu": "npu"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the subcommand's arguments."""
    parser.add_argument("logs", nargs="+", type=Path, metavar="LOG", help="outputs of one setup")
    parser.add_argument("--model", type=Path, required=True, help="the .tflite file that ran")
    parser.add_argument("--device", required=True, metavar="NAME", help="what to call the device")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FILE")


def run(arguments: argparse.Namespace) -> int:
    """Write the results as pytest-benchmark's JSON; outputs of unlike setups are refused."""
    artifact = user_model(arguments.model)
    rounds: list[DeviceRound] = []
    setups: list[dict[str, Any]] = []
    for number, path in enumerate(arguments.logs):
        with reading(path, "benchmark_model"):
            text = path.read_text(encoding="utf-8", errors="replace")
        if any(text == other.read_text("utf-8", "replace") for other in arguments.logs[:number]):
            raise ResultsError(f"{path}: holds the same as another of the logs")
        for output in _runs(text):
            try:
                rounds.append(parse_round(output, None))
                setups.append(_setup(output, rounds[-1], artifact))
            except DeviceError as error:
                raise ResultsError(f"{path}: {error}") from None
            for name, value in setups[-1].items():
                if value != setups[0][name]:
                    raise ResultsError(f"{path}: another {name} ({value}) than before "
                                       f"({setups[0][name]})")  # fmt: skip
    info = {
        **artifact.describe(), **Sitting(tuple(rounds), 0, 0, 0).describe(), **setups[0],
        "imported": True, "emulated": False, "process": None, "verified": None, "overhead": {},
        "device": {"serial": arguments.device, "model": arguments.device},
        "input": "unknown", "caches_dropped": None,
    }  # fmt: skip
    data = {
        "format": FORMAT, "version": "5.2.1", "datetime": datetime.now(UTC).isoformat(),
        "machine_info": {"node": "", "processor": arguments.device, "machine": "imported"},
        "commit_info": {"id": None, "time": None, "dirty": False}, "failed": [],
        "benchmarks": [_benchmark(quantity, rounds, info) for quantity in DEVICE],
    }  # fmt: skip
    write_text(arguments.output, json.dumps(data, indent=1, allow_nan=False) + "\n")
    return 0


def _benchmark(quantity: str, rounds: list[DeviceRound], info: dict[str, Any]) -> dict[str, Any]:
    field = quantity.removeprefix("test_device_") + "_ns"
    data = [getattr(each, field) / 1e9 for each in rounds]
    param = "-".join(
        [info["model"], info["device"]["serial"]]
        + ([f"{info['threads']}threads"] if info["threads"] not in (None, 1) else [])
        + ([info["delegate"]] if info["delegate"] != "cpu" else [])
    )
    name = f"{quantity}[{param}]"
    return {
        "group": None, "name": name, "fullname": f"bench/test_device_inference.py::{name}",
        "params": {"model": info["model"], "precision": info["precision"], "runtime": None},
        "param": param, "extra_info": info, "options": {},
        "stats": {
            "data": data, "rounds": len(data), "iterations": 1, "min": min(data), "max": max(data),
            "mean": statistics.fmean(data), "median": statistics.median(data),
            "stddev": statistics.stdev(data) if len(data) > 1 else 0.0,
        },
    }  # fmt: skip


def _runs(text: str) -> Iterator[str]:
    """Give the output of each run of the tool, which begins with STARTING!, out of a log."""
    runs: list[str] = []
    at: dict[str, int] = {}
    for line in text.splitlines():
        match = _LOGGED.fullmatch(line)
        process, said = (match["process"], match["text"]) if match else ("", line.strip())
        if without_prefix(said) == "STARTING!":
            at[process] = len(runs)
            runs.append("")
        if process in at and (match is None or match["tag"] in ("tflite", "litert")):
            runs[at[process]] += said + "\n"
    yield from runs or [text.rstrip("\n") + "\n"]


def _setup(output: str, found: DeviceRound, artifact: Artifact) -> dict[str, Any]:
    """Return how the tool ran, by its own word; what is no result of its label is refused."""
    texts = map(without_prefix, output.splitlines())
    flags = {match[1]: match[2] for match in map(_PARAMETER.fullmatch, texts) if match}
    file_mb = f"{len(artifact.read_bytes()) / 1e6:g}"
    if (size := _SIZE.search(output)) and size[1] != file_mb:
        raise DeviceError(f"it ran a file of {size[1]} MB, and {artifact.path} has {file_mb} MB")
    took = [each.delegate for each in found.tool.delegates if each.part != "none"]
    ran = [name for name, family in FAMILIES.items() if any(map(family.search, took))]
    ran = ran or ["external" for _ in took]
    asked = [name for said, name in _ASKED.items() if flags.get(said) in ("1", "true")]
    delegate = next((name for name in asked + ran if name != "xnnpack"), "cpu")
    check_delegation(delegate, found.tool.delegates, True, artifact.name)
    threads = flags.get("Num threads", "")
    return {
        "tool_flags": flags, "delegate": delegate, "threads": int(threads) if threads else None,
        "delegates": [vars(each) for each in found.tool.delegates],
        "tool_generation": found.tool.generation, "tick_ns": found.tool.tick_ns,
    }  # fmt: skip
