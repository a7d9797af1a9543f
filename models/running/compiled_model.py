"""LiteRT's `CompiledModel`, the interface that follows the `Interpreter`, as a `LoadedModel`."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import numpy as np

from models.files.details import TensorDetails, read_details
from models.preprocessing.tensors import TensorSpec
from models.running.loaded_model import CannotRunError, LoadedModel

SIGNATURE = 0
"""A file's first one."""


class CompiledModel(LoadedModel):
    """A model compiled for the CPU. The interface itself tells no quantisation: the file does."""

    def __init__(
        self,
        package: ModuleType,
        model: Path | bytes,
        threads: int,
        shapes: Sequence[tuple[int, ...]] = (),
    ):
        """Compile.

        Args:
            package: `ai_edge_litert.compiled_model`.
            model: a `.tflite` file's path or content.
            threads: number of threads.
            shapes: of the first inputs, where they are to have other ones than in the file.

        Raises:
            CannotRunError: a tensor is of a dtype that the interface does not take.
            ValueError, RuntimeError: LiteRT refuses the model or the shapes.
        """
        options = package.Options(
            hardware_accelerators=package.HardwareAccelerator.CPU,
            cpu_options=package.CpuOptions(num_threads=threads),
        )
        content = model if isinstance(model, bytes) else model.read_bytes()
        if isinstance(model, bytes):
            self._model = package.CompiledModel.from_buffer(model, options=options)
        else:
            self._model = package.CompiledModel.from_file(str(model), options=options)
        details = read_details(content)
        signature = self._model.get_signature_by_index(SIGNATURE)
        for number, shape in enumerate(shapes[: len(signature["inputs"])]):
            self._model.resize_input_tensor(number, shape, SIGNATURE, strict=False)
        taken = self._model.get_input_tensor_details(signature["key"])
        given = self._model.get_output_tensor_details(signature["key"])
        self.inputs = _specs(signature["inputs"], taken, details.inputs)
        self.outputs = _specs(signature["outputs"], given, details.outputs)
        known = package.TensorBuffer._DTYPE_STRINGS
        for spec in (*self.inputs, *self.outputs):
            if spec.dtype not in known:
                raise CannotRunError(f"CompiledModel's Python interface takes no {spec.dtype}")
        self._in = self._model.create_input_buffers(SIGNATURE)
        self._out = self._model.create_output_buffers(SIGNATURE)
        # `run_by_index` gathers these lists anew in every call, which is none of the kernel's time.
        self.invoke = functools.partial(
            self._model._model.RunByIndex,
            SIGNATURE,
            [buffer.capsule for buffer in self._in],
            [buffer.capsule for buffer in self._out],
        )

    def set_input(self, elements: np.ndarray, number: int = 0) -> None:
        """As `LoadedModel`."""
        self._in[number].write(elements)

    def raw_output(self, number: int = 0) -> np.ndarray:
        """As `LoadedModel`."""
        spec = self.outputs[number]
        return self._out[number].read(int(np.prod(spec.shape)), spec.dtype).reshape(spec.shape)

    def reset(self) -> None:
        """As `LoadedModel`; the interface has no call for that."""


def signature_inputs(package: ModuleType, content: bytes) -> list[int]:
    """Return the numbers of a file's input tensors, in the order of its signature.

    Args:
        package: `ai_edge_litert.compiled_model`.
        content: a `.tflite` file's bytes, of tensors of any dtype.
    """
    model = package.CompiledModel.from_buffer(content)
    signature = model.get_signature_by_index(SIGNATURE)
    details = model.get_input_tensor_details(signature["key"])
    return [details[name]["index"] for name in signature["inputs"]]


def _specs(
    names: Sequence[str], told: dict[str, dict], in_file: Sequence[TensorDetails]
) -> tuple[TensorSpec, ...]:
    """Join the runtime's shapes with the file's quantisation, by the tensor's number."""
    by_index = {tensor.index: tensor for tensor in in_file}
    specs = []
    for name in names:
        tensor = told[name]
        known = by_index.get(tensor["index"])
        scale, zero_point = (known.scale, known.zero_point) if known else (0.0, 0)
        shape = tuple(map(int, tensor["shape"]))
        specs.append(
            TensorSpec(tensor["index"], shape, np.dtype(tensor["dtype"]), scale, zero_point)
        )
    return tuple(specs)
