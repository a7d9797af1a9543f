"""What stands in a `.tflite` file: tensors, operators and what they cost, read without running it.

Multiply-accumulates are counted as in Howard et al., arXiv 1704.04861, section 3.1: for a
convolution, weights of one filter times outputs; for a dense layer, its weights. Bytes moved are
those that every operator has to read and write if nothing stays in a cache between two of them.
Weights that are stored as float16 count as the float32 values that they become when the model is
loaded; that conversion itself moves nothing during an inference.

What a file does not tell is None: the cost of a loop, a recurrent layer or a custom operator, and
all that hangs on the shape of a tensor whose rank is open.
"""

from __future__ import annotations

import contextlib
import re
import struct
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.tools.flatbuffer_utils import get_builtin_code_from_operator_code

from models.preprocessing.tensors import TensorSpec

_OPERATOR_NAMES: dict[int, str] = {
    code: name for name, code in vars(schema.BuiltinOperator).items() if not name.startswith("_")
}
_TYPE_NAMES: dict[int, str] = {
    code: name.lower() for name, code in vars(schema.TensorType).items() if not name.startswith("_")
}
_NUMPY_TYPES = {*np.sctypeDict} & {*_TYPE_NAMES.values()}
_ONLY_REWRITTEN = {"QUANTIZE", "DEQUANTIZE", "RESHAPE", "SQUEEZE", "CAST"}
_FLOATS = ("float64", "float32", "float16", "bfloat16")
_WEIGHTED = {
    "CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV", "CONV_3D",
    "BATCH_MATMUL", "LSTM", "UNIDIRECTIONAL_SEQUENCE_LSTM", "SVDF",
}  # fmt: skip


class GraphError(ValueError):
    """The bytes are no readable TensorFlow Lite graph."""


@dataclass(frozen=True)
class Operator:
    """One node of the graph.

    Attributes:
        name: a builtin operator's, such as "CONV_2D", or a custom one's.
        multiply_accumulates: of one inference; 0 for operators without weights; None: unknown.
        bytes_moved: of one inference: its inputs, weights and outputs, each once; None: unknown.
    """

    name: str
    multiply_accumulates: int | None
    bytes_moved: int | None


@dataclass(frozen=True)
class FileDetails:
    """A file's first graph.

    Attributes:
        nodes: its operators, in order.
        parameters: elements of all constant weights and biases.
        precision: "float32", "float16", "dynamic" or "int8" as `models.files.artifacts.PRECISIONS`
            has them, "int16", or "none" for a file without weights.
        weight_types: what each kind of operator's weights are stored in, such as "INT8". A
            dynamic file keeps small weights in float, so a kind may have two: "FLOAT32, INT8".
        inputs, outputs: in the file's order.
        custom_operators: names of those that are not TensorFlow Lite's own.
        has_state: whether a tensor keeps its value from one inference to the next.
        is_micros: whether an SVDF's state is int8: as int16, runtimes would write past its end.
        signature: what the file calls the graph; None where it has no name.
        signatures: names of all graphs that can be called.
    """

    nodes: tuple[Operator, ...]
    parameters: int
    precision: str
    weight_types: dict[str, str]
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    custom_operators: tuple[str, ...]
    has_state: bool
    is_micros: bool
    signature: str | None
    signatures: tuple[str, ...]

    @property
    def operators(self) -> dict[str, int]:
        """How often each operator stands in the graph, by name."""
        return dict(sorted(Counter(node.name for node in self.nodes).items()))

    @property
    def multiply_accumulates(self) -> int | None:
        """Of one inference; None where an operator's are unknown."""
        return _total(node.multiply_accumulates for node in self.nodes)

    @property
    def bytes_moved(self) -> int | None:
        """Of one inference, by all operators; None where an operator's are unknown."""
        return _total(node.bytes_moved for node in self.nodes)

    @property
    def remark(self) -> str | None:
        """Which of several graphs this is; None where there is but one."""
        if len(self.signatures) < 2:
            return None
        return f"signature {self.signature} is run, of {', '.join(self.signatures)}"

    @property
    def is_sigmoid(self) -> bool:
        """Whether the last thing that is reckoned is a logistic function."""
        reckoned = [node.name for node in self.nodes if node.name not in _ONLY_REWRITTEN]
        return reckoned[-1:] == ["LOGISTIC"]

    def reshaped(self, shapes: Sequence[tuple[int, ...]]) -> FileDetails:
        """Return the same with other shapes of its first inputs."""
        changed = [
            replace(each, shape=shape) for each, shape in zip(self.inputs, shapes, strict=False)
        ]
        return replace(self, inputs=(*changed, *self.inputs[len(changed) :]))


def parse(content: bytes) -> Any:
    """Return a file's model as the generated schema has it (`schema.ModelT`).

    Raises:
        GraphError: the bytes cannot be read as a graph.
    """
    with _refusing():
        model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content))
        model.subgraphs[0].operators  # noqa: B018 - a file without a graph fails here
        return model


def read_details(content: bytes) -> FileDetails:
    """Return what is known of a `.tflite` file from its bytes alone; GraphError as for `parse`."""
    return details_of(parse(content))


def details_of(model: Any) -> FileDetails:
    """As `read_details`, of what `parse` returned."""
    with _refusing():
        graph = model.subgraphs[0]
        tensors, inputs = graph.tensors or [], _indices(graph.inputs)
        constants = {index for index, each in enumerate(tensors) if _is_constant(model, each)}
        nodes = [(_operator_name(model, node), node) for node in graph.operators or ()]
        made = {*inputs}.union(*(_indices(node.outputs) for _, node in nodes))
        return FileDetails(
            tuple(_operator(name, node, tensors, made, constants) for name, node in nodes),
            sum(prod(_sizes(tensors[index])) for index in constants if _is_weight(tensors[index])),
            _precision(nodes, tensors, constants),
            _weight_types(nodes, tensors),
            tuple(_spec(tensors[index], index) for index in inputs),
            tuple(_spec(tensors[index], index) for index in _indices(graph.outputs)),
            tuple(
                code.customCode.decode("utf-8", "replace")
                for code in model.operatorCodes or ()
                if code.customCode
            ),
            any(tensor.isVariable for each in model.subgraphs for tensor in each.tensors or ()),
            any(_type(tensors[each.inputs[4]]) == "int8" for name, each in nodes if name == "SVDF"),
            next((name for name, number in signatures(model) if number == 0), None),
            tuple(name for name, _ in signatures(model)),
        )


def signatures(model: Any) -> list[tuple[str, int]]:
    """Return the name of each signature of what `parse` returned, and the number of its graph."""
    return [
        ((each.signatureKey or b"").decode("utf-8", "replace"), each.subgraphIndex)
        for each in model.signatureDefs or ()
    ]


def has_no_weights(name: str) -> bool:
    """Return whether an operator, by its name, is known to multiply and accumulate nothing."""
    if name in _NO_WEIGHTS:
        return True
    return name in _OPERATOR_NAMES.values() and name not in _COSTS and not _UNKNOWN.match(name)


@contextlib.contextmanager
def _refusing() -> Iterator[None]:
    """Say of whatever a damaged graph makes its reader trip over that it is damaged."""
    try:
        yield
    except (struct.error, LookupError, TypeError, AttributeError, ValueError) as error:
        raise GraphError(f"damaged: not a readable TensorFlow Lite graph ({error})") from error


def _indices(numbers: Any) -> list[int]:
    return [] if numbers is None else [int(number) for number in numbers]


def _total(counts: Iterable[int | None]) -> int | None:
    found = list(counts)
    return None if None in found else sum(count or 0 for count in found)


def _operator_name(model: Any, node: Any) -> str:
    kind = model.operatorCodes[node.opcodeIndex]
    if kind.customCode:
        return kind.customCode.decode("utf-8", "replace")
    code = get_builtin_code_from_operator_code(kind)
    return _OPERATOR_NAMES.get(code, f"OPERATOR_{code}")


def _is_constant(model: Any, tensor: Any) -> bool:
    """Return whether a file holds a tensor's elements; some files have no buffers at all."""
    if not model.buffers:
        return False
    buffer = model.buffers[tensor.buffer]
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


def _sizes(tensor: Any) -> list[int]:
    """Return a tensor's shape; a scalar has none."""
    return _indices(tensor.shape)


def _spec(tensor: Any, index: int) -> TensorSpec:
    shape, signature = _sizes(tensor), _indices(tensor.shapeSignature)
    kind, scale = _type(tensor), _scale(tensor)
    known = kind in _NUMPY_TYPES
    return TensorSpec(
        index, tuple(signature if len(signature) == len(shape) else shape),
        np.dtype(kind if known else object),
        scale, int(tensor.quantization.zeroPoint[0]) if scale else 0,
        (tensor.name or b"").decode("utf-8", "replace"), "" if known else kind,
    )  # fmt: skip


def _operator(name: str, node: Any, tensors: Any, made: set[int], constants: set[int]) -> Operator:
    """Count what a node costs; `made` are the tensors that an inference makes or is given."""
    inputs = [index for index in _indices(node.inputs) if index >= 0]  # -1: an optional one
    if name == "DEQUANTIZE" and not made & {*inputs}:
        return Operator(name, 0, 0)  # done when the model is loaded
    touched = {*inputs, *_indices(node.outputs)}
    sizes = [
        _bytes(tensors[index]) if index in constants or _is_known(tensors[index]) else None
        for index in touched
    ]
    moved = _total(sizes)
    if name in _COSTS and moved is not None:
        taken = [_sizes(tensors[index]) for index in inputs]
        given = _sizes(tensors[node.outputs[0]])
        return Operator(name, _COSTS[name](taken, given, node.builtinOptions), moved)
    return Operator(name, 0 if has_no_weights(name) else None, moved)


def _is_known(tensor: Any) -> bool:
    """Return whether a tensor's rank is known: one without a shape is a scalar, or of any rank."""
    return bool(_sizes(tensor)) or tensor.hasRank


def _bytes(tensor: Any) -> int:
    digits = _type(tensor).lstrip("abcdefghijklmnopqrstuvwxyz")  # such as 32 of "float32"
    return prod(_sizes(tensor)) * (int(digits) if digits.isdecimal() else 8) // 8


def _precision(nodes: Nodes, tensors: Any, constants: set[int]) -> str:
    """Name the precision by the weights and what they are multiplied with."""
    halves = {
        int(node.outputs[0])
        for name, node in nodes
        if name == "DEQUANTIZE" and _type(tensors[node.inputs[0]]) == "float16"
    }
    found = set()
    for name, node in nodes:
        if name not in _WEIGHTED:
            continue
        values = _type(tensors[node.inputs[0]])
        weights = {index for index in _indices(node.inputs)[1:] if index >= 0}
        kinds = {_type(tensors[index]) for index in weights & constants}
        if values in ("int8", "uint8", "int16"):
            found.add("int16" if values == "int16" else "int8")
        elif kinds & {"int8", "uint8", "int4", "int2"}:
            found.add("dynamic")
        elif halves & weights or "float16" in kinds:
            found.add("float16")
        else:
            found.add("float32")
    order = ("int16", "int8", "dynamic", "float16", "float32")
    return next((name for name in order if name in found), "none")


def _weight_types(nodes: Nodes, tensors: Any) -> dict[str, str]:
    stored = {
        int(node.outputs[0]): int(node.inputs[0]) for name, node in nodes if name == "DEQUANTIZE"
    }
    found: dict[str, set[str]] = {}
    for name, node in nodes:
        if name in ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"):
            weights = int(node.inputs[1])
            kind = _type(tensors[stored.get(weights, weights)]).upper()
            found.setdefault(name, set()).add(kind)
    return {name: ", ".join(sorted(types)) for name, types in found.items()}


Nodes = Sequence[tuple[str, Any]]
"""Operators by name, as the schema has them, in order."""

Shape = Sequence[int]
_COSTS: dict[str, Callable[[Sequence[Shape], Shape, Any], int]] = {
    # Filters and weights are (outputs, height, width, inputs), and (outputs, inputs).
    "CONV_2D": lambda taken, given, _: prod(taken[1][1:]) * prod(given),
    "DEPTHWISE_CONV_2D": lambda taken, given, _: prod(taken[1][1:3]) * prod(given),
    "FULLY_CONNECTED": lambda taken, given, _: taken[1][1] * prod(given),
    "TRANSPOSE_CONV": lambda taken, given, _: prod(taken[1][:3]) * prod(taken[2]),
    "BATCH_MATMUL": lambda taken, given, options: (
        prod(given) * taken[0][-2 if options.adjX else -1]
    ),
}
"""From the shapes of an operator's inputs and output, and its options, to multiply-accumulates."""

_UNKNOWN = re.compile(
    "CALL$|IF$|WHILE$|STABLEHLO_|CUSTOM$|DELEGATE$|PLACEHOLDER|CONV_3D|RFFT2D|SVDF|.*(LSTM|RNN)$"
)
"""Operators that run a graph or that are not counted."""

_NO_WEIGHTS = {"TFLite_Detection_PostProcess"}
"""Custom operators that are known: it sorts boxes and leaves out those that overlap."""
