"""Reading a `.tflite` graph."""

from __future__ import annotations

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from models.files import graph
from models.files.artifacts import artifact, user_model
from models.files.details import read_details
from models.files.graph import GraphError
from tests.models.small_files import Tensor, small_file

FLOAT32, FLOAT16 = schema.TensorType.FLOAT32, schema.TensorType.FLOAT16
DENSE, DEQUANTIZE = schema.BuiltinOperator.FULLY_CONNECTED, schema.BuiltinOperator.DEQUANTIZE


def test_multiply_accumulates_of_mobilenet_v1s_layers():
    """By hand: the stem makes 50x50x12 outputs of 3x3x3 weights each, block 1 of 3x3 and 12."""
    nodes = graph.operators(artifact("mobilenet_v1", "float32").path.read_bytes())
    assert [node.name for node in nodes[:3]] == ["CONV_2D", "DEPTHWISE_CONV_2D", "CONV_2D"]
    assert [node.multiply_accumulates for node in nodes[:3]] == [
        50 * 50 * 12 * 27,
        50 * 50 * 12 * 9,
        50 * 50 * 24 * 12,
    ]
    assert nodes[-2].name == "FULLY_CONNECTED"
    assert nodes[-2].multiply_accumulates == 384 * 20
    assert (nodes[-1].name, nodes[-1].multiply_accumulates) == ("SOFTMAX", 0)


def test_precision_changes_no_multiply_accumulates(architecture):
    counts = {
        graph.multiply_accumulates(artifact(architecture.name, precision).path.read_bytes())
        for precision in ("float32", "float16", "dynamic", "int8")
    }
    assert len(counts) == 1


def test_no_operator_but_those_that_are_needed(architecture):
    """Normalisation, activations and scaling are folded into the layers beside them."""
    needed = {"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "SOFTMAX", "MAX_POOL_2D", "MEAN",
              "ADD", "RESHAPE"}  # fmt: skip
    content = artifact(architecture.name, "float32").path.read_bytes()
    assert set(graph.operator_counts(content)) <= needed


@pytest.mark.parametrize("content", [b"", b"TFL3", b"\0" * 64, b"\xff" * 64])
def test_other_bytes_are_refused(content):
    with pytest.raises(GraphError, match="not a readable TensorFlow Lite graph"):
        graph.operators(content)


def _tensor(shape, kind):
    tensor = schema.TensorT()
    tensor.shape, tensor.type, tensor.buffer, tensor.name = shape, kind, 0, b"t"
    return tensor


def _node(opcode: int, inputs, outputs):
    node = schema.OperatorT()
    node.opcodeIndex, node.inputs, node.outputs = opcode, inputs, outputs
    return node


def _model(*, half_weights: bool) -> bytes:
    """Return a dense layer from 4 values to 3, without a bias."""
    tensors = [_tensor([1, 4], FLOAT32), _tensor([3, 4], FLOAT32), _tensor([1, 3], FLOAT32)]
    nodes = [_node(0, [0, 1, -1], [2])]
    if half_weights:
        tensors.append(_tensor([3, 4], FLOAT16))
        nodes.insert(0, _node(1, [3], [1]))
    model, subgraph = schema.ModelT(), schema.SubGraphT()
    codes = [schema.OperatorCodeT(), schema.OperatorCodeT()]
    for code, number in zip(codes, (DENSE, DEQUANTIZE), strict=True):
        code.builtinCode = code.deprecatedBuiltinCode = number
    subgraph.tensors, subgraph.operators = tensors, nodes
    subgraph.inputs, subgraph.outputs = [0], [2]
    model.version, model.operatorCodes, model.subgraphs = 3, codes, [subgraph]
    model.buffers = [schema.BufferT()]
    builder = flatbuffers.Builder()
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _lstm() -> bytes:
    """28 steps of 28 values to 20 units: four gates, without peepholes or a projection."""
    weights = np.zeros(1, np.float32)
    gates = [Tensor(f"in {gate}", (20, 28), values=weights) for gate in "ifco"]
    gates += [Tensor(f"again {gate}", (20, 20), values=weights) for gate in "ifco"]
    biases = [Tensor(f"bias {gate}", (20,), values=weights) for gate in "ifco"]
    states = [Tensor(name, (1, 20), is_variable=True) for name in ("state", "cell")]
    tensors = [Tensor("x", (1, 28, 28)), *gates, *biases, *states, Tensor("y", (1, 28, 20))]
    inputs = [*range(9), -1, -1, -1, *range(9, 13), -1, -1, 13, 14, -1, -1, -1, -1]
    node = ("UNIDIRECTIONAL_SEQUENCE_LSTM", inputs, [15])
    return small_file(tensors, [node], [0], [15])


@pytest.mark.parametrize(
    ("content", "count"),
    [
        (_lstm(), 28 * 4 * (28 * 20 + 20 * 20)),
        (
            small_file(
                [Tensor("x", (1, 8, 16, 16, 3)), Tensor("filters", (3, 3, 3, 3, 4)),
                 Tensor("y", (1, 6, 14, 14, 4))],
                [("CONV_3D", [0, 1], [2])], [0, 1], [2],
            ),
            6 * 14 * 14 * 4 * 27 * 3,
        ),
        (
            small_file(
                [Tensor("x", (1, 10)), Tensor("features", (8, 10)), Tensor("times", (8, 4)),
                 Tensor("state", (1, 32), is_variable=True), Tensor("y", (1, 8))],
                [("SVDF", [0, 1, 2, -1, 3], [4])], [0], [4],
            ),
            8 * 10 + 8 * 4,
        ),
        (small_file([Tensor("x"), Tensor("y")], [("TANH", [0], [1])], [0], [1]), 0),
        (small_file([Tensor("x"), Tensor("y")], [("WHILE", [0], [1])], [0], [1]), None),
        (small_file([Tensor("x"), Tensor("y")], [("Mine", [0], [1])], [0], [1]), None),
        (
            small_file([Tensor("x"), Tensor("y")], [("TFLite_Detection_PostProcess", [0], [1])],
                       [0], [1]),
            0,
        ),
    ],
    ids=["lstm", "conv 3d", "svdf", "no weights", "loop", "custom", "ssd"],
)  # fmt: skip
def test_multiply_accumulates_of_any_operator_or_unknown(content, count):
    assert graph.multiply_accumulates(content) == count


@pytest.mark.parametrize("half_weights", [False, True])
def test_a_dense_layer_moves_its_input_weights_and_output_once(half_weights):
    content = _model(half_weights=half_weights)
    assert graph.multiply_accumulates(content) == 3 * 4
    assert read_details(content).bytes_moved == 4 * (4 + 3 * 4 + 3)


def test_what_a_users_file_costs_is_told(tmp_path):
    path = tmp_path / "mine.tflite"
    path.write_bytes(_model(half_weights=False))
    told = user_model(path).describe()
    assert (told["operator_count"], told["multiply_accumulates"], told["bytes_moved"]) == (
        1,
        12,
        76,
    )


def test_what_cannot_be_read_is_unknown(tmp_path):
    path = tmp_path / "mine.tflite"
    path.write_bytes(b"0000TFL3 but no graph")
    assert user_model(path).describe()["bytes_moved"] is None
