"""The study's protocol on this machine: memory is cleared before every timed round.

The study cleared the phone's memory after each of its 100 measurements, "so that it does not
influence the next". Here each round starts without what an earlier one left in the processor's
caches, in the heap, and in the kernel's cache of the model file.
"""

from __future__ import annotations

import ctypes
import gc
import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

CACHES = Path("/sys/devices/system/cpu/cpu0/cache")
DEFAULT_CACHE_BYTES = 32 << 20
"""Where the machine does not tell: more than the last-level cache of most."""

EVICTION_FACTOR = 2
"""Caches are not filled in strict order of use: one that is streamed through twice over keeps
little of what was in it."""

_UNITS = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


def cache_bytes(directory: Path = CACHES) -> int:
    """Return the size of the largest cache of the first core, in bytes.

    Args:
        directory: as Linux describes the caches ("sysfs-devices-system-cpu" in its documentation).
    """
    sizes = [DEFAULT_CACHE_BYTES] if not directory.is_dir() else []
    for file in directory.glob("index*/size"):
        match = re.fullmatch(r"(\d+)([KMG]?)", file.read_text().strip())
        if match:
            sizes.append(int(match[1]) * _UNITS.get(match[2], 1))
    return max(sizes, default=DEFAULT_CACHE_BYTES)


def clearer(files: Iterable[Path] = ()) -> Callable[[], None]:
    """Return a function that clears memory; its buffer is allocated here, once.

    Args:
        files: what the kernel shall forget: the model file.
    """
    files = tuple(files)
    buffer = np.zeros(EVICTION_FACTOR * cache_bytes(), np.uint8)
    lines = buffer[::64]  # one byte of each cache line

    def clear() -> None:
        gc.collect()
        _trim_heap()
        for file in files:
            forget(file)
        np.add(lines, 1, out=lines)  # writing leaves no line of others, clean or dirty

    return clear


def forget(file: Path) -> None:
    """Have the kernel drop a file from its page cache, where it can (Linux).

    Raises:
        OSError: the file cannot be opened.
    """
    if not hasattr(os, "posix_fadvise"):
        return
    descriptor = os.open(file, os.O_RDONLY)
    try:
        os.fsync(descriptor)  # what is not yet on the disk stays
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(descriptor)


def _trim_heap() -> None:
    """Give freed memory back to the kernel, so that it must be had anew (glibc)."""
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):
        return
    trim(0)
