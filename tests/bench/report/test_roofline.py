"""The roofline and the Pareto front, against what was worked out by hand."""

import numpy as np
import pytest

from bench import figures
from bench.report.roofline import Machine, machine, points
from bench.report.tradeoff import pareto_front
from bench.results.rows import ModelRow
from bench.results.session import Result, read_session
from models.zoo import ARCHITECTURES
from tests.bench.report.samples import Sample

NUMBER = list(ARCHITECTURES).index("mobilenet_v1")


def test_the_roof():
    roof = Machine({"float32": 100.0, "int8": 400.0}, bandwidth_gbps=20.0)
    assert roof.attainable_gflops(1.0, "float32") == 20.0
    assert roof.attainable_gflops(5.0, "float32") == roof.attainable_gflops(9.0, "float32") == 100.0
    assert roof.attainable_gflops(9.0, "int8") == 180.0


def test_the_share_of_the_peak(tmp_path):
    sample = Sample().add_host()
    run = read_session(sample.write(tmp_path / "run.json"))
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
        point = next(each for each in points(run) if each.row.model == model)
        rate = 2 * (1_234_567 + NUMBER) / seconds[f"test_invoke[{model}-litert]"]
        assert point.gflops == pytest.approx(rate / 1e9)
        assert point.share_of_peak == pytest.approx(rate / peak)


def test_a_model_that_ran_with_other_threads_is_left_out(tmp_path):
    sample = Sample().add_host()
    for each in sample.data["benchmarks"]:
        if each["extra_info"].get("model") == "alexnet-int8":
            each["extra_info"]["threads"] = 2
    found = points(read_session(sample.write(tmp_path / "run.json")))
    assert found
    assert "alexnet-int8" not in {each.row.model for each in found}


def test_without_the_yardsticks_there_is_no_roof(tmp_path):
    sample = Sample().add_host()
    entries = sample.data["benchmarks"]
    entries[:] = [each for each in entries if each["name"] != "test_memory_copy"]
    run = read_session(sample.write(tmp_path / "run.json"))
    assert machine(run) is None
    assert points(run) == []


@pytest.mark.filterwarnings("error::UserWarning")  # of axes that have no room
def test_many_models_leave_the_axes_room():
    names = [f"a_model_of_ones_own_with_a_long_name_{number}" for number in range(40)]
    figure = figures.new_figure(4.6)
    axes = figure.subplots()
    figures.legend(figure, [ModelRow(name, "litert", {"model": name}, {}) for name in names])
    figure.canvas.draw()
    assert axes.get_window_extent().height > 2 * figure.dpi


def row(milliseconds: float, file_bytes: int, accuracy: float, interval=None) -> ModelRow:
    info = {"file_bytes": file_bytes, "accuracy": accuracy, "accuracy_interval": interval}
    result = Result("test_classify", (milliseconds / 1e3,), info)
    return ModelRow("m", "litert", info, {"test_classify": result})


def test_what_is_best_at_one_thing_is_on_the_front():
    fast, small, right = row(1, 9, 0.9), row(9, 1, 0.9), row(9, 9, 0.99)
    beaten = row(2, 9, 0.9)
    assert pareto_front([beaten, fast, small, right]) == [fast, small, right]


def test_equals_do_not_beat_each_other():
    twins = [row(1, 1, 0.9), row(1, 1, 0.9)]
    assert len(pareto_front(twins)) == 2


def test_beaten_by_accuracy_alone():
    better = row(1, 1, 0.95)
    assert pareto_front([row(1, 1, 0.9), better]) == [better]


def test_an_accuracy_within_chance_of_anothers_is_no_reason_to_be_on_the_front():
    fast = row(1, 1, 0.94, [0.92, 0.96])
    assert pareto_front([fast, row(2, 2, 0.95, [0.93, 0.97])]) == [fast]
    assert len(pareto_front([fast, row(2, 2, 0.99, [0.97, 1.0])])) == 2
