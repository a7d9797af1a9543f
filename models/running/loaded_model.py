"""A model in a runtime, behind one interface: an `Interpreter`, or LiteRT's `CompiledModel`."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from models.files.artifacts import ArtifactError
from models.files.graph import FileDetails, read_details
from models.preprocessing.tensors import TensorSpec

SIGNATURE = 0
"""A file's first one."""


class CannotRunError(ArtifactError):
    """A file is sound and cannot be run here; the message is the true reason, in one line."""


class LoadedModel:
    """A model in a runtime, its tensors allocated, ready to be invoked.

    A runtime gives what the methods below leave open.

    Attributes:
        inputs: what the model takes, in the file's order; some models take nothing.
        outputs: what it gives.
        invoke: the runtime's own bound call, so that timing it times nothing else.
    """

    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    invoke: Callable[[], object]

    def set_input(self, elements: np.ndarray, number: int = 0) -> None:
        """Copy elements of an input's shape and dtype into the model."""
        raise NotImplementedError

    def raw_output(self, number: int = 0) -> np.ndarray:
        """Return a copy of an output's elements, in its own shape and dtype."""
        raise NotImplementedError

    def reset(self) -> None:
        """Set variable tensors back, such as the state of an LSTM: answers then repeat."""
        raise NotImplementedError

    def settled_outputs(self) -> tuple[TensorSpec, ...]:
        """Return what the model gives, with the shapes that only an inference settles."""
        return self.outputs

    def delegated_partitions(self) -> list[int] | None:
        """Return how many of the graph's nodes each delegate partition took; None if unknown.

        The whole graph runs in a delegate when this is one number, that of all its nodes.
        DEQUANTIZE nodes of constant weights count as taken: they are folded before the partition.
        """
        parts = self.delegated_nodes()
        return None if parts is None else list(map(len, parts))

    def delegated_nodes(self) -> list[list[int]] | None:
        """Return the numbers of those nodes, part by part, as they run."""
        return None

    @property
    def input(self) -> TensorSpec:
        """The first input; CannotRunError: the model takes nothing."""
        if not self.inputs:
            raise CannotRunError("the model has no input")
        return self.inputs[0]

    @property
    def output(self) -> TensorSpec:
        """The first output."""
        return self.outputs[0]

    def set_inputs(self, elements: Sequence[np.ndarray]) -> None:
        """Copy elements into every input, in the order of `inputs`."""
        for number, each in enumerate(elements):
            self.set_input(each, number)

    def raw_outputs(self) -> list[np.ndarray]:
        """Return a copy of every output, in the order of `outputs`."""
        return [self.raw_output(number) for number in range(len(self.outputs))]

    def classify(self, pixels: np.ndarray) -> int:
        """Classify one picture: what the study times.

        Args:
            pixels: what the input takes, in its shape with or without the batch dimension:
                RGB in 0..255 of any dtype for the models of this project.

        Returns:
            The index of the likeliest class.
        """
        self._answer(pixels)
        answer = self.raw_output()
        return int(answer.argmax() if answer.size > 1 else self.output.dequantise(answer) > 0.5)

    def predict(self, pixels: np.ndarray) -> np.ndarray:
        """Return the real values of the output (class probabilities): float32, one dimension.

        A single one is the probability of the second of two classes. The argument is that of
        `classify`.
        """
        self._answer(pixels)
        values = self.output.dequantise(self.raw_output()).ravel()
        return values if values.size > 1 else np.concatenate([1 - values, values])

    def write_input(self, values: np.ndarray) -> None:
        """Turn real values, of the first input's shape, into its elements."""
        self.set_input(self.inputs[0].quantise(values))

    def _answer(self, pixels: np.ndarray) -> None:
        spec = self.input
        values = pixels.reshape(spec.shape)
        if values.dtype == spec.dtype:
            self.set_input(values)
        else:
            self.write_input(values)
        self.invoke()


class InterpretedModel(LoadedModel):
    """A model in TensorFlow Lite's `Interpreter`, as tflite-runtime and LiteRT have it."""

    def __init__(self, interpreter: Any, shapes: Sequence[tuple[int, ...]] = ()):
        """Allocate the tensors, those of the first inputs with other shapes where there are any."""
        for details, shape in zip(interpreter.get_input_details(), shapes, strict=False):
            interpreter.resize_tensor_input(details["index"], shape, strict=True)
        interpreter.allocate_tensors()
        self.interpreter = interpreter
        self.inputs = tuple(map(TensorSpec.from_details, interpreter.get_input_details()))
        self.outputs = self.settled_outputs()
        self.invoke = interpreter.invoke
        self._views = [interpreter.tensor(spec.index) for spec in self.inputs]

    def set_input(self, elements: np.ndarray, number: int = 0) -> None:
        """As `LoadedModel`."""
        self.interpreter.set_tensor(self.inputs[number].index, elements)

    def write_input(self, values: np.ndarray) -> None:
        """As `LoadedModel`, without a copy. The interpreter refuses to run while a view lives."""
        self.inputs[0].write(values, self._views[0]())

    def raw_output(self, number: int = 0) -> np.ndarray:
        """As `LoadedModel`."""
        return self.interpreter.get_tensor(self.outputs[number].index)

    def reset(self) -> None:
        """As `LoadedModel`."""
        self.interpreter.reset_all_variables()

    def settled_outputs(self) -> tuple[TensorSpec, ...]:
        """As `LoadedModel`."""
        return tuple(map(TensorSpec.from_details, self.interpreter.get_output_details()))

    def delegated_nodes(self) -> list[list[int]]:
        """As `LoadedModel`."""
        nodes = self.interpreter._get_ops_details()
        others = [node for node in nodes if node["op_name"] != "DELEGATE"]
        produced = {tensor: node for node in others for tensor in node["outputs"]}
        parts = []
        for delegate in (node for node in nodes if node["op_name"] == "DELEGATE"):
            taken, given = {*delegate["inputs"]}, {*delegate["outputs"]}
            part = _behind(given, produced, taken)
            for node in others:  # nothing that is outside of the delegate shows these
                if node["op_name"] == "ASSIGN_VARIABLE":
                    handle, value = node["inputs"]
                    inside = _behind([value], produced, taken)
                    readers = {each["index"] for each in others if handle in each["inputs"]}
                    if handle in taken:
                        is_inside = inside & part and value not in given
                        is_taken = bool(is_inside) or not readers & part
                    else:  # where the delegate gives it to nobody, whoever reads it is inside
                        maker = _behind([handle], produced, taken)
                        is_taken = handle not in given and bool(part & maker)
                    if is_taken:
                        part |= inside | {node["index"]}
            parts.append(sorted(part))
        return parts


def _behind(tensors: Iterable[int], produced: dict[int, Any], stop: set[int]) -> set[int]:
    """Walk from tensors back to others, and return the numbers of the nodes between."""
    waiting, found = list(tensors), set()
    while waiting:
        node = produced.get(waiting.pop())
        if node is None or node["index"] in found:
            continue
        found.add(node["index"])
        waiting.extend(tensor for tensor in node["inputs"] if tensor not in stop)
    return found


class CompiledModel(LoadedModel):
    """A model compiled for the CPU. The interface itself tells no quantisation: the file does."""

    def __init__(
        self, package: ModuleType, model: Path | bytes, threads: int,
        shapes: Sequence[tuple[int, ...]] = (), details: FileDetails | None = None,
    ):  # fmt: skip
        """Compile; arguments and errors are those of `Runtime.load`."""
        options = package.Options(
            hardware_accelerators=package.HardwareAccelerator.CPU,
            cpu_options=package.CpuOptions(num_threads=threads),
        )
        if details is None:
            details = read_details(model if isinstance(model, bytes) else model.read_bytes())
        made = package.CompiledModel
        try:
            if isinstance(model, bytes):
                self._model = made.from_buffer(model, options=options)
            else:
                self._model = made.from_file(str(model), options=options)
        except (ValueError, RuntimeError):
            if details.has_state:  # of which its own words tell nothing
                what = "CompiledModel takes no model with a state, such as an LSTM's"
                raise CannotRunError(what) from None
            raise
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
    """Return the numbers of a file's input tensors, of any dtype, in its signature's order."""
    model = package.CompiledModel.from_buffer(content)
    signature = model.get_signature_by_index(SIGNATURE)
    details = model.get_input_tensor_details(signature["key"])
    return [details[name]["index"] for name in signature["inputs"]]


def _specs(
    names: Sequence[str], told: dict[str, dict], in_file: Sequence[TensorSpec]
) -> tuple[TensorSpec, ...]:
    """Join the runtime's shapes with the file's quantisation, by the tensor's number."""
    by_index = {tensor.index: tensor for tensor in in_file}
    specs = []
    for name in names:
        tensor = told[name]
        index, shape = tensor["index"], tuple(map(int, tensor["shape"]))
        known = by_index.get(index, TensorSpec(index, shape, np.dtype(tensor["dtype"]), name=name))
        specs.append(replace(known, shape=shape))
    return tuple(specs)
