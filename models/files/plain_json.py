"""JSON as it is committed: short diffs, so a line a field and a line a row."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def to_json(data: dict[str, Any]) -> str:
    """Indent mappings; keep each list of plain values on one line."""
    return _indent(data, 0) + "\n"


def write_json(path: Path, data: dict[str, Any]) -> None:
    """Write a card or a record."""
    path.write_text(to_json(data), encoding="utf-8")


def _indent(value: Any, depth: int) -> str:
    inner, outer = "  " * (depth + 1), "  " * depth
    if isinstance(value, dict) and value:
        rows = [
            f"{inner}{json.dumps(key)}: {_indent(item, depth + 1)}" for key, item in value.items()
        ]
        return "{\n" + ",\n".join(rows) + f"\n{outer}}}"
    if isinstance(value, (list, tuple)) and any(
        isinstance(item, (list, tuple, dict)) for item in value
    ):
        rows = [inner + json.dumps(item) for item in value]
        return "[\n" + ",\n".join(rows) + f"\n{outer}]"
    return json.dumps(value)
