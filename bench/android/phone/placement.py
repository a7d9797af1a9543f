"""On which cores the tool's threads run; tried before the first model is measured."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bench.android.adb.device import NOT_FOUND, Device
from bench.android.adb.errors import DeviceError, printable
from bench.android.phone.cores import (
    Core,
    cores_of,
    fastest_cores,
    mask_of,
    parse_core_list,
)
from bench.android.phone.phone_conditions import Conditions


@dataclass(frozen=True)
class Placement:
    """The cores that a measurement runs on.

    Attributes:
        cores: their numbers; () where the device's scheduler chooses.
        note: why these are not the fastest ones, or none; None where all is as wished.
    """

    cores: tuple[int, ...]
    note: str | None = None

    @property
    def mask(self) -> str | None:
        """The hexadecimal CPU mask; None where the device's scheduler chooses."""
        return mask_of(self.cores)


def place(device: Device, conditions: Conditions, threads: int, wished: str | None) -> Placement:
    """Choose cores, and try whether the device runs something on them.

    Args:
        wished: the user's mask (hexadecimal); None for the fastest cores.

    Raises:
        DeviceError: the user's mask has fewer cores than threads, or the device refuses it.
    """
    allowed = _allowed_cores(device)

    def is_usable(number: int) -> bool:
        return all(not known or number in known for known in (conditions.online_cores, allowed))

    if wished is not None:
        return _as_wished(device, wished, threads, is_usable)
    usable = [core for core in conditions.cores if is_usable(core.number)]
    cores = fastest_cores(usable, threads)
    if not cores:
        return Placement((), "the device does not tell its cores' frequencies")
    if len(cores) < threads:
        return Placement((), f"{len(cores)} cores can be chosen, fewer than {threads} threads")
    failure = _refusal(device, cores)
    if failure is not None:
        return Placement((), failure)
    return Placement(cores, _missing(conditions.cores, cores, threads))


def _as_wished(device: Device, wished: str, threads: int, is_usable) -> Placement:
    all_cores = cores_of(wished)
    cores = tuple(core for core in all_cores if is_usable(core))
    if len(cores) < threads:
        off = "" if len(cores) == len(all_cores) else " that can be used now"
        raise DeviceError(
            f"--device-cpus {wished} names {len(cores)} {'core' if len(cores) == 1 else 'cores'}"
            f"{off}, fewer than the {threads} threads: two threads on one core wait for each other",
            serial=device.serial,
        )
    failure = _refusal(device, cores)
    if failure is not None:
        raise DeviceError(f"--device-cpus {wished}: {failure}", serial=device.serial)
    return Placement(cores)


def _allowed_cores(device: Device) -> tuple[int, ...]:
    """Return the cores that the kernel lets a shell use (its cpuset); () where it does not say."""
    status = device.run(["cat", "/proc/self/status"], check=False).stdout
    allowed = re.search(r"^Cpus_allowed_list:\s*(\S+)", status, re.MULTILINE)
    return parse_core_list(allowed[1]) if allowed else ()


def _refusal(device: Device, cores: tuple[int, ...]) -> str | None:
    """Return why nothing can be run on these cores alone, else None."""
    tried = device.run(["taskset", mask_of(cores) or "", "true"], check=False)
    if tried.exit_status == NOT_FOUND:
        return "the device has no taskset"
    if tried.exit_status:
        said = printable(tried.output.strip())
        return f"the device refuses cores {', '.join(map(str, cores))} ({said})"
    return None


def _missing(all_cores: tuple[Core, ...], chosen: tuple[int, ...], threads: int) -> str | None:
    missing = set(fastest_cores(all_cores, threads)) - set(chosen)
    if not missing:
        return None
    return f"cores {', '.join(map(str, sorted(missing)))} are off or not allowed"
