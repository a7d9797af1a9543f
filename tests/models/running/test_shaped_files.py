"""Files with the shapes that a user gives, in the real runtime."""

from __future__ import annotations

import json

import flatbuffers
import pytest

from bench.__main__ import main
from models.files import graph
from models.files.artifacts import ArtifactError, artifact, user_model
from models.files.graph import read_details
from models.running.runtimes import RUNTIMES
from models.running.shaped_files import shaped_copies, shaped_details, with_shapes
from tests.models.running.test_any_file import OPEN

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
