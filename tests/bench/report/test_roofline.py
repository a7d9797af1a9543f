"""Operations, bytes and the roof, against numbers worked out by hand."""

from __future__ import annotations

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from bench.report.errors import ReportError
from bench.report.roofline import Cost, Machine, costs, machine, points
from bench.results.runs import read_run
from models.files import artifacts, graph
from tests.bench.report.conftest import COSTS
from tests.bench.report.samples import Sample

FLOAT32, FLOAT16 = schema.TensorType.FLOAT32, schema.TensorType.FLOAT16
DENSE, DEQUANTIZE = schema.BuiltinOperator.FULLY_CONNECTED, schema.BuiltinOperator.DEQUANTIZE


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


@pytest.mark.parametrize("half_weights", [False, True])
def test_a_dense_layer_moves_its_input_weights_and_output_once(half_weights):
    content = _model(half_weights=half_weights)
    assert graph.multiply_accumulates(content) == 3 * 4
    assert graph.bytes_moved(content) == 4 * (4 + 3 * 4 + 3)


def test_a_users_file_is_known_by_its_sha256(tmp_path):
    path = tmp_path / "mine.tflite"
    path.write_bytes(_model(half_weights=False))
    cost = costs([path])[artifacts.sha256(path.read_bytes())]
    assert cost == Cost(12, 76)
    assert cost.intensity == pytest.approx(24 / 76)


@pytest.mark.parametrize("content", [b"", b"nothing", b"0000TFL3 but no graph"])
def test_a_file_that_is_no_model_is_refused(tmp_path, content):
    path = tmp_path / "mine.tflite"
    path.write_bytes(content)
    with pytest.raises(ReportError, match=r"mine\.tflite"):
        costs([path])


def test_the_roof():
    roof = Machine({"float32": 100.0, "int8": 400.0}, bandwidth_gbps=20.0)
    assert roof.attainable_gflops(1.0, "float32") == 20.0
    assert roof.attainable_gflops(5.0, "float32") == roof.attainable_gflops(9.0, "float32") == 100.0
    assert roof.attainable_gflops(9.0, "int8") == 180.0


def test_the_share_of_the_peak(tmp_path):
    sample = Sample().add_host()
    run = read_run(sample.write(tmp_path / "run.json"))
    seconds = {
        each["name"]: float(np.median(each["stats"]["data"])) for each in sample.data["benchmarks"]
    }
    reached = machine(run)
    assert reached is not None
    peaks = {
        dtype: 2 * 1024**3 / seconds[f"test_matrix_product[litert-{dtype}]"]  # the better runtime
        for dtype in ("float32", "int8")
    }
    expected = {dtype: pytest.approx(peak / 1e9) for dtype, peak in peaks.items()}
    assert reached.peaks_gflops == expected
    assert reached.bandwidth_gbps == pytest.approx(2**27 / seconds["test_memory_copy"] / 1e9)
    for dtype, peak in peaks.items():
        model = f"mobilenet_v1-{dtype}"
        point = next(each for each in points(run, COSTS) if each.row.model == model)
        rate = 2 * 3_000_000 / seconds[f"test_invoke[{model}-litert]"]
        assert point.gflops == pytest.approx(rate / 1e9)
        assert point.share_of_peak == pytest.approx(rate / peak)


def test_a_model_that_ran_with_other_threads_is_left_out(tmp_path):
    sample = Sample().add_host()
    for each in sample.data["benchmarks"]:
        if each["extra_info"].get("model") == "alexnet-int8":
            each["extra_info"]["threads"] = 2
    found = points(read_run(sample.write(tmp_path / "run.json")), COSTS)
    assert found
    assert "alexnet-int8" not in {each.row.model for each in found}


def test_without_the_yardsticks_there_is_no_roof(tmp_path):
    sample = Sample().add_host()
    sample.data["benchmarks"] = [
        each for each in sample.data["benchmarks"] if each["name"] != "test_memory_copy"
    ]
    run = read_run(sample.write(tmp_path / "run.json"))
    assert machine(run) is None
    assert points(run, COSTS) == []
