"""The tables after a session."""

import io
import re
from dataclasses import replace

import pytest
from rich.console import Console

from bench.report.terminal import device_table, latency_table, overhead_line
from bench.results.rows import device_rows
from bench.results.session import Result


def _result(
    model="alexnet-float32", architecture="alexnet", times_s=(0.001, 0.002, 0.006),
    quantity="test_classify", **info,
):  # fmt: skip
    base = {
        "model": model,
        "architecture": architecture,
        "parameters": 294_012,
        "trained_parameters": 294_100,
        "file_bytes": 1_174_460,
        "accuracy": 0.99911,
        "runtime": "litert",
        "runtime_version": "2.3.0",
    }
    return Result(quantity, tuple(times_s), {**base, **info})


def _lines(results, width=200):
    table = latency_table(results, width)
    assert table is not None
    printed = io.StringIO()
    Console(width=width, file=printed).print(table)
    return printed.getvalue().splitlines()


def _cells(row):
    return re.split(r" {2,}", row.strip())


def test_a_row_has_size_accuracy_times_and_the_studys_figures():
    (row,) = [line for line in _lines([_result()]) if "alexnet-float32" in line]
    cells = _cells(row)
    assert cells == [
        "alexnet-float32", "3000 / 2000 / 5600", "99.91%", "1,174,460", "294,012", "294,100",
        "952,835", "97.1%",
    ]  # fmt: skip


def test_short_calls_and_long_ones_keep_their_digits():
    times_s = {"a": 9.76e-6, "b": 1.24e-5, "c": 2.5}
    results = [_result(name, times_s=(each,)) for name, each in times_s.items()]
    shown = "".join(_lines(results))
    for expected in ("9.8 / 9.8 / 9.8", "12.4 / 12.4 / 12.4", "2500000 / 2500000"):
        assert expected in shown


def test_runtimes_are_columns_and_a_missing_one_is_a_dash():
    results = [
        _result(),
        _result(runtime="tflite-runtime", runtime_version="2.14.0", times_s=[0.004]),
        _result("mobilenet_v2-int8", "mobilenet_v2"),
    ]
    lines = _lines(results)
    heads = "\n".join(lines).partition("alexnet")[0]
    assert all(word in heads for word in ("litert", "2.3.0", "tflite-runtime", "2.14.0"))
    (first,) = [line for line in lines if "alexnet-float32" in line]
    assert "3000 / 2000 / 5600  4000 / 4000 / 4000" in first
    (second,) = [line for line in lines if "mobilenet_v2-int8" in line]
    assert _cells(second)[2] == "-"


def test_a_users_own_model_has_no_study_beside_it():
    result = _result("mine", None, parameters=None, trained_parameters=None, accuracy=None)
    (row,) = [line for line in _lines([result]) if "mine" in line]
    cells = _cells(row)
    assert cells == ["mine", "3000 / 2000 / 5600", "1,174,460"]


def test_nor_has_an_architecture_that_learnt_other_pictures():
    lines = _lines([_result(pictures="another fingerprint")])
    assert not any("study" in line for line in lines)


def test_a_model_whose_benchmark_failed_is_marked():
    failed = replace(_result(), failure="assert 0 == 3")
    assert any("alexnet-float32 (failed)" in line for line in _lines([failed, _result("b")]))


def test_inference_alone_is_shown_of_models_that_did_not_classify():
    results = [_result(), _result(quantity="test_invoke"), _result("mine", quantity="test_invoke")]
    table = latency_table(results, 200, "test_invoke")
    assert table is not None
    assert table.row_count == 1


def test_the_overhead_is_told_in_microseconds():
    line = overhead_line([Result("test_round_overhead", (8e-8, 8e-8, 1e-6), {})])
    assert line == "a round's own overhead (timer, call, loop): 0.08 us"


@pytest.mark.parametrize(("width", "runtimes"), [(40, 2), (60, 3), (60, 2), (80, 2), (200, 2)])
def test_no_line_is_wider_than_the_terminal_and_none_is_cut(width, runtimes):
    results = [
        _result("mobilenet_v2-float32", runtime=runtime, runtime_version="2.14.0")
        for runtime in ("litert", "tflite-runtime", "litert-compiled")[:runtimes]
    ]
    lines = _lines(results, width)
    names = "".join(line.split(" ")[0] for line in lines)
    assert "mobilenet_v2-float32" in names  # whole, if on several lines
    assert all(len(line.rstrip()) <= width for line in lines)
    assert not any("…" in line for line in lines)
    assert any("accuracy" in line for line in lines) == (width >= 80)


ON_DEVICE = {
    "model": "m", "architecture": None, "precision": None, "threads": 2, "delegate": "cpu",
    "delegates": [{"delegate": "XNNPACK", "part": "whole", "taken": 7, "nodes": 7}],
    "verified": {"label": 3}, "emulated": False, "footprint_overall_mb": None,
    "device": {"serial": "s\x1b[31m", "model": "Phone"}, "overhead": {"ratio": 1.02},
}  # fmt: skip


def test_shell_and_app_stand_side_by_side_without_a_control_character():
    name = "bench/test_device_inference.py::test_device_inference[m-s]"
    results = [
        Result(name, (2e-3, 4e-3), {**ON_DEVICE, "process": where}) for where in ("shell", "app")
    ]
    (rows,) = device_rows(results).values()
    assert [row.runs_on for row in rows] == ["cpu, 2 threads", "cpu, 2 threads, in an app"]
    devices = [str(cell) for cell in device_table(results).columns[1].cells]
    assert devices == [r"s\x1b[31m, 2 threads", r"s\x1b[31m, 2 threads, in an app"]


PART = {"delegate": "LITERT_CL", "part": "part", "taken": 54, "nodes": 559}


@pytest.mark.parametrize(
    ("change", "note"),
    [
        ({"delegates": []}, "unknown what ran"),
        ({"delegates": [PART]}, "LITERT_CL took 54 of 559 nodes"),
        ({"delegates": [{**PART, "nodes": None}]}, "LITERT_CL took a part"),
        ({"verified": None}, "answers not compared"),
        ({"frequency_cap": "1.40 of 2.80 GHz"}, "at 1.40 of 2.80 GHz"),
        ({"performance_mode": "on"}, "clocks held"),
        ({"battery_saver": True}, "battery saver"),
    ],
)
def test_what_a_label_does_not_say_is_said(change, note):
    result = Result("test_device_inference[m-s]", (2e-3, 4e-3), {**ON_DEVICE, **change})
    (rows,) = device_rows([result]).values()
    assert rows[0].runs_on == f"cpu, 2 threads, {note}"
    (device,) = device_table([result]).columns[1].cells
    assert str(device).endswith(f", 2 threads, {note}")


def test_percentiles_inside_a_round_are_shown_where_there_are_any():
    info = {**ON_DEVICE, "percentiles_ns": [1e6, 2e6, 5.5e6]}
    table = device_table([Result("test_device_inference[m-s]", (2e-3,), info)])
    assert str(next(iter(table.columns[-1].cells))) == "1.00 / 2.00 / 5.50"
