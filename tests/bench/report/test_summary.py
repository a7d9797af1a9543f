"""The table after a run."""

from __future__ import annotations

import pytest
from rich.console import Console

from bench.report.summary import latency_table, overhead_line
from bench.results.result import Result


def _result(model="alexnet-float32", architecture="alexnet", times_s=(0.001, 0.002, 0.006), **info):
    base = {
        "model": model,
        "architecture": architecture,
        "parameters": 294_012,
        "file_bytes": 1_174_460,
        "accuracy": 0.99911,
        "runtime": "litert",
        "runtime_version": "2.3.0",
    }
    return Result("test_classify", tuple(times_s), {**base, **info})


def _lines(table):
    console = Console(width=200, record=True, force_terminal=False, file=open("/dev/null", "w"))  # noqa: SIM115, PTH123
    console.print(table)
    return console.export_text().splitlines()


def test_statistics_of_known_rounds():
    result = _result(times_s=[0.001 * value for value in range(1, 102)])
    assert result.mean_ms == pytest.approx(51)
    assert result.median_ms == pytest.approx(51)
    assert result.percentile_95_ms == pytest.approx(96)


def test_a_row_has_size_accuracy_times_and_the_studys_figures():
    (row,) = [line for line in _lines(latency_table([_result()])) if "alexnet-float32" in line]
    cells = [cell.strip() for cell in row.strip("│").split("│")]
    assert cells == [
        "alexnet-float32", "294,012", "1,174,460", "99.91%", "3.00 / 2.00 / 5.60", "952,835",
        "97.1%",
    ]  # fmt: skip


def test_runtimes_are_columns_and_a_missing_one_is_a_dash():
    results = [
        _result(),
        _result(runtime="tflite-runtime", runtime_version="2.14.0", times_s=[0.004]),
        _result("mobilenet_v2-int8", "mobilenet_v2"),
    ]
    lines = _lines(latency_table(results))
    assert any("litert 2.3.0" in line and "tflite-runtime 2.14.0" in line for line in lines)
    (first,) = [line for line in lines if "alexnet-float32" in line]
    assert "3.00 / 2.00 / 5.60 │    4.00 / 4.00 / 4.00" in first
    (second,) = [line for line in lines if "mobilenet_v2-int8" in line]
    assert [cell.strip() for cell in second.split("│")][6] == "-"


def test_a_users_own_model_has_no_study_beside_it():
    result = _result("mine", None, parameters=None, accuracy=None)
    (row,) = [line for line in _lines(latency_table([result])) if "mine" in line]
    cells = [cell.strip() for cell in row.strip("│").split("│")]
    assert cells == ["mine", "-", "1,174,460", "-", "3.00 / 2.00 / 5.60", "-", "-"]


def test_nothing_measured_gives_no_table():
    assert latency_table([]) is None
    assert latency_table([Result("test_invoke", (0.1,), {})]) is None
    assert overhead_line([]) is None


def test_the_overhead_is_told_in_microseconds():
    line = overhead_line([Result("test_round_overhead", (8e-8, 8e-8, 1e-6), {})])
    assert line == "a round's own overhead (timer, call, loop): 0.08 us"
