"""The stages of a classification: put together from the right results, and nothing made up."""

import io

import pytest
from rich.console import Console

from bench.report.stages import Breakdown, breakdowns
from bench.report.terminal import preparation_line, shares_bar, stage_table
from bench.results.rows import ModelRow
from bench.results.session import Result
from models.preprocessing import Normalisation, Preparation


def result(quantity: str, milliseconds: float, **info) -> Result:
    return Result(quantity, (milliseconds / 1e3,) * 3, info)


MODEL = {"model": "alexnet-float32", "runtime": "litert", "runtime_version": "2.3.0"}
OTHER = {**MODEL, "model": "alexnet-int8"}
SHAPE = [1, 100, 100, 3]
HOW = Preparation(normalisation=Normalisation())
JPEG = {"source": "640x480", "dtype": "float32", "input_shape": SHAPE, "preparation": HOW.as_dict()}
DECODED = {**JPEG, "dtype": None, "preparation": Preparation().as_dict()}
RUN = [
    result("test_decode", 0.5, **DECODED),
    result("test_decode", 7.0, **{**DECODED, "input_shape": [1, 224, 224, 3]}),
    result("test_decode", 15.0, **{**DECODED, "source": "12MP"}),
    result("test_prepare", 0.6, **JPEG),
    result("test_prepare", 0.7, **{**JPEG, "dtype": "uint8"}),
    result("test_prepare", 16.0, **{**JPEG, "source": "12MP"}),
    result("test_load_path", 0.3, **MODEL),
    result("test_first_inference", 0.25, **MODEL),
    result("test_invoke", 0.2, **MODEL),
    result("test_invoke", 9.0, **OTHER),
    result("test_classify_jpeg", 0.9, **MODEL, **JPEG),
]


def test_each_stage_is_the_models_own():
    (row,) = breakdowns(RUN)
    assert row.row.model == "alexnet-float32"
    assert row.row.runs_on == "litert 2.3.0"
    assert row.total_ms == pytest.approx(0.9)
    assert row.stages_ms == pytest.approx(
        {"decode": 0.5, "resize": 0.1, "inference": 0.2, "rest": 0.1}
    )
    assert row.dominant == "decode"


def test_parts_that_are_larger_than_the_whole_leave_a_gap_with_its_reason():
    noisy = [entry for entry in RUN if entry.quantity != "test_classify_jpeg"]
    noisy.append(result("test_classify_jpeg", 0.7, **MODEL, **JPEG))
    (row,) = breakdowns(noisy)
    assert row.stages_ms["rest"] is None
    assert row.dominant == "decode"
    printed = io.StringIO()
    Console(width=200, file=printed).print(stage_table(noisy))
    assert "parts took longer than their whole" in printed.getvalue()
    assert " - " in printed.getvalue()


@pytest.mark.parametrize("missing", ["test_decode", "test_prepare", "test_invoke"])
def test_a_model_that_lacks_a_stage_is_left_out(missing):
    run = [entry for entry in RUN if entry.quantity != missing]
    assert breakdowns(run) == []
    assert stage_table(run) is None


@pytest.mark.parametrize(
    "other",
    [
        {"input_shape": [1, 224, 224, 3]},
        {"preparation": Preparation(normalisation=Normalisation((127.5,), (127.5,))).as_dict()},
    ],
)
def test_a_stage_of_another_preparation_is_not_the_models(other):
    run = [entry for entry in RUN if entry.quantity != "test_classify_jpeg"]
    assert breakdowns([*run, result("test_classify_jpeg", 0.9, **MODEL, **{**JPEG, **other})]) == []


def test_the_bar_has_a_letter_for_each_twentieth():
    stages = {"decode": 5.0, "resize": 2.0, "inference": 2.0, "rest": 1.0}
    row = Breakdown(ModelRow("m", "r", {}, {}), "640x480", 10.0, stages)
    assert shares_bar(row) == "ddddddddddrrrriiii.."


def test_the_table_shows_all_of_it():
    printed = io.StringIO()
    Console(width=200, file=printed).print(stage_table(RUN))
    line = next(text for text in printed.getvalue().splitlines() if "alexnet-float32" in text)
    for figure in ("0.30", "0.25", "0.50", "0.10", "0.20", "0.90", "decode 56%"):
        assert figure in line


def test_preparation_of_each_size():
    assert preparation_line(RUN) == (
        "preparing a JPEG for an input of 1x100x100x3 float32: 640x480 0.60 ms, 12MP 16.00 ms"
    )
    assert preparation_line([]) is None
