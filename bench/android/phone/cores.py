"""A device's cores: their frequencies, and which of them a model runs on."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

CPU_DIRECTORY = "/sys/devices/system/cpu"
_CORE_FILES = ("cpuinfo_max_freq", "scaling_max_freq", "scaling_cur_freq", "scaling_governor")

FREQUENCY_TOLERANCE = 0.99
"""A cap above this share of the core's maximum is rounding, not throttling."""


@dataclass(frozen=True)
class Core:
    """One core.

    Attributes:
        number: counted from 0, as in a CPU mask.
        max_khz: the hardware's highest frequency.
        cap_khz: the highest frequency that is allowed now.
        current_khz: the frequency that it runs at now.
        governor: what sets the frequency.
    """

    number: int
    max_khz: int | None
    cap_khz: int | None
    current_khz: int | None
    governor: str | None

    @property
    def is_capped(self) -> bool:
        """Whether it may not run as fast as it could."""
        if not self.max_khz or not self.cap_khz:
            return False
        return self.cap_khz < FREQUENCY_TOLERANCE * self.max_khz


def parse_cores(text: str) -> tuple[Core, ...]:
    """Read the lines `<…>/cpu<N>/cpufreq/<file>:<value>`."""
    found: dict[int, dict[str, str]] = {}
    for number, name, value in re.findall(r"/cpu(\d+)/cpufreq/(\w+):(.*)", text):
        if name in _CORE_FILES:
            found.setdefault(int(number), {})[name] = value.strip()
    return tuple(
        Core(
            number,
            whole_number(values.get("cpuinfo_max_freq")),
            whole_number(values.get("scaling_max_freq")),
            whole_number(values.get("scaling_cur_freq")),
            values.get("scaling_governor"),
        )
        for number, values in sorted(found.items())
    )


def parse_core_list(text: str) -> tuple[int, ...]:
    """Read a list such as "0-3,7" (the kernel's `online`, `Cpus_allowed_list`); () for no list."""
    text = text.strip()
    if not re.fullmatch(r"\d{1,4}(-\d{1,4})?(,\d{1,4}(-\d{1,4})?)*", text, re.ASCII):
        return ()
    ranges = [part.partition("-") for part in text.split(",")]
    return tuple(
        sorted({n for low, _, high in ranges for n in range(int(low), int(high or low) + 1)})
    )


def fastest_cores(cores: Sequence[Core], threads: int = 1) -> tuple[int, ...]:
    """Return the numbers of the cores of the highest maximum frequency.

    Where those are fewer than the threads, the next fastest join, until there are as many: two
    threads on one core wait for each other. () where no frequency is known.
    """
    known = sorted((core for core in cores if core.max_khz), key=lambda core: -(core.max_khz or 0))
    fastest = [core for core in known if core.max_khz == known[0].max_khz]
    return tuple(sorted(core.number for core in known[: max(len(fastest), threads)]))


def mask_of(cores: Sequence[int]) -> str | None:
    """Return the hexadecimal CPU mask of cores; None for no cores."""
    return f"{sum(1 << core for core in cores):x}" if cores else None


def cores_of(mask: str) -> tuple[int, ...]:
    """Return the cores of a hexadecimal CPU mask.

    Raises:
        ValueError: it is none, or is empty.
    """
    bits = int(mask, 16)
    if bits <= 0:
        raise ValueError(f"{mask!r} names no core")
    return tuple(core for core in range(bits.bit_length()) if bits >> core & 1)


def whole_number(text: str | None) -> int | None:
    """Read what a device says as a number of 0 or more; None where it is none."""
    return int(text) if text and text.isascii() and text.isdecimal() else None
