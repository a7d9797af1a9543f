"""The memory-cleared protocol: what is cleared, and that it is not in the timed part."""

import ctypes
import gc
import mmap
import os
import weakref
from pathlib import Path

import numpy as np
import pytest

from bench import host

pytestmark = pytest.mark.slow


def write_sizes(directory: Path, *sizes: str) -> Path:
    for number, size in enumerate(sizes):
        file = directory / f"index{number}" / "size"
        file.parent.mkdir(parents=True)
        file.write_text(f"{size}\n")
    return directory


def test_the_largest_cache_counts(tmp_path):
    assert host.cache_bytes(write_sizes(tmp_path, "48K", "2048K", "32M")) == 32 << 20


def test_a_machine_that_does_not_tell_gets_a_default(tmp_path):
    assert host.cache_bytes(tmp_path / "missing") == host.DEFAULT_CACHE_BYTES
    assert host.cache_bytes(write_sizes(tmp_path, "unknown")) == host.DEFAULT_CACHE_BYTES


def test_garbage_is_collected():
    class Node:
        pass

    node = Node()
    node.itself = node
    watch = weakref.ref(node)
    gc.disable()
    try:
        del node
        host.clearer()()
        assert watch() is None
    finally:
        gc.enable()


def resident_pages(file: Path) -> int:
    """Count a file's pages in the kernel's cache, through mincore(2)."""
    size = file.stat().st_size
    vector = (ctypes.c_ubyte * -(-size // mmap.PAGESIZE))()
    libc = ctypes.CDLL(None)
    with file.open("rb") as opened, mmap.mmap(opened.fileno(), size, prot=mmap.PROT_READ) as view:
        start = np.frombuffer(view, np.uint8).ctypes.data
        refused = libc.mincore(ctypes.c_void_p(start), ctypes.c_size_t(size), vector)
    if refused:
        pytest.skip("the kernel does not tell what is in its cache")
    return sum(page & 1 for page in vector)


@pytest.mark.skipif(not hasattr(os, "posix_fadvise"), reason="the kernel takes no advice")
def test_the_kernel_forgets_the_file(tmp_path):
    file = tmp_path / "model.tflite"
    file.write_bytes(bytes(1 << 20))
    if not resident_pages(file):
        pytest.skip("this file system does not use the kernel's cache")
    host.clearer([file])()
    assert resident_pages(file) == 0


def test_every_cache_line_is_written(monkeypatch):
    zeros, made = np.zeros, []
    monkeypatch.setattr(np, "zeros", lambda *shape: made.append(zeros(*shape)) or made[-1])
    clear = host.clearer()
    (buffer,) = made
    assert buffer.nbytes == host.EVICTION_FACTOR * host.cache_bytes()
    before = buffer[::64].copy()
    clear()
    assert (buffer[::64] != before).all()


def resident_bytes() -> int:
    """Return how much memory this process has."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * mmap.PAGESIZE


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="no heap of glibc's")
def test_freed_memory_goes_back_to_the_kernel(monkeypatch):
    """Blocks too small for a mapping each; every 16th stays, so that the heap does not just end."""
    libc, size, count = ctypes.CDLL(None), 64 << 10, 1024
    libc.malloc.restype, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
    monkeypatch.setattr(host, "cache_bytes", lambda: 1 << 12)  # what it writes is memory as well
    clear = host.clearer()
    blocks = [libc.malloc(ctypes.c_size_t(size)) for _ in range(count)]
    for block in blocks:
        ctypes.memset(block, 1, size)
    kept = blocks[::16]
    for block in set(blocks) - set(kept):
        libc.free(block)
    before = resident_bytes()
    clear()
    freed = before - resident_bytes()
    for block in kept:
        libc.free(block)
    assert freed > size * count / 2
