"""Reading a `.tflite` graph."""

from __future__ import annotations

import flatbuffers
import pytest
from ai_edge_litert import schema_py_generated as schema

from models.files.artifacts import artifact, user_model
from models.files.graph import GraphError, read_details
from tests.models.small_files import Tensor, small_file

FLOAT32, FLOAT16 = schema.TensorType.FLOAT32, schema.TensorType.FLOAT16
DENSE, DEQUANTIZE = schema.BuiltinOperator.FULLY_CONNECTED, schema.BuiltinOperator.DEQUANTIZE


def test_multiply_accumulates_of_mobilenet_v1s_layers():
    """By hand: the stem makes 50x50x12 outputs of 3x3x3 weights each, block 1 of 3x3 and 12."""
    nodes = artifact("mobilenet_v1", "float32").details.nodes
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
        artifact(architecture.name, precision).details.multiply_accumulates
        for precision in ("float32", "float16", "dynamic", "int8")
    }
    assert len(counts) == 1


def test_no_operator_but_those_that_are_needed(architecture):
    """Normalisation, activations and scaling are folded into the layers beside them."""
    needed = {"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "SOFTMAX", "MAX_POOL_2D", "MEAN",
              "ADD", "RESHAPE"}  # fmt: skip
    assert set(artifact(architecture.name, "float32").details.operators) <= needed


@pytest.mark.parametrize("content", [b"", b"TFL3", b"\0" * 64, b"\xff" * 64])
def test_other_bytes_are_refused(content):
    with pytest.raises(GraphError, match="not a readable TensorFlow Lite graph"):
        read_details(content)


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


@pytest.mark.parametrize(
    ("content", "count"),
    [
        (small_file([Tensor("x"), Tensor("y")], [("LSTM", [0], [1])], [0], [1]), None),
        (small_file([Tensor("x"), Tensor("y")], [("CONV_3D", [0], [1])], [0], [1]), None),
        (small_file([Tensor("x"), Tensor("y")], [("TANH", [0], [1])], [0], [1]), 0),
        (small_file([Tensor("x"), Tensor("y")], [("WHILE", [0], [1])], [0], [1]), None),
        (small_file([Tensor("x"), Tensor("y")], [("Mine", [0], [1])], [0], [1]), None),
        (
            small_file([Tensor("x"), Tensor("y")], [("TFLite_Detection_PostProcess", [0], [1])],
                       [0], [1]),
            0,
        ),
    ],
    ids=["lstm", "conv 3d", "no weights", "loop", "custom", "ssd"],
)  # fmt: skip
def test_multiply_accumulates_of_any_operator_or_unknown(content, count):
    assert read_details(content).multiply_accumulates == count


@pytest.mark.parametrize("half_weights", [False, True])
def test_a_dense_layer_moves_its_input_weights_and_output_once(half_weights):
    content = _model(half_weights=half_weights)
    details = read_details(content)
    assert details.multiply_accumulates == 3 * 4
    assert details.bytes_moved == 4 * (4 + 3 * 4 + 3)


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
