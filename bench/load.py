"""How busy a machine was: load average, time that a hypervisor took away, clock."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

BUSIEST_PER_CORE, MOST_STOLEN = 1.5, 0.1
"""Runnable processes a core, and share of stolen time, beyond which latencies say little."""


class Watch:
    """Watches the machine from its creation on."""

    def __init__(self) -> None:
        self._before = _ticks()

    def seen(self) -> dict[str, Any]:
        """Return what JSON says of the time since then; None where it is unknown here.

        The load average is of the last minute, the clock the mean of the cores as they are now.
        """
        before, now = self._before, _ticks()
        passed = sum(now) - sum(before)
        clocks = re.findall(r"^cpu MHz\s*: (\d+)", _text("/proc/cpuinfo"), re.MULTILINE)
        return {
            "load_average": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
            "steal_share": round((now[7] - before[7]) / passed, 4) if passed > 0 else None,
            "clock_mhz": sum(map(int, clocks)) // len(clocks) if clocks else None,
            "cores": os.cpu_count(),
        }


def disturbance(load: Mapping[str, Any]) -> str | None:
    """Say how a machine was disturbed beyond use, from `Watch.seen`; None where it was not."""
    average, cores, stolen = (load.get(key) for key in ("load_average", "cores", "steal_share"))
    found = []
    if average and cores and average > BUSIEST_PER_CORE * cores:
        found.append(f"load average {average:.1f} on {cores} cores")
    if stolen and stolen > MOST_STOLEN:
        found.append(f"{stolen:.0%} of the time stolen by other machines")
    return " and ".join(found) or None


def _ticks() -> list[int]:
    """Return those of all cores: user, nice, system, idle, iowait, irq, softirq, steal."""
    return [int(word) for word in _text("/proc/stat").partition("\n")[0].split()[1:9]]


def _text(path: str) -> str:
    return Path(path).read_text(encoding="utf-8") if Path(path).exists() else ""
