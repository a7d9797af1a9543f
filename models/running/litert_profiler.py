"""LiteRT's own profiler, through the C API of its library: its Python `Interpreter` shows none.

Sources: the headers litert_profiler.h, litert_profiler_event.h, litert_compiled_model.h,
litert_options.h, litert_model.h and litert_tensor_buffer.h of google-ai-edge/LiteRT, litert/c/.
A mistake in what they say would crash the process, so use it in a child process.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib.util
from ctypes import byref, c_char_p, c_int, c_size_t, c_uint64, c_void_p
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

LIBRARIES = ("libLiteRt.so", "libLiteRt.dylib", "libLiteRt.dll")
CPU = 1
"""`kLiteRtHwAcceleratorCpu`."""

WRITE = 1
"""`kLiteRtTensorBufferLockModeWrite`; reading is 0."""

OPERATOR, DELEGATED_OPERATOR = 1 << 1, 1 << 3
"""`OPERATOR_INVOKE_EVENT` of LiteRT's own kernels, `DELEGATE_PROFILED_OPERATOR_INVOKE_EVENT` of a
delegate's."""

CONTROL_FLOW = {"CALL", "CALL_ONCE", "IF", "STABLEHLO_COMPOSITE", "STABLEHLO_WHILE", "WHILE"}
"""Operators that only run others."""

_EVENT_TYPES = {1 << bit for bit in range(9)}
_DELETER = ctypes.CFUNCTYPE(None, c_void_p)
_TENSOR_TYPE_BYTES = 256
"""More than a `LiteRtRankedTensorType` is; it is only passed on."""


class ProfilerError(Exception):
    """The profiler cannot be used on this machine or model; the message is one line."""


class _Event(ctypes.Structure):
    """`ProfiledEventData`."""

    _fields_ = (
        ("tag", c_void_p), ("event_type", c_int), ("start_us", c_uint64), ("elapsed_us", c_uint64),
        ("memory_before_bytes", c_size_t * 3), ("memory_after_bytes", c_size_t * 3),
        ("index", c_uint64), ("subgraph", c_uint64), ("source", c_int),
    )  # fmt: skip


@dataclass(frozen=True)
class Event:
    """One operator in one inference, in whole microseconds: XNNPACK drops what is over.

    Its name is TensorFlow Lite's, such as "SOFTMAX", with the number of its node; or XNNPACK's, as
    "Softmax (NC, F32)", and None. The subgraph is 0, or that of the body of a loop or branch.
    """

    name: str
    node: int | None
    subgraph: int
    microseconds: int


class ProfiledModel:
    """A model compiled for one thread of the CPU, with the profiler built in; a context manager.

    All of it raises ProfilerError: the library is missing or is another one, or it refused.
    """

    def __init__(self, content: bytes) -> None:
        self._library = _load()
        self._kept: list[Any] = []
        with contextlib.ExitStack() as stack:
            self._environment = c_void_p()
            self._call("LiteRtCreateEnvironment", c_int(0), None, byref(self._environment))
            stack.callback(self._destroy, "LiteRtDestroyEnvironment", self._environment)
            self._compile(content, stack)
            self._profiler = self._made("LiteRtCompiledModelGetProfiler", self._compiled)
            if not self._profiler:
                raise ProfilerError("LiteRT made no profiler: it does not know enable_profiling")
            signature = self._made("LiteRtGetModelSignature", self._model, c_size_t(0))
            self._inputs = self._buffers("Input", signature, stack)
            self._outputs = self._buffers("Output", signature, stack)
            self._stack = stack.pop_all()

    def __enter__(self) -> ProfiledModel:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def set_input(self, elements: np.ndarray, number: int = 0) -> None:
        """Copy elements of an input's shape and dtype into one of the first signature's inputs."""
        content = np.ascontiguousarray(elements)
        with self._locked(self._inputs[number], WRITE) as (address, size_bytes):
            if content.nbytes != size_bytes:
                raise ProfilerError(f"the input takes {size_bytes} bytes, not {content.nbytes}")
            ctypes.memmove(address, content.ctypes.data, size_bytes)

    def raw_output(self) -> bytes:
        """Return a copy of the first output's bytes."""
        with self._locked(self._outputs[0], 1 - WRITE) as (address, size_bytes):
            return ctypes.string_at(address, size_bytes)

    def start(self) -> None:
        """Forget what was recorded, and record from now on."""
        self._call("LiteRtStartProfiler", self._profiler)

    def invoke(self) -> None:
        """Run one inference."""
        inputs, outputs = self._inputs, self._outputs
        self._call(
            "LiteRtRunCompiledModel", self._compiled, c_size_t(0),
            c_size_t(len(inputs)), inputs, c_size_t(len(outputs)), outputs,
        )  # fmt: skip

    def stop(self) -> list[Event]:
        """Stop recording, and return the operators that were run, in order.

        Loops, branches and calls are left out: their time is that of the operators in their body,
        which are there, and the profiler's own between these.
        """
        self._call("LiteRtStopProfiler", self._profiler)
        count = c_int()
        self._call("LiteRtGetNumProfilerEvents", self._profiler, byref(count))
        buffer = (_Event * (2 * count.value + 1))()  # twice: room, should they be larger
        self._call("LiteRtGetProfilerEvents", self._profiler, count, buffer)
        found = list(buffer[: count.value])
        if not found or not all(each.tag and each.event_type in _EVENT_TYPES for each in found):
            raise ProfilerError("this version of ai-edge-litert has events of another layout")
        return [
            Event(name, each.index if each.event_type == OPERATOR else None, each.subgraph,
                  each.elapsed_us)
            for each in found
            if each.event_type in (OPERATOR, DELEGATED_OPERATOR)
            and (name := ctypes.string_at(each.tag).decode("utf-8", "replace")) not in CONTROL_FLOW
        ]  # fmt: skip

    def _compile(self, content: bytes, stack: contextlib.ExitStack) -> None:
        held = ctypes.create_string_buffer(content, len(content))
        self._kept.append(held)
        self._model = self._made(
            "LiteRtCreateModelFromBuffer", self._environment, held, c_size_t(len(content))
        )
        stack.callback(self._destroy, "LiteRtDestroyModel", self._model)
        options = self._made("LiteRtCreateOptions")
        stack.callback(self._destroy, "LiteRtDestroyOptions", options)
        self._call("LiteRtSetOptionsHardwareAccelerators", options, c_int(CPU))
        deleter = _DELETER(lambda _: None)
        for kind, text in (
            (b"runtime_options_string", b"enable_profiling = true\n"),
            (b"xnnpack", b"num_threads = 1\n"),
        ):
            payload = ctypes.create_string_buffer(text)
            self._kept += [payload, deleter]
            option = self._made("LiteRtCreateOpaqueOptions", c_char_p(kind), payload, deleter)
            self._call("LiteRtAddOpaqueOptions", options, option)
        self._compiled = self._made(
            "LiteRtCreateCompiledModel", self._environment, self._model, options
        )
        stack.callback(self._destroy, "LiteRtDestroyCompiledModel", self._compiled)

    def _buffers(self, kind: str, signature: c_void_p, stack: contextlib.ExitStack) -> Any:
        """Make a buffer for each input or output, and return the C array of them."""
        count = c_size_t()
        self._call(f"LiteRtGetNumSignature{kind}s", signature, byref(count))
        buffers = []
        for number in map(c_size_t, range(count.value)):
            tensor = self._made(f"LiteRtGetSignature{kind}TensorByIndex", signature, number)
            tensor_type = ctypes.create_string_buffer(_TENSOR_TYPE_BYTES)
            self._call("LiteRtGetRankedTensorType", tensor, tensor_type)
            requirements = self._made(
                f"LiteRtGetCompiledModel{kind}BufferRequirements",
                self._compiled, c_size_t(0), number,
            )  # fmt: skip
            buffer = self._made(
                "LiteRtCreateManagedTensorBufferFromRequirements",
                self._environment, tensor_type, requirements,
            )  # fmt: skip
            stack.callback(self._destroy, "LiteRtDestroyTensorBuffer", buffer)
            buffers.append(buffer.value)
        return (c_void_p * len(buffers))(*buffers)

    @contextlib.contextmanager
    def _locked(self, buffer: int, mode: int) -> Any:
        """Give the address and the size in bytes of a tensor's elements."""
        handle, size, address = c_void_p(buffer), c_size_t(), c_void_p()
        self._call("LiteRtGetTensorBufferPackedSize", handle, byref(size))
        self._call("LiteRtLockTensorBuffer", handle, byref(address), c_int(mode))
        try:
            yield address.value, size.value
        finally:
            self._call("LiteRtUnlockTensorBuffer", handle)

    def _made(self, name: str, *arguments: Any) -> c_void_p:
        made = c_void_p()
        self._call(name, *arguments, byref(made))
        return made

    def _call(self, name: str, *arguments: Any) -> None:
        status = self._function(name, c_int)(*arguments)
        if status:
            raise ProfilerError(f"{name} of LiteRT failed with status {status}")

    def _destroy(self, name: str, handle: c_void_p) -> None:
        self._function(name, None)(handle)

    def _function(self, name: str, returns: Any) -> Any:
        try:
            function = self._library[name]
        except AttributeError:
            raise ProfilerError(f"this version of ai-edge-litert has no {name}") from None
        function.restype = returns
        return function


def _load() -> ctypes.CDLL:
    spec = importlib.util.find_spec("ai_edge_litert")
    folders = spec.submodule_search_locations if spec else None
    if not folders:
        raise ProfilerError("runtime litert is not installed: pip install ai-edge-litert")
    for path in (Path(folder) / name for folder in folders for name in LIBRARIES):
        if path.exists():
            try:
                return ctypes.CDLL(str(path))
            except OSError as error:
                raise ProfilerError(f"LiteRT's library cannot be loaded ({error})") from None
    raise ProfilerError(
        f"this version of ai-edge-litert comes without {LIBRARIES[0]}, whose profiler is needed"
    )
