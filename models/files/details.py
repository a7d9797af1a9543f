"""What is known of any `.tflite` file from its bytes alone, without running it."""

from __future__ import annotations

import functools
import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

from ai_edge_litert import schema_py_generated as schema

from models.files import graph

_TYPE_NAMES: dict[int, str] = {
    code: name.lower() for name, code in vars(schema.TensorType).items() if not name.startswith("_")
}
_FLOATS = ("float64", "float32", "float16", "bfloat16")
_WEIGHTED = {
    "CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV", "CONV_3D",
    "BATCH_MATMUL", "LSTM", "UNIDIRECTIONAL_SEQUENCE_LSTM", "SVDF",
}  # fmt: skip


@dataclass(frozen=True)
class TensorDetails:
    """One input or output of a file.

    Attributes:
        index: the tensor's number in the graph.
        name: as in the file.
        shape: batch first; -1 where the file leaves a size open.
        dtype: of its elements, such as "float32" or "string".
        scale: quantisation step; 0.0 where the tensor is not quantised.
        zero_point: the integer that stands for 0.0.
    """

    index: int
    name: str
    shape: tuple[int, ...]
    dtype: str
    scale: float = 0.0
    zero_point: int = 0

    def __str__(self) -> str:
        """The shape and dtype, such as "1x?x?x3 float32"."""
        sizes = "x".join("?" if size < 0 else str(size) for size in self.shape)
        return f"{sizes or 'scalar'} {self.dtype}"


@dataclass(frozen=True)
class FileDetails:
    """A file's first graph.

    Attributes:
        parameters: elements of all constant weights and biases.
        multiply_accumulates: of one inference; None where an operator's are unknown.
        bytes_moved: of one inference, by all operators; see `models.files.graph`.
        operators: how often each operator stands in the graph, by name.
        precision: "float32", "float16", "dynamic" or "int8" as `models.files.artifacts.PRECISIONS`
            has them, "int16", or "none" for a file without weights.
        inputs, outputs: in the file's order.
        peak_activation_bytes: the largest sum of the tensors that are needed at the same time
            when each operator runs alone in the file's order; constants are not counted, nor are
            a runtime's own buffers. An open size counts as 1.
        custom_operators: names of those that are not TensorFlow Lite's own.
    """

    parameters: int
    multiply_accumulates: int | None
    bytes_moved: int
    operators: dict[str, int]
    precision: str
    inputs: tuple[TensorDetails, ...]
    outputs: tuple[TensorDetails, ...]
    peak_activation_bytes: int
    custom_operators: tuple[str, ...]

    def reshaped(self, shapes: Sequence[tuple[int, ...]]) -> FileDetails:
        """Return the same with other shapes of its first inputs."""
        changed = [
            replace(each, shape=shape) for each, shape in zip(self.inputs, shapes, strict=False)
        ]
        return replace(self, inputs=(*changed, *self.inputs[len(changed) :]))


@functools.lru_cache(maxsize=32)
def read_details(content: bytes) -> FileDetails:
    """Read a file.

    Args:
        content: a `.tflite` file's bytes.

    Raises:
        GraphError: the bytes cannot be read as a graph.
    """
    model = graph.parse(content)
    with graph.refusing():
        first = model.subgraphs[0]
        constants = {
            index
            for index, tensor in enumerate(first.tensors)
            if _is_constant(model.buffers[tensor.buffer])
        }
        weights = [first.tensors[index] for index in constants]
        operators = graph.operators_of(model)
        return FileDetails(
            sum(_elements(tensor) for tensor in weights if _is_weight(tensor)),
            graph.total_multiply_accumulates(operators),
            sum(operator.bytes_moved for operator in operators),
            dict(sorted(Counter(operator.name for operator in operators).items())),
            _precision(model, first, constants),
            tuple(_tensor_details(first.tensors[index], int(index)) for index in first.inputs),
            tuple(_tensor_details(first.tensors[index], int(index)) for index in first.outputs),
            _peak_bytes(model, first, constants),
            tuple(
                code.customCode.decode("utf-8", "replace")
                for code in model.operatorCodes
                if code.customCode
            ),
        )


def _is_constant(buffer: Any) -> bool:
    return buffer.size > 0 or (buffer.data is not None and len(buffer.data) > 0)


def _is_weight(tensor: Any) -> bool:
    """Tell weights from shapes, axes and the like: those are whole numbers and mean themselves."""
    return _type(tensor) in _FLOATS or _scale(tensor) != 0.0


def _type(tensor: Any) -> str:
    return _TYPE_NAMES.get(tensor.type, f"type {tensor.type}")


def _scale(tensor: Any) -> float:
    """Return the quantisation step, of the first channel where each has its own; else 0.0."""
    scales = getattr(tensor.quantization, "scale", None)
    return float(scales[0]) if scales is not None and len(scales) else 0.0


def _elements(tensor: Any) -> int:
    return 1 if tensor.shape is None else prod(map(int, tensor.shape))


def _tensor_details(tensor: Any, index: int) -> TensorDetails:
    shape = () if tensor.shape is None else tensor.shape
    if tensor.shapeSignature is not None and len(tensor.shapeSignature) == len(shape):
        shape = tensor.shapeSignature
    scale = _scale(tensor)
    return TensorDetails(
        index,
        (tensor.name or b"").decode("utf-8", "replace"),
        tuple(int(size) for size in shape),
        _type(tensor),
        scale,
        int(tensor.quantization.zeroPoint[0]) if scale else 0,
    )


def _precision(model: Any, first: Any, constants: set[int]) -> str:
    """Name the precision by the weights and what they are multiplied with."""
    made_of_halves = {
        int(node.outputs[0])
        for node in first.operators
        if graph.operator_name(model, node) == "DEQUANTIZE"
        and _type(first.tensors[node.inputs[0]]) == "float16"
    }
    found = set()
    for node in first.operators:
        if graph.operator_name(model, node) not in _WEIGHTED:
            continue
        values = _type(first.tensors[node.inputs[0]])
        weights = [int(index) for index in node.inputs[1:] if index >= 0]
        kinds = {_type(first.tensors[index]) for index in weights if index in constants}
        if values in ("int8", "uint8", "int16"):
            found.add("int16" if values == "int16" else "int8")
        elif kinds & {"int8", "uint8", "int4", "int2"}:
            found.add("dynamic")
        elif made_of_halves & {*weights} or "float16" in kinds:
            found.add("float16")
        else:
            found.add("float32")
    for name in ("int16", "int8", "dynamic", "float16", "float32"):
        if name in found:
            return name
    return "none"


def _peak_bytes(model: Any, first: Any, constants: set[int]) -> int:
    """Return the largest sum of tensors that are alive while an operator runs."""
    fixed = set(constants)
    born = dict.fromkeys(map(int, first.inputs), 0)
    dies: dict[int, int] = {}
    for number, node in enumerate(first.operators):
        if graph.operator_name(model, node) == "DEQUANTIZE" and int(node.inputs[0]) in constants:
            fixed.add(int(node.outputs[0]))  # done once, when the model is loaded
        for index in map(int, node.outputs):
            born.setdefault(index, number)
            dies[index] = number
        dies |= {int(index): number for index in node.inputs}
    dies |= {int(index): len(first.operators) for index in first.outputs}
    change = [0] * (len(first.operators) + 2)
    for index, start in born.items():
        if index not in fixed:
            size = graph.tensor_bytes(first.tensors[index])
            change[start] += size
            change[dies.get(index, start) + 1] -= size
    return max(itertools.accumulate(change))
