"""What an executable is for, by its ELF header: which processor, and which size of pages.

Source: the ELF specification (e_machine, program headers); Android's guide to 16 KB page sizes.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

MACHINES = {40: "armeabi-v7a", 183: "arm64-v8a", 3: "x86", 62: "x86_64", 243: "riscv64"}
"""`e_machine`, by Android's name of the ABI."""

MAGIC = b"\x7fELF"
_LOAD = 1


@dataclass(frozen=True)
class Executable:
    """What an ELF file is for.

    Attributes:
        abi: Android's name of the ABI, else the number of the machine.
        alignment_bytes: what its loaded parts are aligned to; None where it does not say.
    """

    abi: str
    alignment_bytes: int | None


def read_elf(content: bytes) -> Executable | None:
    """Return what an ELF file is for; None where it is none."""
    if content[:4] != MAGIC or len(content) < 20:
        return None
    (machine,) = struct.unpack_from("<H", content, 18)
    return Executable(MACHINES.get(machine, f"ELF machine {machine}"), _alignment_bytes(content))


def _alignment_bytes(content: bytes) -> int | None:
    """Return the smallest alignment of what is loaded."""
    is_64_bit = content[4] == 2
    offset_at, size_at, align_at, word = (32, 54, 48, "<Q") if is_64_bit else (28, 42, 28, "<I")
    try:
        (start,) = struct.unpack_from(word, content, offset_at)
        size, count = struct.unpack_from("<HH", content, size_at)
        headers = [start + size * number for number in range(count)]
        return min(
            (
                struct.unpack_from(word, content, header + align_at)[0]
                for header in headers
                if struct.unpack_from("<I", content, header)[0] == _LOAD
            ),
            default=None,
        )
    except struct.error:
        return None
