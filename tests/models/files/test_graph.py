"""Reading a `.tflite` graph."""

from __future__ import annotations

import pytest

from models.files import graph
from models.files.artifacts import artifact
from models.files.graph import GraphError


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
