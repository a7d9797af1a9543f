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
_SIZE = re.compile(r"The input model file size \(MB\): (?P<mb>[\d.]+)")
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
    try:
        data = results_of(arguments.logs, artifact, arguments.device)
    except DeviceError as error:
        raise ResultsError(str(error)) from None
    write_text(arguments.output, json.dumps(data, indent=1, allow_nan=False) + "\n")
    return 0


def results_of(logs: list[Path], artifact: Artifact, device: str) -> dict[str, Any]:
    """Return what the JSON holds: the rounds of all logs, which have to be of one setup."""
    rounds: list[DeviceRound] = []
    first: dict[str, Any] = {}
    read: list[str] = []
    for path in logs:
        with reading(path, "benchmark_model"):
            text = path.read_text(encoding="utf-8", errors="replace")
        if text in read:
            raise ResultsError(f"{path}: holds the same as another of the logs")
        read.append(text)
        for output in _runs(text):
            try:
                found, setup = parse_round(output, None), _setup(output, artifact)
                check_delegation(
                    setup["delegate"] or _ran_by(found), found.tool.delegates, True, artifact.name
                )
            except DeviceError as error:
                raise ResultsError(f"{path}: {error}") from None
            setup["tool"] = (found.tool.generation, found.tool.tick_ns, found.tool.delegates)
            first = first or setup
            for name, value in setup.items():
                if value != first[name]:
                    raise ResultsError(f"{path}: another {name} ({value}) than {logs[0]} "
                                       f"({first[name]})")  # fmt: skip
            rounds.append(found)
    threads = first["flags"].get("Num threads")
    delegate = first["delegate"] or _ran_by(rounds[0])
    info = {
        **artifact.describe(), **Sitting(tuple(rounds), 0, 0, 0).describe(), "overhead": {},
        "imported": True, "emulated": False, "device": {"serial": device, "model": device},
        "threads": int(threads) if threads else None, "delegate": delegate, "process": None,
        "delegates": [vars(each) for each in rounds[0].tool.delegates], "verified": None,
        "tool_flags": first["flags"], "tool_generation": rounds[0].tool.generation,
        "tick_ns": rounds[0].tool.tick_ns, "input": "unknown", "caches_dropped": None,
    }  # fmt: skip
    how = ("" if delegate == "cpu" else f"-{delegate}") + (f"-{threads}threads" if threads else "")
    return {
        "format": FORMAT, "version": "5.2.1", "datetime": datetime.now(UTC).isoformat(),
        "machine_info": {"node": "", "processor": device, "machine": "imported", "cpu": {}},
        "commit_info": {"id": None, "time": None, "dirty": False}, "failed": [],
        "benchmarks": [
            _benchmark(quantity, f"{artifact.name}-{device}{how}", rounds, info)
            for quantity in DEVICE
        ],
    }  # fmt: skip


def _benchmark(
    quantity: str, setup: str, rounds: list[DeviceRound], info: dict[str, Any]
) -> dict[str, Any]:
    field = quantity.removeprefix("test_device_") + "_ns"
    data = [getattr(each, field) / 1e9 for each in rounds]
    name = f"{quantity}[{setup}]"
    return {
        "group": None, "name": name, "fullname": f"bench/test_device_inference.py::{name}",
        "params": {"model": info["model"], "precision": info["precision"], "runtime": None},
        "param": setup, "extra_info": info, "options": {},
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


def _setup(output: str, artifact: Artifact) -> dict[str, Any]:
    """Return how the tool was called, by its own word, and check that it ran this file."""
    texts = [without_prefix(line) for line in output.splitlines()]
    flags = {match["name"]: match["value"] for text in texts
             if (match := _PARAMETER.fullmatch(text)) is not None}  # fmt: skip
    sizes = [match["mb"] for text in texts if (match := _SIZE.fullmatch(text)) is not None]
    file_mb = f"{len(artifact.read_bytes()) / 1e6:g}"
    if sizes and sizes[0] != file_mb:
        raise DeviceError(f"it ran a file of {sizes[0]} MB, and {artifact.path} has {file_mb} MB")
    asked = [name for said, name in _ASKED.items() if flags.get(said) in ("1", "true")]
    return {"flags": flags, "delegate": asked[0] if asked else None}


def _ran_by(found: DeviceRound) -> str:
    """Return what to call what ran, where nothing says what was asked for."""
    took = [each.delegate for each in found.tool.delegates if each.part != "none"]
    names = [name for name, family in FAMILIES.items() for each in took if family.search(each)]
    return next((name for name in names if name != "xnnpack"), "cpu" if names or not took else
                "external")  # fmt: skip
