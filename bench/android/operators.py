"""Time by operator on a phone, by the tool's own profiler."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

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
def on_phone(
    serial: str, tool: Path | None, **settings: Any
) -> Iterator[tuple[Callable[[Artifact], OperatorProfile], dict[str, str]]]:
    """Give what measures a model on a phone, and what the file says of the phone; nothing is left
    there. `settings` are those of `DeviceSettings`; raises as `Bench.measure`."""
    address, progress = ServerAddress.from_environment(), Progress()
    progress.tell = lambda line: print(line, file=sys.stderr)  # type: ignore[method-assign]
    is_ours = start_server(address)
    try:
        device = Device.open(address, serial, progress.tell)
        with Bench(device, lambda phone: find_tool(phone.abis, tool, phone.page_bytes)) as bench:
            machine = {"processor": bench.name, "machine": str(bench.identity.soc)}
            yield partial(_profile, bench, DeviceSettings(**settings), progress), machine
    finally:
        if is_ours:
            stop_server(address)


def _profile(
    bench: Bench, settings: DeviceSettings, progress: Progress, artifact: Artifact
) -> OperatorProfile:
    """Measure a model without the profiler, then with it."""
    settings = replace(settings, may_be_part=True)
    flagged = replace(settings, tool_flags=(*settings.tool_flags, f"{PROFILE_FLAG}=true"))
    bare, profiled = (bench.measure(artifact, each, progress) for each in (settings, flagged))
    rounds, nodes = profiled.sitting.rounds, artifact.details.nodes
    names, *others = {
        tuple((one.name, one.node, one.calls) for one in each.operators) for each in rounds
    }
    if others or not names:
        reason = f"no profile of {printable(artifact.name)} is printed, or another in each round"
        raise DeviceError(reason, bench.device.serial)
    means_us = operator_means([[one.microseconds for one in each.operators] for each in rounds])
    measured = [
        {"name": name, "node": node if node is not None and node < len(nodes) else None,
         "subgraph": 0, "microseconds": mean_us / calls}
        for (name, node, calls), mean_us in zip(names, means_us, strict=True)
        for _ in range(calls)
    ]  # fmt: skip
    operators = match(measured, nodes)
    said = rounds[0].tool
    took = [each.delegate for each in said.delegates if each.part != "none"]
    families = [name for name, family in FAMILIES.items() if any(map(family.search, took))]
    tells = families in ([], ["xnnpack"])  # by its operators' names what each of them computes
    operators = tuple(
        each if not each.is_delegated or (tells and "Delegate" not in each.name)
        else replace(each, multiply_accumulates=None) for each in operators
    )  # fmt: skip
    bare_us, profiled_us = (
        middle_mean([each.inference_ns / 1e3 for each in one.sitting.rounds])
        for one in (bare, profiled)
    )
    what = "no phone" if profiled.info["emulated"] else settings.delegate
    runtime = f"{said.generation} benchmark_model on {printable(bench.name)}, {what}"
    delegated_to = " or ".join(map(str.upper, families)) or "XNNPACK"
    return OperatorProfile(runtime, len(rounds), bare_us, profiled_us, operators, delegated_to)
