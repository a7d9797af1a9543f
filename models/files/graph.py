"""What stands in a `.tflite` file: its operators and what they cost, read without running it."""

from __future__ import annotations

import contextlib
import re
import struct
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

from ai_edge_litert import schema_py_generated as schema

_OPERATOR_NAMES: dict[int, str] = {
    code: name for name, code in vars(schema.BuiltinOperator).items() if not name.startswith("_")
}

_BITS: dict[int, int] = {
    code: int(bits)
    for name, code in vars(schema.TensorType).items()
    if (bits := name.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")).isdecimal()
}
"""Of an element, from its type's name, such as 32 of "FLOAT32"."""


class GraphError(ValueError):
    """The bytes are no readable TensorFlow Lite graph."""


@dataclass(frozen=True)
class Operator:
    """One node of the graph.

    Attributes:
        name: the builtin operator's name, such as "CONV_2D".
        multiply_accumulates: of one inference; 0 for operators without weights; None where it is
            unknown, as of a custom operator or a loop.
        bytes_moved: of one inference: its inputs, weights and outputs, each once.
    """

    name: str
    multiply_accumulates: int | None
    bytes_moved: int


def operators(content: bytes) -> list[Operator]:
    """Return the nodes of the first subgraph, in order.

    Multiply-accumulates are counted as in Howard et al., arXiv 1704.04861, section 3.1: for a
    convolution, weights of one filter times outputs; for a dense layer, its weights; for a
    recurrent one, those of all its matrices in each step.
    Bytes are those that every operator has to read and write if nothing stays in a cache between
    two of them. Weights that are stored as float16 count as the float32 values that they become
    when the model is loaded; that conversion itself moves nothing during an inference.

    Args:
        content: a `.tflite` file's bytes.

    Raises:
        GraphError: the bytes cannot be read as a graph.
    """
    return operators_of(parse(content))


def parse(content: bytes) -> Any:
    """Return a file's model as the generated schema has it (`schema.ModelT`).

    Raises:
        GraphError: the bytes cannot be read as a graph.
    """
    with refusing():
        model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content))
        model.subgraphs[0].operators  # noqa: B018 - a file without a graph fails here
        return model


@contextlib.contextmanager
def refusing() -> Iterator[None]:
    """Say of whatever a damaged graph makes its reader trip over that it is damaged.

    Raises:
        GraphError: the bytes cannot be read as a graph.
    """
    try:
        yield
    except (struct.error, LookupError, TypeError, AttributeError, ValueError) as error:
        raise GraphError(f"damaged: not a readable TensorFlow Lite graph ({error})") from error


def operators_of(model: Any) -> list[Operator]:
    """Return the nodes of the first subgraph of what `parse` returned; as `operators`."""
    with refusing():
        graph = model.subgraphs[0]
        made = {int(tensor) for node in graph.operators for tensor in node.outputs}
        made |= {int(tensor) for tensor in graph.inputs}
        return [
            _operator(operator_name(model, node), node, graph.tensors, made)
            for node in graph.operators
        ]


def operator_name(model: Any, node: Any) -> str:
    """Return the name of a node's operator: a builtin one's, such as "CONV_2D", or a custom one's.

    Args:
        model: of `parse`.
        node: one of its operators.
    """
    kind = model.operatorCodes[node.opcodeIndex]
    if kind.customCode:
        return kind.customCode.decode("utf-8", "replace")
    code = max(kind.builtinCode, kind.deprecatedBuiltinCode)
    return _OPERATOR_NAMES.get(code, f"OPERATOR_{code}")


def operator_counts(content: bytes) -> dict[str, int]:
    """Return how often each operator stands in the file, by name.

    Raises:
        GraphError: the bytes cannot be read as a graph.
    """
    return dict(sorted(Counter(operator.name for operator in operators(content)).items()))


def weight_types(content: bytes) -> dict[str, str]:
    """Return the types that each kind of operator's weights are stored in, such as "INT8".

    A dynamic file keeps small weights in float, so a kind may have two: "FLOAT32, INT8".

    Args:
        content: a `.tflite` file's bytes.

    Raises:
        GraphError: the bytes cannot be read as a graph.
    """
    model = parse(content)
    graph = model.subgraphs[0]
    type_names = {code: name for name, code in vars(schema.TensorType).items()}
    stored = {
        int(node.outputs[0]): int(node.inputs[0])
        for node in graph.operators
        if operator_name(model, node) == "DEQUANTIZE"
    }
    found: dict[str, set[str]] = {}
    for node in graph.operators:
        name = operator_name(model, node)
        if name in ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"):
            weights = int(node.inputs[1])
            stored_type = type_names[graph.tensors[stored.get(weights, weights)].type]
            found.setdefault(name, set()).add(stored_type)
    return {name: ", ".join(sorted(types)) for name, types in found.items()}


def multiply_accumulates(content: bytes) -> int | None:
    """Return the multiply-accumulates of one inference; None where an operator's are unknown.

    Raises:
        GraphError: the bytes cannot be read as a graph.
    """
    return total_multiply_accumulates(operators(content))


def total_multiply_accumulates(nodes: Sequence[Operator]) -> int | None:
    """Return those of all operators; None where one's are unknown."""
    counts = [each.multiply_accumulates for each in nodes]
    return None if None in counts else sum(count or 0 for count in counts)


def has_no_weights(name: str) -> bool:
    """Return whether an operator, by its name, is known to multiply and accumulate nothing."""
    if name in _NO_WEIGHTS:
        return True
    return name in _OPERATOR_NAMES.values() and name not in _COSTS and not _RUNS_OTHERS.match(name)


def _operator(name: str, node: Any, tensors: Any, made: set[int]) -> Operator:
    count = _COSTS.get(name)
    cost = int(count(node, tensors)) if count else 0 if has_no_weights(name) else None
    inputs = [int(index) for index in node.inputs if index >= 0]  # -1: an optional one is absent
    is_done_at_load = name == "DEQUANTIZE" and not made & set(inputs)
    touched = set() if is_done_at_load else {*inputs, *map(int, node.outputs)}
    return Operator(name, cost, sum(tensor_bytes(tensors[index]) for index in touched))


def _convolution(node: Any, tensors: Any) -> int:
    filters = tensors[node.inputs[1]].shape  # (outputs, height, width, inputs)
    return prod(filters[1:]) * prod(tensors[node.outputs[0]].shape)


def _depthwise_convolution(node: Any, tensors: Any) -> int:
    filters = tensors[node.inputs[1]].shape  # (1, height, width, channels)
    return prod(filters[1:3]) * prod(tensors[node.outputs[0]].shape)


def _dense(node: Any, tensors: Any) -> int:
    weights = tensors[node.inputs[1]].shape  # (outputs, inputs)
    return prod(weights) * (prod(tensors[node.outputs[0]].shape) // weights[0])


def _transposed_convolution(node: Any, tensors: Any) -> int:
    filters = tensors[node.inputs[1]].shape  # (outputs, height, width, inputs)
    return prod(filters[:3]) * prod(tensors[node.inputs[2]].shape)


def _convolution_3d(node: Any, tensors: Any) -> int:
    filters = tensors[node.inputs[1]].shape  # (depth, height, width, inputs, outputs)
    return prod(filters[:4]) * prod(tensors[node.outputs[0]].shape)


def _matrix_product(node: Any, tensors: Any) -> int:
    left = tensors[node.inputs[0]].shape
    inner = left[-2] if node.builtinOptions.adjX else left[-1]
    return prod(tensors[node.outputs[0]].shape) * int(inner)


def _recurrent(node: Any, tensors: Any) -> int:
    """Count every matrix of weights once a step; the input's last dimension are features."""
    given = [tensors[index] for index in node.inputs[1:] if index >= 0]
    matrices = [each for each in given if not each.isVariable and _rank(each) == 2]
    return prod(tensors[node.inputs[0]].shape[:-1]) * sum(prod(each.shape) for each in matrices)


def _lstm(node: Any, tensors: Any) -> int:
    if len(node.inputs) != _BASIC_LSTM_INPUTS:
        return _recurrent(node, tensors)
    return tensors[node.inputs[0]].shape[0] * prod(tensors[node.inputs[2]].shape)


def _rank(tensor: Any) -> int:
    return 0 if tensor.shape is None else len(tensor.shape)


_BASIC_LSTM_INPUTS = 5
"""Of LSTM with the kernel type BASIC: input, last output, all weights, biases, last state."""

_COSTS: dict[str, Callable[[Any, Any], int]] = {
    "CONV_2D": _convolution,
    "DEPTHWISE_CONV_2D": _depthwise_convolution,
    "FULLY_CONNECTED": _dense,
    "TRANSPOSE_CONV": _transposed_convolution,
    "CONV_3D": _convolution_3d,
    "BATCH_MATMUL": _matrix_product,
    "LSTM": _lstm,
    "RNN": _recurrent,
    "SVDF": _recurrent,
    "UNIDIRECTIONAL_SEQUENCE_LSTM": _recurrent,
    "UNIDIRECTIONAL_SEQUENCE_RNN": _recurrent,
    "BIDIRECTIONAL_SEQUENCE_LSTM": _recurrent,
    "BIDIRECTIONAL_SEQUENCE_RNN": _recurrent,
}
"""From a node and all tensors to its multiply-accumulates."""

_RUNS_OTHERS = re.compile(
    "CALL$|IF$|WHILE$|STABLEHLO_|CUSTOM$|DELEGATE$|PLACEHOLDER|CONV_3D_TRANSPOSE|RFFT2D"
)
"""Operators that run a graph or that are not counted: what they cost is unknown."""

_NO_WEIGHTS = {"TFLite_Detection_PostProcess"}
"""Custom operators that are known: it sorts boxes and leaves out those that overlap."""


def tensor_bytes(tensor: Any) -> int:
    """Return how large a tensor is; a scalar has no shape."""
    elements = 1 if tensor.shape is None else prod(map(int, tensor.shape))
    return elements * _BITS.get(tensor.type, 8) // 8
