"""Reading a `.tflite` graph."""

import pytest

from models.files.artifacts import artifact
from models.files.graph import GraphError, read_details
from tests.models.small_files import Tensor, one_operator, small_file


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


def _dense(*, half_weights: bool) -> bytes:
    """Return a dense layer from 4 values to 3, without a bias."""
    tensors = [Tensor("x"), Tensor("weights", (3, 4)), Tensor("y", (1, 3))]
    operators = [("FULLY_CONNECTED", [0, 1, -1], [2])]
    if half_weights:
        tensors.append(Tensor("half", (3, 4), "float16"))
        operators.insert(0, ("DEQUANTIZE", [3], [1]))
    return small_file(tensors, operators, [0], [2])


@pytest.mark.parametrize(
    ("operator", "count"),
    [
        ("LSTM", None), ("CONV_3D", None), ("TANH", 0), ("WHILE", None), ("Mine", None),
        ("TFLite_Detection_PostProcess", 0),
    ],
)  # fmt: skip
def test_multiply_accumulates_of_any_operator_or_unknown(operator, count):
    assert read_details(one_operator(operator)).multiply_accumulates == count


@pytest.mark.parametrize("half_weights", [False, True])
def test_a_dense_layer_moves_its_input_weights_and_output_once(half_weights):
    content = _dense(half_weights=half_weights)
    details = read_details(content)
    assert details.multiply_accumulates == 3 * 4
    assert details.bytes_moved == 4 * (4 + 3 * 4 + 3)


def test_what_a_users_file_costs_is_told(file):
    told = file(_dense(half_weights=False)).describe()
    costs = [told[key] for key in ("operator_count", "multiply_accumulates", "bytes_moved")]
    assert costs == [1, 12, 76]


def test_what_cannot_be_read_is_unknown(file):
    assert file(b"0000TFL3 but no graph").describe()["bytes_moved"] is None
