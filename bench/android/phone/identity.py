"""Who a device is: what does not change while it runs."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from bench.android.adb.device import Device
from bench.android.adb.errors import CommandTimeoutError
from bench.android.phone.conditions import whole_number

_PROPERTIES = {
    "manufacturer": "ro.product.manufacturer", "model": "ro.product.model",
    "soc_model": "ro.soc.model", "chip_name": "ro.chipname", "board_platform": "ro.board.platform",
    "android": "ro.build.version.release", "sdk": "ro.build.version.sdk",
    "abi": "ro.product.cpu.abi", "abis": "ro.product.cpu.abilist", "build": "ro.build.fingerprint",
}  # fmt: skip
_EMULATION_PROPERTIES = ("ro.boot.qemu", "ro.kernel.qemu")
"""Properties that are 1 on Android's own emulator, and on the one of this project."""
_EMULATED_HARDWARE = ("goldfish", "ranchu", "vbox86", "cutf_cvm")

SU_TIMEOUT_S = 5.0


@dataclass(frozen=True)
class Identity:
    """What does not change while a device runs."""

    serial: str
    manufacturer: str | None
    model: str | None
    soc: str | None  # the system on a chip, by its most telling name
    android: str | None
    sdk: int | None
    abis: tuple[str, ...]  # that it executes, the preferred first
    build: str | None  # fingerprint of the system image
    kernel: str | None  # release of Linux
    page_bytes: int | None  # of a memory page; those of 16 KB refuse tools aligned to 4
    is_emulated: bool  # by its own word
    root_command: tuple[str, ...] | None  # what goes before a command to run it as root

    @property
    def abi(self) -> str | None:
        """The ABI that it prefers."""
        return self.abis[0] if self.abis else None

    @property
    def is_rooted(self) -> bool:
        """Whether something can be run as root."""
        return self.root_command is not None

    def to_dict(self) -> dict[str, Any]:
        """Return what results carry of it."""
        data = asdict(self)
        del data["root_command"]
        return {**data, "abi": self.abi, "is_rooted": self.is_rooted}


def identify(device: Device) -> Identity:
    """Ask a device who it is."""
    values = device.properties([*_PROPERTIES.values(), *_EMULATION_PROPERTIES, "ro.hardware"])
    found = {name: values[key].strip() or None for name, key in _PROPERTIES.items()}
    kernel = device.run(["uname", "-r"], check=False)
    pages = device.run(["getconf", "PAGESIZE"], check=False).stdout.strip()
    abis = [abi.strip() for abi in (found["abis"] or "").split(",")]
    return Identity(
        serial=device.serial,
        manufacturer=found["manufacturer"],
        model=found["model"],
        soc=found["soc_model"] or found["chip_name"] or found["board_platform"],
        android=found["android"],
        sdk=whole_number(found["sdk"]),
        abis=tuple(dict.fromkeys(abi for abi in [found["abi"] or "", *abis] if abi)),
        build=found["build"],
        kernel=kernel.stdout.strip() or None if kernel.exit_status == 0 else None,
        page_bytes=whole_number(pages),
        is_emulated=any(values[name].strip() == "1" for name in _EMULATION_PROPERTIES)
        or values["ro.hardware"].strip() in _EMULATED_HARDWARE,
        root_command=_root_command(device),
    )


def _root_command(device: Device) -> tuple[str, ...] | None:
    """Return what goes before a command to run it as root: nothing, or one of the two kinds of su.

    Each is tried once, briefly: a su may ask the user, who is not there.
    """
    candidates: tuple[tuple[str, ...], ...] = ((), ("su", "0"), ("su", "-c"))
    for candidate in candidates:
        question = ["id -u"] if candidate[1:] == ("-c",) else ["id", "-u"]
        try:
            answer = device.run([*candidate, *question], timeout_s=SU_TIMEOUT_S, check=False)
        except CommandTimeoutError:
            continue
        if answer.exit_status == 0 and answer.stdout.strip() == "0":
            return candidate
    return None
