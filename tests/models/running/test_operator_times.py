"""Time by operator, from the real profiler of the real runtime."""

import sys
from collections import Counter

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from models.files import graph
from models.files.artifacts import Artifact, ArtifactError, artifact
from models.running import litert_profiler, operator_times
from models.running.litert_profiler import ProfiledModel, ProfilerError
from models.running.loaded_model import CannotRunError
from models.running.operator_times import (
    OperatorProfile,
    OperatorTime,
    match,
    operator_means,
    profile_operators,
)
from models.running.runtimes import RUNTIMES
from tests.models.small_files import Tensor, one_operator, small_file, stream, write

ROUNDS = 20


@pytest.fixture(scope="module", params=["float32", "int8"])
def target(request) -> Artifact:
    """A committed model."""
    return artifact("mobilenet_v2", request.param)


@pytest.fixture(scope="module")
def profile(target) -> OperatorProfile:
    """Its profile."""
    return profile_operators(target, ROUNDS)


def _weighted(file: Artifact) -> list[graph.Operator]:
    return [node for node in file.details.nodes if node.multiply_accumulates]


def test_every_operator_with_weights_is_there_in_the_graphs_order(target, profile):
    nodes = _weighted(target)
    found = [each for each in profile.operators if each.multiply_accumulates]
    assert [(each.node, each.multiply_accumulates) for each in found] == [
        (node.name, node.multiply_accumulates) for node in nodes
    ]
    assert all(each.is_delegated for each in found)
    depthwise = [each.kind for each in found if each.node == "DEPTHWISE_CONV_2D"]
    assert depthwise == ["Convolution DWConv"] * 9


def test_operators_without_weights_are_there_too(target, profile):
    kinds = [each.kind for each in profile.operators]
    assert kinds.count("Add") == target.details.operators["ADD"]
    assert sum(kind.lower() == "softmax" for kind in kinds) == 1


def test_what_the_delegate_does_not_take_runs_in_the_runtime(target, profile):
    outside = [each.name for each in profile.operators if not each.is_delegated]
    expected = ["SOFTMAX", "QUANTIZE"] if target.precision == "int8" else []
    if target.details.inputs[0].dtype == "uint8":
        expected.insert(0, "QUANTIZE")
    assert outside == expected
    if expected:
        assert profile.operators[-1].name == "QUANTIZE"


def test_every_round_that_was_asked_for_is_measured(profile):
    assert profile.rounds >= ROUNDS
    assert profile.invoke_us > 0
    assert profile.profiled_us > 0
    assert all(each.microseconds >= 0 for each in profile.operators)
    # In the same unit: another is off by a factor of 1,000.
    assert 1 / 20 < profile.operators_us / profile.profiled_us < 20


def test_operators_are_averaged_over_the_middle_half_of_the_same_rounds():
    """The slowest and the fastest quarter of the rounds are left out whole."""
    rounds_us = [[1, 1], [3, 2], [2, 4], [90, 1]]
    assert operator_means(rounds_us) == [2.5, 3.0]
    assert operator_means([[5, 7]]) == [5, 7]


def test_what_the_operators_leave_of_the_bare_call_is_outside_of_them():
    times = [OperatorTime(name, None, 0, True, us) for name, us in (("a", 3.0), ("b", 4.5))]
    profile = OperatorProfile("litert 2", 4, 10.0, 12.0, tuple(times))
    assert (profile.operators_us, profile.outside_us) == (7.5, 2.5)


@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_the_profiled_model_answers_as_the_interpreter_does(precision):
    content = artifact("mobilenet_v2", precision).read_bytes()
    interpreter = RUNTIMES["litert"].load(content)
    pixels = np.random.default_rng(1).integers(0, 256, interpreter.input.shape)
    elements = pixels.astype(interpreter.input.dtype)
    interpreter.set_input(elements)
    interpreter.invoke()
    with ProfiledModel(content) as model:
        model.set_input(elements)
        model.invoke()
        answer = model.raw_output()
    assert answer == interpreter.raw_output().tobytes()


def test_a_model_of_several_inputs_is_profiled(file):
    """A difference shows whether each input got its own sample: in both ways of running it."""
    tensors = [Tensor("one"), Tensor("two"), Tensor("out")]
    found = profile_operators(file(small_file(tensors, [("SUB", [0, 1], [2])], [0, 1], [2])), 5)
    assert [each.kind.lower() for each in found.operators] == ["subtract"]


def test_a_batch_that_is_open_is_profiled_as_one(file):
    """As in every file that Keras' converter makes of a model without a batch size."""
    found = profile_operators(file(one_operator("NEG", Tensor("x", (-1, 4)))), 5)
    assert [each.kind.lower() for each in found.operators] == ["negate"]


def test_matrix_products_in_the_delegate_are_counted(file):
    tensors = [Tensor("one", (1, 8, 16)), Tensor("two", (1, 16, 4)), Tensor("out", (1, 8, 4))]
    graph = (tensors, [("BATCH_MATMUL", [0, 1], [2])], [0, 1], [2])
    told = (schema.BuiltinOptions.BatchMatMulOptions, schema.BatchMatMulOptionsT())
    (found,) = profile_operators(file(write([graph], {"BATCH_MATMUL": told})), 5).operators
    assert (found.node, found.multiply_accumulates) == ("BATCH_MATMUL", 8 * 16 * 4)


def test_operators_of_several_parts_are_matched_part_by_part(file):
    """The second product waits for what no delegate takes, so the third runs before it."""
    shapes = [(8, 16), (16, 4), (8, 4), (8, 4), (4, 32), (8, 32), (4, 2), (8, 2)]
    tensors = [Tensor(str(number), (1, *shape)) for number, shape in enumerate(shapes)]
    products = [("BATCH_MATMUL", *each) for each in (([0, 1], [2]), ([3, 4], [5]), ([2, 6], [7]))]
    operators = [products[0], ("FLOOR_MOD", [2, 2], [3]), *products[1:]]
    told = (schema.BuiltinOptions.BatchMatMulOptions, schema.BatchMatMulOptionsT())
    content = write([(tensors, operators, [0, 1, 4, 6], [5, 7])], {"BATCH_MATMUL": told})
    found = profile_operators(file(content), 5).operators
    costs = [each.multiply_accumulates for each in found if each.is_delegated]
    assert costs == [8 * 16 * 4, 8 * 4 * 2, 8 * 4 * 32]
    assert [each.name for each in found if not each.is_delegated] == ["FLOOR_MOD"]


def test_inputs_that_the_python_interface_does_not_take_are_profiled(file):
    wide = file(one_operator("NEG", Tensor("x", dtype="int64")))
    (found,) = profile_operators(wide, 5).operators
    assert found.node is None or found.node == "NEG"


def test_a_state_is_told_where_the_profiler_takes_none(file):
    """A state that nothing uses: the interpreter runs the file."""
    tensors = [Tensor("x"), Tensor("y"), Tensor("state", is_variable=True)]
    with pytest.raises(CannotRunError, match="takes no model with a state"):
        profile_operators(file(small_file(tensors, [("NEG", [0], [1])], [0], [1])), 5)


def test_a_stream_and_an_output_without_a_shape_are_profiled(file):
    """Its first call differs from all others; the other has the buffer of a scalar by its file."""
    assert "Add" in [each.kind for each in profile_operators(file(stream()), 5).operators]
    rankless = file(one_operator("NEG", Tensor("x", (1, 4_000)), Tensor("y", None)))
    (found,) = profile_operators(rankless, 5).operators
    assert found.kind.lower() == "negate"


def test_a_loop_is_the_sum_of_its_body(file):
    """From a sample in -1..1, steps of 1 reach 3 in three or four rounds."""
    number, flag = Tensor("number", (1,)), Tensor("flag", (1,), "bool")
    one, three = (Tensor(f"{x}", (1,), values=np.array([x], np.float32)) for x in (1, 3))
    options = schema.WhileOptionsT()
    options.condSubgraphIndex, options.bodySubgraphIndex = 1, 2
    content = write(
        [
            ([number, number], [("WHILE", [0], [1])], [0], [1]),
            ([number, three, flag], [("LESS", [0, 1], [2])], [0], [2]),
            ([number, one, number], [("ADD", [0, 1], [2])], [0], [2]),
        ],
        {"WHILE": (schema.BuiltinOptions.WhileOptions, options)},
    )
    found = profile_operators(file(content), 5)
    counts = Counter(each.kind.upper() for each in found.operators)
    assert set(counts) == {"LESS", "ADD"}
    assert counts["LESS"] == counts["ADD"] + 1
    assert counts["ADD"] in (3, 4)


def test_only_started_rounds_are_recorded():
    with ProfiledModel(artifact("alexnet", "float32").read_bytes()) as model:
        model.invoke()
        model.start()
        model.invoke()
        one = model.stop()
        model.invoke()
        model.start()
        model.invoke()
        model.invoke()
        two = model.stop()
    names = [each.name for each in one]
    assert [each.name for each in two] == 2 * names
    assert sum(name.startswith("Convolution") for name in names) == 5


def test_an_input_of_another_size_is_refused():
    with (
        ProfiledModel(artifact("alexnet", "int8").read_bytes()) as model,
        pytest.raises(ProfilerError, match="takes 30000 bytes, not 12"),
    ):
        model.set_input(np.zeros(3, np.float32))


def _measured(*names: str) -> list[dict]:
    return [{"name": name, "node": None, "subgraph": 0, "microseconds": 1.0} for name in names]


CONVOLUTION = graph.Operator("CONV_2D", 10, 1)
DEPTHWISE = graph.Operator("DEPTHWISE_CONV_2D", 20, 1)


def test_nodes_are_matched_in_order():
    measured = [
        *_measured("Convolution (NHWC, F32) IGEMM", "Max Pooling (NHWC, F32)"),
        {"name": "DEPTHWISE_CONV_2D", "node": 1, "subgraph": 0, "microseconds": 1.0},
        *_measured("Fully Connected (NC, F32) GEMM"),
    ]
    nodes = [CONVOLUTION, DEPTHWISE, graph.Operator("CONV_2D", 30, 1)]
    unknown = [each.multiply_accumulates for each in match(measured, nodes)]
    assert unknown == [None, 0, 20, None]  # the delegate has parts, and does not tell which
    found = match(measured, nodes, [[0], [2]])
    assert [(each.node, each.multiply_accumulates, each.is_delegated) for each in found] == [
        ("CONV_2D", 10, True),
        (None, 0, True),
        ("DEPTHWISE_CONV_2D", 20, False),
        ("CONV_2D", 30, True),
    ]


def test_a_node_of_a_loops_body_is_not_one_of_the_graph():
    (found,) = match(
        [{"name": "CONV_2D", "node": 1, "subgraph": 2, "microseconds": 1.0}], [DEPTHWISE, DEPTHWISE]
    )
    assert (found.node, found.multiply_accumulates, found.is_delegated) == ("CONV_2D", None, False)


@pytest.mark.parametrize(
    "names",
    [
        ["Convolution (NHWC, F32) IGEMM"],
        ["Convolution (NHWC, F32) DWConv", "Convolution (NHWC, F32) IGEMM"],
        ["Convolution (NHWC, F32) IGEMM", "Fully Connected (NC, F32) GEMM"],
    ],
)
def test_what_does_not_fit_the_graph_is_unknown(names):
    found = match(_measured(*names), [CONVOLUTION, DEPTHWISE])
    assert {each.multiply_accumulates for each in found} == {None}


def test_a_cut_file_gets_one_line(file):
    cut = file(artifact("alexnet", "int8").read_bytes()[:20_000])
    with pytest.raises(ArtifactError, match=r"mine\.tflite: damaged: not a readable") as caught:
        profile_operators(cut, 1)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("code", "timeout_s", "reason"),
    [
        ("import os; os.kill(os.getpid(), 11)", 60, r"crashes on it \(signal 11\)"),
        ("import sys; sys.exit('noise\\nno such thing')", 60, r"refuses it \(no such thing\)"),
        ("import time; time.sleep(60)", 1, "does not come to an end"),
        ("while True: pass", 1, "takes more than 1 s"),
    ],
)
def test_a_crash_of_the_child_is_no_crash_of_ours(monkeypatch, code, timeout_s, reason):
    monkeypatch.setattr(operator_times, "COMMAND", [sys.executable, "-c", code])
    monkeypatch.setattr(operator_times, "TIMEOUT_S", timeout_s)
    with pytest.raises(ArtifactError, match=reason):
        profile_operators(artifact("alexnet", "int8"), 1)


def test_without_the_library_one_line_says_so(monkeypatch):
    monkeypatch.setattr(litert_profiler, "LIBRARIES", ("absent.so",))
    with pytest.raises(ProfilerError, match=r"comes without absent\.so"):
        ProfiledModel(b"")


class _Empty(litert_profiler.ctypes.CDLL):
    """A library that has no function."""

    def __init__(self) -> None:
        super().__init__(None)

    def __getitem__(self, name):
        raise AttributeError(name)


def test_a_library_without_the_functions_is_told(monkeypatch):
    monkeypatch.setattr(litert_profiler, "_load", _Empty)
    with pytest.raises(ProfilerError, match="has no LiteRtCreateEnvironment"):
        ProfiledModel(b"")


def test_events_of_another_layout_are_refused(monkeypatch):
    ctypes = litert_profiler.ctypes

    class Shorter(ctypes.Structure):
        """Shorter than the library's by less than half, so that what it writes has room."""

        _fields_ = tuple(
            field for field in litert_profiler._Event._fields_ if field[0] != "memory_after_bytes"
        )

    with ProfiledModel(artifact("alexnet", "float32").read_bytes()) as model:
        monkeypatch.setattr(litert_profiler, "_Event", Shorter)
        model.start()
        model.invoke()
        with pytest.raises(ProfilerError, match="another layout"):
            model.stop()
