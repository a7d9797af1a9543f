"""Files with the shapes, and the graph, that a user chooses, in the real runtimes."""

import json

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from bench.__main__ import main
from models.files import graph
from models.files.artifacts import ArtifactError, artifact, user_model
from models.files.graph import read_details
from models.running.copies import (
    shaped_copies,
    shaped_details,
    user_files,
    with_shapes,
    with_signature,
)
from models.running.runtimes import RUNTIMES
from models.running.samples import answers, sample_elements
from tests.models.running.test_any_file import OPEN
from tests.models.small_files import Tensor, write

OURS = artifact("patch_separable", "int8")
PAIR = (2, 100, 100, 3)


@pytest.fixture
def own(tmp_path):
    """A user's model, which takes any batch."""
    model = graph.parse(OURS.read_bytes())
    first = model.subgraphs[0]
    first.tensors[first.inputs[0]].shapeSignature = [-1, *PAIR[1:]]
    builder = flatbuffers.Builder()
    builder.Finish(model.Pack(builder), b"TFL3")
    path = tmp_path / "own.tflite"
    path.write_bytes(bytes(builder.Output()))
    return user_model(path)


def test_all_tensors_follow_from_the_inputs(own):
    one, two = OURS.details, shaped_details(own, (PAIR,))
    assert [each.shape for each in (*two.inputs, *two.outputs)] == [PAIR, (2, 20)]
    assert two.multiply_accumulates == 2 * one.multiply_accumulates
    assert two.parameters == one.parameters
    with shaped_copies([own], [PAIR]) as (copy,):
        model = RUNTIMES["litert"].load(copy.path)
    assert [each.shape for each in (*model.inputs, *model.outputs)] == [PAIR, (2, 20)]


def test_sizes_that_nobody_gives_are_1():
    assert read_details(OPEN).inputs[0].shape == (1, -1, -1, 3)
    assert read_details(with_shapes(OPEN, {})).inputs[0].shape == (1, 1, 1, 3)


def test_only_users_files_are_changed(own):
    with shaped_copies([OURS, own], [PAIR]) as (ours, copy):
        assert ours == OURS
        assert copy.details.inputs[0].shape == PAIR
        assert (copy.name, own.details.inputs[0].shape) == ("own", (-1, *PAIR[1:]))
    assert not copy.path.exists()
    with shaped_copies([own], []) as copies:
        assert copies == [own]


def test_a_shape_that_the_graph_does_not_take_is_refused(own):
    with pytest.raises(ArtifactError, match=r"own\.tflite: litert refuses it"):
        shaped_details(own, ((1, 100, 100, 7),))


@pytest.mark.parametrize("command", ["operators", "ratios"])
def test_commands_take_shapes(command, tmp_path, capsys):
    path, other, record = (tmp_path / name for name in ("open.tflite", "other.tflite", "record"))
    for each in (path, other):
        each.write_bytes(OPEN)
    words = {
        "operators": ["--model", str(path), "--rounds", "5", "--json", str(record)],
        "ratios": [str(path), "--model", str(other), "--blocks", "1", "--rounds", "3"],
    }[command]
    assert main([command, *words]) == 1
    assert "--input-shape" in capsys.readouterr().err
    shapes = ["--input-shape", "1x5x6x3"]
    assert main([command, *words, *shapes]) == 0, capsys.readouterr().err
    if command == "operators":
        (found,) = json.loads(record.read_text())["operators"]
        assert found["inputs"] == ["1x5x6x3 float32"]
        assert found["sha256"] == user_model(path).describe()["sha256"]


@pytest.fixture
def two_graphs(tmp_path):
    """One that negates four values, and one that is to be called, of the absolutes of two."""
    graphs = [
        ([Tensor("x", (1, size)), Tensor("y", (1, size))], [(operator, [0], [1])], [0], [1])
        for operator, size in (("NEG", 4), ("ABS", 2))
    ]
    path = tmp_path / "two.tflite"
    path.write_bytes(write(graphs, signatures=["other", "serving_default"]))
    return path


@pytest.mark.parametrize(
    ("named", "operator", "size"), [(None, "ABS", 2), ("other", "NEG", 4)], ids=["default", "named"]
)
@pytest.mark.parametrize("runtime_name", list(RUNTIMES))
def test_the_graph_of_a_signature_is_run(two_graphs, runtime_name, named, operator, size):
    (file,) = user_files([str(two_graphs)], signature=named)
    assert (file.name, file.details.operators) == ("two", {operator: 1})
    assert f"signature {named or 'serving_default'} is run, of " in file.details.remark
    if not RUNTIMES[runtime_name].is_available:
        pytest.skip(f"{runtime_name} is not installed")
    model = RUNTIMES[runtime_name].load(file.path)
    (given,) = answers(model)
    expected = {"ABS": np.abs, "NEG": np.negative}[operator](sample_elements(model.input))
    assert (model.input.shape, given.tolist()) == ((1, size), expected.tolist())


def test_a_loop_finds_its_graphs_where_they_went(tmp_path):
    path = tmp_path / "loop.tflite"
    options = schema.CallOnceOptionsT()
    options.initSubgraphIndex = 0
    first = ([Tensor("x"), Tensor("y")], [("NEG", [0], [1])], [0], [1])
    calling = (first[0], [("CALL_ONCE", [], []), ("ABS", [0], [1])], [0], [1])
    kind = schema.BuiltinOptions.CallOnceOptions
    path.write_bytes(write([first, calling], {"CALL_ONCE": (kind, options)}, ["a", "b"]))
    model = graph.parse(with_signature(user_model(path), "b").read_bytes())
    assert model.subgraphs[0].operators[0].builtinOptions.initSubgraphIndex == 1


def test_a_signature_that_a_file_has_not_is_told(two_graphs):
    with pytest.raises(ArtifactError, match="no signature 'mine'; it has: other, serving_default"):
        user_files([str(two_graphs)], signature="mine")
