"""What stands in a `.tflite` file: its operators and what they cost, read without running it."""

from __future__ import annotations

import struct
from collections import Counter
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
        multiply_accumulates: of one inference; 0 for operators without weights.
        bytes_moved: of one inference: its inputs, weights and outputs, each once.
    """

    name: str
    multiply_accumulates: int
    bytes_moved: int


def operators(content: bytes) -> list[Operator]:
    """Return the nodes of the first subgraph, in order.

    Multiply-accumulates are counted as in Howard et al., arXiv 1704.04861, section 3.1: for a
    convolution, weights of one filter times outputs; for a dense layer, its weights.
    Bytes are those that every operator has to read and write if nothing stays in a cache between
    two of them. Weights that are stored as float16 count as the float32 values that they become
    when the model is loaded; that conversion itself moves nothing during an inference.

    Args:
        content: a `.tflite` file's bytes.

    Raises:
        GraphError: the bytes cannot be read as a graph.
    """
    try:
        model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content))
        graph = model.subgraphs[0]
        codes = [max(code.builtinCode, code.deprecatedBuiltinCode) for code in model.operatorCodes]
        made = {int(tensor) for node in graph.operators for tensor in node.outputs}
        made |= {int(tensor) for tensor in graph.inputs}
        return [
            _operator(codes[node.opcodeIndex], node, graph.tensors, made)
            for node in graph.operators
        ]
    except (struct.error, IndexError, TypeError, AttributeError, ValueError, KeyError) as error:
        raise GraphError(f"not a readable TensorFlow Lite graph ({error})") from error


def operator_counts(content: bytes) -> dict[str, int]:
    """Return how often each operator stands in the file, by name.

    Raises:
        GraphError: the bytes cannot be read as a graph.
    """
    return dict(sorted(Counter(operator.name for operator in operators(content)).items()))


def multiply_accumulates(content: bytes) -> int:
    """Return the multiply-accumulates of one inference.

    Raises:
        GraphError: the bytes cannot be read as a graph.
    """
    return sum(operator.multiply_accumulates for operator in operators(content))


def bytes_moved(content: bytes) -> int:
    """Return the bytes that the operators read and write in one inference.

    Raises:
        GraphError: the bytes cannot be read as a graph.
    """
    return sum(operator.bytes_moved for operator in operators(content))


def delegated_partitions(interpreter: Any) -> list[int]:
    """Return how many of the graph's nodes each delegate partition took.

    The whole graph runs in a delegate when this is one number, `len(operators(content))`.
    DEQUANTIZE nodes of constant weights count as taken: they are folded before the partition.

    Args:
        interpreter: a runtime's `Interpreter`, its tensors allocated.
    """
    nodes = interpreter._get_ops_details()
    delegates = [node for node in nodes if node["op_name"] == "DELEGATE"]
    produced = {tensor: node for node in nodes if node["op_name"] != "DELEGATE"
                for tensor in node["outputs"]}  # fmt: skip
    return [len(_nodes_behind(delegate, produced)) for delegate in delegates]


def _nodes_behind(delegate: dict[str, Any], produced: dict[int, dict[str, Any]]) -> set[int]:
    """Walk from a delegate's outputs back to its inputs."""
    inputs = set(delegate["inputs"])
    waiting, found = list(delegate["outputs"]), set()
    while waiting:
        node = produced.get(waiting.pop())
        if node is None or node["index"] in found:
            continue
        found.add(node["index"])
        waiting.extend(tensor for tensor in node["inputs"] if tensor not in inputs)
    return found


def _operator(code: int, node: Any, tensors: Any, made: set[int]) -> Operator:
    name = _OPERATOR_NAMES.get(code, f"OPERATOR_{code}")
    cost = 0
    if name == "CONV_2D":
        filters = tensors[node.inputs[1]].shape  # (outputs, height, width, inputs)
        cost = prod(filters[1:]) * prod(tensors[node.outputs[0]].shape)
    elif name == "DEPTHWISE_CONV_2D":
        filters = tensors[node.inputs[1]].shape  # (1, height, width, channels)
        cost = prod(filters[1:3]) * prod(tensors[node.outputs[0]].shape)
    elif name == "FULLY_CONNECTED":
        weights = tensors[node.inputs[1]].shape  # (outputs, inputs)
        cost = prod(weights) * (prod(tensors[node.outputs[0]].shape) // weights[0])
    inputs = [int(index) for index in node.inputs if index >= 0]  # -1: an optional one is absent
    is_done_at_load = name == "DEQUANTIZE" and not made & set(inputs)
    touched = set() if is_done_at_load else {*inputs, *map(int, node.outputs)}
    return Operator(name, int(cost), sum(_bytes(tensors[index]) for index in touched))


def _bytes(tensor: Any) -> int:
    """Return how large a tensor is; a scalar has no shape."""
    elements = 1 if tensor.shape is None else prod(map(int, tensor.shape))
    return elements * _BITS.get(tensor.type, 8) // 8
