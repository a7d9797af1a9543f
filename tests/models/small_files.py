"""`.tflite` files of a few operators, written without a converter."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema


@dataclass(frozen=True)
class Tensor:
    """A tensor: `values` make it a constant; -1 in `shape` leaves a size open, None the rank."""

    name: str
    shape: tuple[int, ...] | None = (1, 4)
    dtype: str = "float32"
    values: np.ndarray | None = None
    scale: float = 0.0
    zero_point: int = 0
    is_variable: bool = False


Operator = tuple[str, Sequence[int], Sequence[int]]
"""A builtin operator's name, or a custom one's; its inputs; its outputs."""


def small_file(
    tensors: Sequence[Tensor],
    operators: Sequence[Operator],
    inputs: Sequence[int],
    outputs: Sequence[int],
) -> bytes:
    """Return a file of one graph."""
    return write([(tensors, operators, inputs, outputs)])


def one_operator(name: str, given: Tensor = Tensor("x"), answer: Tensor | None = None) -> bytes:
    """Return a file of one operator, whose answer is like what it is given, if nothing is said."""
    answer = answer or replace(given, name="y")
    return small_file([given, answer], [(name, [0], [1])], [0], [1])


def write(
    graphs: Sequence[tuple],
    options: dict[str, tuple[int, object]] | None = None,
    signatures: Sequence[str] = (),
) -> bytes:
    """Return a file of several graphs; `options` are (kind, options) by operator."""
    model = schema.ModelT()
    named = zip(signatures, graphs, strict=False)
    model.signatureDefs = [_signature(number, *each) for number, each in enumerate(named)]
    model.version, model.buffers, model.operatorCodes, model.subgraphs = 3, [], [], []
    model.buffers.append(schema.BufferT())
    names: list[str] = []
    for tensors, operators, inputs, outputs in graphs:
        graph = schema.SubGraphT()
        graph.tensors = [_tensor(tensor, model.buffers) for tensor in tensors]
        graph.inputs, graph.outputs, graph.operators = list(inputs), list(outputs), []
        for name, taken, given in operators:
            if name not in names:
                names.append(name)
                model.operatorCodes.append(_code(name))
            node = schema.OperatorT()
            node.opcodeIndex = names.index(name)
            node.inputs, node.outputs = list(taken), list(given)
            if options and name in options:
                node.builtinOptionsType, node.builtinOptions = options[name]
            graph.operators.append(node)
        model.subgraphs.append(graph)
    builder = flatbuffers.Builder()
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _signature(number: int, name: str, graph: tuple):
    made = schema.SignatureDefT()
    made.signatureKey, made.subgraphIndex = name, number
    tensors, _, *ends = graph
    made.inputs, made.outputs = ([_named(tensors[each].name, each) for each in end] for end in ends)
    return made


def _named(name: str, tensor: int):
    made = schema.TensorMapT()
    made.name, made.tensorIndex = name, tensor
    return made


def _code(name: str):
    code = schema.OperatorCodeT()
    code.version = 1
    builtin = getattr(schema.BuiltinOperator, name, None)
    if builtin is None:
        code.customCode = name
        builtin = schema.BuiltinOperator.CUSTOM
    code.builtinCode, code.deprecatedBuiltinCode = builtin, min(builtin, 127)
    return code


def _tensor(tensor: Tensor, buffers: list):
    made = schema.TensorT()
    made.name, made.type = tensor.name, getattr(schema.TensorType, tensor.dtype.upper())
    if tensor.shape is not None:
        made.shape = [max(1, size) for size in tensor.shape]
    if tensor.shape and -1 in tensor.shape:
        made.shapeSignature = list(tensor.shape)
    made.isVariable = tensor.is_variable
    if tensor.scale:
        made.quantization = schema.QuantizationParametersT()
        made.quantization.scale = [tensor.scale]
        made.quantization.zeroPoint = [tensor.zero_point]
    if tensor.values is not None:
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(np.ascontiguousarray(tensor.values).tobytes(), np.uint8)
        made.buffer = len(buffers)
        buffers.append(buffer)
    return made


COLOURS = ("red", "green", "blue")
"""The classes of `colour_classifier`."""


def stream() -> bytes:
    """Return a file that adds what goes in to a resource variable, and gives the sum."""
    handle, old, new = Tensor("handle", (), "resource"), Tensor("old"), Tensor("new")
    zeros = Tensor("zeros", values=np.zeros((1, 4), np.float32))
    variable, once = schema.VarHandleOptionsT(), schema.CallOnceOptionsT()
    variable.container, variable.sharedName, once.initSubgraphIndex = "", "sum", 1
    running = [("CALL_ONCE", [], []), ("VAR_HANDLE", [], [1]), ("READ_VARIABLE", [1], [2]),
               ("ADD", [0, 2], [3]), ("ASSIGN_VARIABLE", [1, 3], [])]  # fmt: skip
    starting = [("VAR_HANDLE", [], [0]), ("ASSIGN_VARIABLE", [0, 1], [])]
    graph = ([Tensor("in"), handle, old, new], running, [0], [3])
    return write(
        [graph, ([handle, zeros], starting, [], [])],
        {
            "VAR_HANDLE": (schema.BuiltinOptions.VarHandleOptions, variable),
            "CALL_ONCE": (schema.BuiltinOptions.CallOnceOptions, once),
        },
    )


def colour_classifier(
    shape: tuple[int, ...] = (1, 8, 8, 3), dtype: str = "float32", last: str | None = None
) -> bytes:
    """Return a file whose three classes are red, green and blue: the mean of each channel.

    Channels may come first; a grey picture has its rows in place of the classes. `last` is an
    operator that makes the answers of the means.
    """
    scale = 1.0 if dtype == "uint8" else 0.0
    axes = (2, 3) if shape[3] != 3 else (1, 2)
    classes = next(size for place, size in enumerate(shape[1:], 1) if place not in axes)
    tensors = [
        Tensor("picture", shape, dtype, scale=scale),
        Tensor("axes", (2,), "int32", np.array(axes, np.int32)),
        Tensor("classes", (shape[0], classes), dtype, scale=scale),
    ]
    operators = [("MEAN", [0, 1], [2])]
    if last:
        tensors.append(Tensor("answers", tensors[2].shape, dtype, scale=scale))
        operators.append((last, [2], [3]))
    options = schema.ReducerOptionsT()
    options.keepDims = False
    return write(
        [(tensors, operators, [0], [len(tensors) - 1])],
        {"MEAN": (schema.BuiltinOptions.ReducerOptions, options)},
    )
