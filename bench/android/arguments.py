"""Reading the command-line options about devices; each says in one line what is wrong."""

from __future__ import annotations

import argparse
import re

from models.commands.arguments import positive

DELEGATES = ("cpu", "gpu", "nnapi")


def thread_counts(text: str) -> list[int]:
    """Read `N[,N]`."""
    return [positive(part) for part in text.split(",")]


def delegates(text: str) -> list[str]:
    """Read names of delegates with commas between."""
    names = text.split(",")
    for name in names:
        if name not in DELEGATES:
            raise argparse.ArgumentTypeError(f"{name!r} is none of {', '.join(DELEGATES)}")
    return names


def cpu_mask(text: str) -> str:
    """Read a hexadecimal mask of cores, such as f0 or 0xf0; return it without prefix."""
    match = re.fullmatch(r"(?:0x)?([0-9a-f]{1,32})", text.lower(), re.ASCII)
    if match is None or not int(match[1], 16):
        raise argparse.ArgumentTypeError(f"{text!r} is not a hexadecimal mask of cores, such as f0")
    return f"{int(match[1], 16):x}"
