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


def tool_fault() -> str | None:
    """Count a run of `benchmark_model` and return what it has to do wrong, if anything."""
    path = Path(os.environ["EMULATED_ANDROID_ROOT"]) / FILE_NAME
    if not path.exists():
        return None
    state = json.loads(path.read_text())
    run = state["runs"]
    path.write_text(json.dumps({**state, "runs": run + 1}))
    return state["fault"] if run >= state["from_run"] else None
