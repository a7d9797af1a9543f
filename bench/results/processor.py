"""The processor that something was measured on, from pytest-benchmark's `machine_info`."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from typing import Any

INSTRUCTION_SETS = (
    "sse4_1", "avx", "f16c", "fma", "avx2", "avxvnni", "avxvnniint8",
    "avx512f", "avx512vbmi", "avx512vnni", "gfni", "avx512fp16", "amx_int8", "amx_fp16",
    "neon", "asimd", "asimdhp", "asimddp", "asimdrdm", "i8mm", "bf16", "sve", "sve2", "sme", "sme2",
)  # fmt: skip
"""What XNNPACK chooses its kernels by (src/configs/hardware-config.c), as Linux names them: the
same model's time differs by more between two of these than between two processors of one."""

_HIDDEN_BY = {
    "avx512f": {"sse4_1", "avx", "f16c", "fma", "avx2"},
    "avx512vnni": {"avx512f"},
    "avx2": {"sse4_1", "avx"},
    "asimd": {"neon"},
    "asimddp": {"asimd", "asimdhp", "asimdrdm"},
}
"""Those that every processor with the first has too; a short text leaves them out."""


def machine_info() -> dict[str, Any]:
    """Describe this machine under the names that pytest-benchmark gives them."""
    import cpuinfo

    return {
        "machine": platform.machine(),
        "processor": platform.processor(),
        "system": platform.system(),
        "release": platform.release(),
        "python_implementation": platform.python_implementation(),
        "python_version": platform.python_version(),
        "cpu": cpuinfo.get_cpu_info() or {},
    }


def instruction_sets(machine: Mapping[str, Any]) -> list[str]:
    """Return those of `INSTRUCTION_SETS` that the processor has; none where that is unknown."""
    flags = {str(flag).replace("_", "") for flag in machine.get("cpu", {}).get("flags") or ()}
    return [name for name in INSTRUCTION_SETS if name.replace("_", "") in flags]


def processor(machine: Mapping[str, Any]) -> str:
    """Return the processor's name, cores, architecture and instruction sets, for people.

    Latencies are compared where this is the same.
    """
    cpu = machine.get("cpu", {})
    name = cpu.get("brand_raw") or machine.get("processor") or "unknown processor"
    sets = instruction_sets(machine)
    hidden = {each for name in sets for each in _HIDDEN_BY.get(name, ())}
    shown = " ".join(each.upper() for each in sets if each not in hidden)
    text = f"{name}, {cpu.get('count', '?')} cores, {machine.get('machine', '?')}"
    return f"{text} with {shown}" if shown else text
