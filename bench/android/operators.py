"""Time by operator on a phone, by the tool's own profiler."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from bench.android.adb.device import Device
from bench.android.adb.errors import DeviceError, printable
from bench.android.adb.server import ServerAddress, start_server, stop_server
from bench.android.deployment import DeviceSettings
from bench.android.measure import Bench, Progress
from bench.android.tool.delegation import FAMILIES
from bench.android.tool.profile import PROFILE_FLAG
from bench.android.tool.program import find_tool
from models.files.artifacts import Artifact
from models.running.operator_times import OperatorProfile, match, middle_mean, operator_means


@contextlib.contextmanager
def opened(serial: str, tool: Path | None, progress: Progress) -> Iterator[Bench]:
    """Give what measures on a phone; nothing is left on it, nor a server that was not there."""
    address = ServerAddress.from_environment()
    is_ours = start_server(address)
    try:
        device = Device.open(address, serial, progress.tell)
        with Bench(device, lambda phone: find_tool(phone.abis, tool, phone.page_bytes)) as bench:
            yield bench
    finally:
        if is_ours:
            stop_server(address)


def profile_on(
    bench: Bench, artifact: Artifact, settings: DeviceSettings, progress: Progress
) -> OperatorProfile:
    """Measure a model without the profiler, then with it; raises as `Bench.measure`."""
    flags = (*settings.tool_flags, f"{PROFILE_FLAG}=true")
    bare = bench.measure(artifact, settings, progress)
    profiled = bench.measure(artifact, replace(settings, tool_flags=flags), progress)
    rounds = profiled.sitting.rounds
    names = [(each.name, each.node, each.calls) for each in rounds[0].operators]
    for each in rounds:
        if not names or names != [(one.name, one.node, one.calls) for one in each.operators]:
            raise DeviceError(
                f"benchmark_model printed no profile of {printable(artifact.name)}, or another in "
                "each round", bench.device.serial,
            )  # fmt: skip
    nodes = artifact.details.nodes
    means_us = operator_means([[one.microseconds for one in each.operators] for each in rounds])
    operators = match(
        [
            {"name": name, "node": node if node is not None and node < len(nodes) else None,
             "subgraph": 0, "microseconds": mean_us / calls}
            for (name, node, calls), mean_us in zip(names, means_us, strict=True)
            for _ in range(calls)
        ],
        nodes,
    )  # fmt: skip
    said = rounds[0].tool
    took = [each.delegate for each in said.delegates if each.part != "none"]
    families = [name for name, family in FAMILIES.items() if any(map(family.search, took))]
    if families not in ([], ["xnnpack"]):  # whose operators have names of their own
        operators = tuple(
            replace(each, multiply_accumulates=None) if each.is_delegated else each
            for each in operators
        )
    bare_us, profiled_us = (
        middle_mean([each.inference_ns / 1e3 for each in one.sitting.rounds])
        for one in (bare, profiled)
    )
    what = "no phone" if profiled.info["emulated"] else settings.delegate
    runtime = f"{said.generation} benchmark_model on {printable(bench.name)}, {what}"
    delegated_to = " or ".join(map(str.upper, families)) or "XNNPACK"
    return OperatorProfile(runtime, len(rounds), bare_us, profiled_us, operators, delegated_to)
