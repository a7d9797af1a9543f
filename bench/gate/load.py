"""Keeping all cores busy, to see what that does to the gate."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator

BUSY = """
import os, threading
def end_with_parent():
    os.read(0, 1)
    os._exit(0)
threading.Thread(target=end_with_parent, daemon=True).start()
data = bytearray(8 << 20)
while True:
    bytes(data)
"""
"""Copies 8 MiB over and over: it wants the core, the caches and the memory."""


@contextlib.contextmanager
def busy_cores() -> Iterator[None]:
    """Run a process on each core that takes what it can get, at normal priority."""
    usable = (
        os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1)
    )
    processes = []
    try:
        for _ in usable:
            processes.append(
                subprocess.Popen(
                    [sys.executable, "-c", BUSY], stdin=subprocess.PIPE, start_new_session=True
                )
            )
        yield
    finally:
        for process in processes:
            process.kill()
            process.communicate()
