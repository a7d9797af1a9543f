"""This machine: clearing its memory, JPEG bytes to prepare, a matrix product that shows its peak.

The study cleared the phone's memory after each of its 100 measurements, "so that it does not
influence the next". Here each round starts without what an earlier one left in the processor's
caches, in the heap, and in the kernel's cache of the model file.
"""

from __future__ import annotations

import ctypes
import functools
import gc
import io
import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from PIL import Image

from models.data.canary_images import canary_images

CACHES = Path("/sys/devices/system/cpu/cpu0/cache")
DEFAULT_CACHE_BYTES = 32 << 20
"""Where the machine does not tell: more than the last-level cache of most."""

EVICTION_FACTOR = 2
"""Caches are not filled in strict order of use: one that is streamed through twice over keeps
little of what was in it."""

_UNITS = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


def cache_bytes(directory: Path = CACHES) -> int:
    """Return the size of the largest cache of the first core, in bytes, as Linux describes it."""
    sizes = [DEFAULT_CACHE_BYTES] if not directory.is_dir() else []
    for file in directory.glob("index*/size"):
        match = re.fullmatch(r"(\d+)([KMG]?)", file.read_text().strip())
        if match:
            sizes.append(int(match[1]) * _UNITS.get(match[2], 1))
    return max(sizes, default=DEFAULT_CACHE_BYTES)


def clearer(files: Iterable[Path] = ()) -> Callable[[], None]:
    """Return a function that clears memory and has the kernel forget files, with one buffer."""
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
    """Have the kernel drop a file from its page cache, where it can (Linux)."""
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


JPEG_SIZES: dict[str, tuple[int, int]] = {
    "100x100": (100, 100),
    "640x480": (640, 480),
    "12MP": (4032, 3024),
}
"""Width and height in pixels: the data set's, a preview's, a phone camera's."""

GRAIN = 7
"""Most that a sensor's noise adds or takes, in grey levels: smooth areas compress too well."""

QUALITY = 90


@functools.cache
def jpeg(size: str) -> bytes:
    """Return a canary image at one of `JPEG_SIZES`, with grain, as baseline JPEG (4:2:0)."""
    width, height = JPEG_SIZES[size]
    image = Image.fromarray(canary_images(1)[0])
    pixels = np.asarray(image.resize((width, height), Image.Resampling.BICUBIC))
    grain = np.random.RandomState(0).randint(-GRAIN, GRAIN + 1, pixels.shape, np.int8)
    noisy = np.clip(pixels.astype(np.int16) + grain, 0, 255).astype(np.uint8)
    stream = io.BytesIO()
    Image.fromarray(noisy).save(stream, "JPEG", quality=QUALITY, subsampling="4:2:0")
    return stream.getvalue()


ROWS = 512
"""Rows and columns of both matrices: so many that a call's own cost does not count."""

PRODUCT_OPERATIONS = 2 * ROWS**3
PRODUCT_DTYPES = ("float32", "int8")
STEP = 1 / 128
PRODUCT_STEP = STEP * ROWS**0.5 / 2
"""Of 8-bit elements, which then stand for -1..1; of products it is multiplied by the size."""


def matrix(dtype: str, seed: int) -> np.ndarray:
    """Return a matrix of -1..1, or of 8-bit elements that stand for it: shape (512, 512)."""
    values = np.random.default_rng(seed).uniform(-0.99, 0.99, (ROWS, ROWS))
    return np.rint(values / STEP).astype(np.int8) if dtype == "int8" else values.astype(dtype)


def product_model(dtype: str) -> bytes:
    """Return a model that multiplies its input with the transpose of `matrix(dtype, seed=0)`."""
    from ai_edge_litert import schema_py_generated as schema
    from ai_edge_litert.tools.flatbuffer_utils import convert_object_to_bytearray

    kind = {"float32": schema.TensorType.FLOAT32, "int8": schema.TensorType.INT8}[dtype]
    weights = schema.BufferT()
    weights.data = np.frombuffer(matrix(dtype, seed=0).tobytes(), np.uint8)
    tensors = []
    for name, buffer, step in (("left", 0, STEP), ("right", 1, STEP), ("product", 0, PRODUCT_STEP)):
        tensor = schema.TensorT()
        tensor.name, tensor.shape, tensor.type, tensor.buffer = name, [ROWS, ROWS], kind, buffer
        if dtype == "int8":
            tensor.quantization = schema.QuantizationParametersT()
            tensor.quantization.scale, tensor.quantization.zeroPoint = [step], [0]
        tensors.append(tensor)
    node, graph, file = schema.OperatorT(), schema.SubGraphT(), schema.ModelT()
    node.opcodeIndex, node.inputs, node.outputs = 0, [0, 1, -1], [2]
    node.builtinOptionsType = schema.BuiltinOptions.FullyConnectedOptions
    node.builtinOptions = schema.FullyConnectedOptionsT()
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.FULLY_CONNECTED
    code.version = 4
    graph.tensors, graph.operators, graph.inputs, graph.outputs = tensors, [node], [0], [2]
    file.version, file.operatorCodes, file.subgraphs = 3, [code], [graph]
    file.buffers = [schema.BufferT(), weights]
    return bytes(convert_object_to_bytearray(file))
