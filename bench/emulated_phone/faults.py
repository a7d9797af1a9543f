"""What the emulated device can be told to do wrong."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

FILE_NAME = "faults.json"
"""Where the emulated `benchmark_model`, a process of its own, reads what to do wrong."""

TOOL_FAULTS = (
    "crash",
    "hang",
    "garbage",
    "half line",
    "backward clock",
    "wrong answer",
    "throttle",
    "delegate falls back",
    "not linked",
    "too old",
)


@dataclass
class Faults:
    """Faults of the device's connection and storage; all off to begin with.

    Attributes:
        unauthorized: the user never accepts this machine's key.
        offline: the device does not answer once connected.
        storage_bytes: how much may be pushed before the storage is full; None for no limit.
        drop_execute_permission: files arrive without their execute bits.
    """

    unauthorized: bool = False
    offline: bool = False
    storage_bytes: int | None = None
    drop_execute_permission: bool = False


def set_tool_fault(root: Path, fault: str | None, from_run: int = 0) -> None:
    """Let each run of `benchmark_model` from number `from_run` on do something wrong.

    Args:
        root: the device's root directory on this machine.
        fault: one of `TOOL_FAULTS`; None for none.
        from_run: how many runs of the tool go well first.
    """
    if fault is not None and fault not in TOOL_FAULTS:
        raise ValueError(f"unknown fault {fault!r}")
    (root / FILE_NAME).write_text(json.dumps({"fault": fault, "from_run": from_run, "runs": 0}))


def tool_runs(root: Path) -> int:
    """Return how many runs of `benchmark_model` have begun since a fault was set."""
    path = root / FILE_NAME
    try:
        return json.loads(path.read_text())["runs"]
    except (FileNotFoundError, ValueError):  # none was set, or it is being written
        return 0


def tool_fault() -> str | None:
    """Count a run of `benchmark_model` and return what it has to do wrong, if anything."""
    path = Path(os.environ["EMULATED_ANDROID_ROOT"]) / FILE_NAME
    if not path.exists():
        return None
    state = json.loads(path.read_text())
    run = state["runs"]
    path.write_text(json.dumps({**state, "runs": run + 1}))
    return state["fault"] if run >= state["from_run"] else None
