"""Files that are no results are refused with a line that names them."""

from __future__ import annotations

import pytest

from bench.report.errors import ReportError
from bench.report.robustness import read_robustness
from bench.results.runs import newest_with, read_run, read_runs
from tests.bench.report.samples import ROBUSTNESS, Sample


def test_a_file_is_read(tmp_path):
    sample = Sample(commit="abcdef1234567890").add_host()
    sample.data["commit_info"]["dirty"] = True
    sample.data["failed_device_benchmarks"] = [{"name": "x[y]", "reason": "unplugged"}]
    run = read_run(sample.write(tmp_path / "run.json"))
    assert run.label == "abcdef12+"
    assert run.processor == "Example CPU, 4 cores, x86_64"
    assert run.failures == ("x[y]: unplugged",)
    (result,) = run.of("test_memory_copy")
    (entry,) = [x for x in sample.data["benchmarks"] if x["name"] == "test_memory_copy"]
    assert list(result.times_s) == entry["stats"]["data"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "not a file of pytest-benchmark"),
        ("{", "not a file of pytest-benchmark"),
        ("[]", "not a file of pytest-benchmark"),
        ("\x00\xff", "not a file of pytest-benchmark"),
        ('{"benchmarks": []}', "not a file of pytest-benchmark"),
    ],
)
def test_what_is_no_result_is_refused(tmp_path, content, reason):
    path = tmp_path / "bad.json"
    path.write_text(content, encoding="latin-1")
    with pytest.raises(ReportError) as caught:
        read_run(path)
    assert str(caught.value).startswith(f"{path}: {reason}")
    assert "\n" not in str(caught.value)


def _without_rounds(data):
    del data["benchmarks"][3]["stats"]["data"]


def _with_a_negative_round(data):
    data["benchmarks"][3]["stats"]["data"][7] = -1.0


def _with_a_round_that_is_no_number(data):
    data["benchmarks"][3]["stats"]["data"][7] = float("nan")


def _of_another_suite(data):
    entry = next(each for each in data["benchmarks"] if each["name"].startswith("test_classify["))
    del entry["extra_info"]["model"]


def _empty(data):
    data["benchmarks"].clear()


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (_without_rounds, "--benchmark-save-data"),
        (_with_a_negative_round, "is no time"),
        (_with_a_round_that_is_no_number, "is no time"),
        (_of_another_suite, "has no model in its extra_info"),
        (_empty, "holds no benchmark"),
    ],
)
def test_what_is_incomplete_is_refused(tmp_path, damage, reason):
    sample = Sample().add_host()
    damage(sample.data)
    with pytest.raises(ReportError, match=reason):
        read_run(sample.write(tmp_path / "run.json"))


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(ReportError, match="cannot be read: No such file"):
        read_run(tmp_path / "none.json")


def test_the_same_run_twice_is_refused(tmp_path):
    paths = [Sample().add_host().write(tmp_path / name) for name in ("a.json", "b.json")]
    with pytest.raises(ReportError, match=r"b\.json: holds the same"):
        read_runs(paths)


def test_two_files_of_one_name_are_told_apart(tmp_path):
    paths = []
    for day in (1, 2):
        (tmp_path / str(day)).mkdir()
        paths.append(Sample(day, day=day).add_host().write(tmp_path / str(day) / "run.json"))
    assert [run.name for run in read_runs(paths)] == ["run.json", "2-run.json"]


def test_runs_are_put_in_the_order_of_their_time(tmp_path):
    late, early = (
        Sample(day, day=day).add_host().write(tmp_path / f"{day}.json") for day in (9, 3)
    )
    runs = read_runs([late, early])
    assert [run.name for run in runs] == ["3.json", "9.json"]
    newest = newest_with(runs, "test_classify")
    assert newest is not None
    assert newest.name == "9.json"
    assert newest_with(runs, "test_classify", "test_device_load") is None


def test_the_table_of_robustness_is_read(tmp_path):
    path = tmp_path / "robustness.md"
    path.write_text(ROBUSTNESS)
    table = read_robustness(path)
    assert table.mild == {"none"}
    assert table.accuracies["none"] == {"alexnet-float32": 0.9991, "mobilenet_v2-int8": 0.965}


@pytest.mark.parametrize(
    "content",
    ["", "no table", "| other | a |\n|---|---|\n| x | 5% |", "| change | a |\n|---|---|",
     "| change | a |\n|---|---|\n| none | fast |", "| change | a |\n|---|---|\n| none | 101% |",
     "| change | a | b |\n|---|---|---|\n| none | 1% |"],
)  # fmt: skip
def test_what_is_no_table_is_refused(tmp_path, content):
    path = tmp_path / "robustness.md"
    path.write_text(content)
    with pytest.raises(ReportError, match="not the table of python -m models robustness"):
        read_robustness(path)


def test_the_table_is_the_one_that_the_command_prints(tmp_path):
    from models.judging import robustness

    changes = robustness.CHANGES[:3]
    measured = [robustness.Measured(change, "alexnet-int8", 0.99) for change in changes]
    path = tmp_path / "robustness.md"
    path.write_text(robustness.markdown(measured))
    table = read_robustness(path)
    assert table.accuracies == {change.name: {"alexnet-int8": 0.99} for change in changes}
    assert table.mild == {change.name for change in changes if change.is_mild}
