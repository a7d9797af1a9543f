"""Whether two results may be compared."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SAME = (
    ("model", "of different models"),
    ("device.model", "from different kinds of device"),
    ("threads", "with different numbers of threads"),
    ("delegate", "with different delegates"),
    ("cpu_mask", "on different cores"),
    ("tool_sha256", "by different builds of benchmark_model"),
    ("input", "with different kinds of input"),
)
"""What of a device's `extra_info` must be the same, and what is said where it is not."""

SAME_ON_HOST = ("threads", "protocol", "source", "dtype")
"""What of a host benchmark's `extra_info` must be the same."""


def incomparable(
    base: Mapping[str, Mapping[str, Any]], head: Mapping[str, Mapping[str, Any]]
) -> list[str]:
    """Say which benchmarks must not be compared, and why, from their `extra_info`."""
    found = {name: _difference(old, head[name]) for name, old in base.items()}
    return [f"{name}: {reason}" for name, reason in found.items() if reason is not None]


def _difference(first: Mapping[str, Any], second: Mapping[str, Any]) -> str | None:
    kinds = [_kind(info) for info in (first, second)]
    if kinds[0] != kinds[1]:
        return f"one was measured on {kinds[0]}, the other on {kinds[1]}"
    for path, difference in SAME if "device" in first else ():
        if _at(first, path) != _at(second, path):
            return f"measured {difference} ({_at(first, path)}, {_at(second, path)})"
    for key in SAME_ON_HOST:
        if first.get(key) != second.get(key):
            return f"other {key} ({first.get(key)}, {second.get(key)})"
    return None


def _kind(info: Mapping[str, Any]) -> str:
    if "device" not in info:
        return "a host"
    return "an emulated device" if info.get("emulated") else "a phone"


def _at(info: Mapping[str, Any], path: str) -> Any:
    value: Any = info
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value
