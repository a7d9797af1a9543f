"""Files that are no results are refused with a line that names them."""

from __future__ import annotations

import json

import pytest

from bench.results.result import Result
from bench.results.runs import ResultsError, newest_with, read_run, read_runs
from bench.results.shards import joined
from tests.bench.report.samples import Sample


def test_a_file_is_read(tmp_path):
    sample = Sample(commit="abcdef1234567890").add_host()
    sample.data["commit_info"]["dirty"] = True
    sample.data["failed_device_benchmarks"] = [{"name": "x[y]", "reason": "unplugged"}]
    run = read_run(sample.write(tmp_path / "run.json"))
    assert run.path == tmp_path / "run.json"
    assert run.label == "abcdef12+"
    assert run.processor == "Example CPU, 4 cores, x86_64"
    assert run.failures == ("x[y]: unplugged",)
    (result,) = run.of("test_memory_copy")
    (entry,) = [x for x in sample.data["benchmarks"] if x["name"] == "test_memory_copy"]
    assert list(result.times_s) == entry["stats"]["data"]
    assert run.by_fullname()["bench/test_x.py::test_memory_copy"] is result


def sharded(path, day, *shard):
    sample = Sample(day=day).add_host()
    entries = sample.data["benchmarks"]
    if shard:
        index, count = shard
        sample.data["shard"] = {"index": index, "count": count}
        entries = entries[index - 1 :: count]
    sample.data["benchmarks"] = entries
    return read_run(sample.write(path / f"{day}.json"))


def test_the_parts_of_a_session_are_one_run(tmp_path):
    """Two sessions of two parts in any order, a whole one, and a part that is alone."""
    shards = [(1, 2), (1, 2), (2, 2), (), (2, 2), (1, 3)]
    runs = [sharded(tmp_path, day, *shard) for day, shard in enumerate(shards, 1)]
    first, second, whole, alone = joined(runs)
    assert (whole, alone) == (runs[3], runs[5])
    for run in (first, second):
        assert run.by_fullname().keys() == whole.by_fullname().keys()
        assert len(json.loads(run.content)["benchmarks"]) == len(whole.results)
    assert [run.name for run in (first, second)] == ["1.json", "2.json"]


def test_parts_on_two_processors_are_not_one_session(tmp_path):
    one, other = (sharded(tmp_path, index, index, 2) for index in (1, 2))
    other.machine["cpu"]["brand_raw"] = "another"
    assert joined([one, other]) == [one, other]


def test_a_name_may_hold_the_signs_that_divide_it():
    result = Result("bench/test_x.py::test_invoke[a::b[v1]]", (1.0,), {})
    assert (result.name, result.quantity) == ("test_invoke[a::b[v1]]", "test_invoke")


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
    with pytest.raises(ResultsError) as caught:
        read_run(path)
    assert str(caught.value).startswith(f"{path}: {reason}")
    assert "\n" not in str(caught.value)


def _without_rounds(data):
    del data["benchmarks"][3]["stats"]["data"]


def _with_a_negative_round(data):
    data["benchmarks"][3]["stats"]["data"][7] = -1.0


def _with_a_round_that_is_no_number(data):
    data["benchmarks"][3]["stats"]["data"][7] = float("nan")


def _with_a_round_that_is_too_long(data):
    data["benchmarks"][3]["stats"]["data"][7] = 10**400


def _with_a_median_of_zero(data):
    data["benchmarks"][3]["stats"]["data"] = [0.0, 0.0, 1.0]


def _with_one_name_twice(data):
    data["benchmarks"][3]["fullname"] = data["benchmarks"][4]["fullname"]


def _of_a_later_format(data):
    data["format"] = 2


def _empty(data):
    data["benchmarks"].clear()


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (_without_rounds, "--benchmark-save-data"),
        (_with_a_negative_round, "is no time"),
        (_with_a_round_that_is_no_number, "is no time"),
        (_with_a_round_that_is_too_long, "OverflowError"),
        (_with_a_median_of_zero, "the median of .* is not above zero"),
        (_with_one_name_twice, "two benchmarks have the same name"),
        (_of_a_later_format, "its format is 2, and this version reads 1; measure again"),
        (_empty, "holds no benchmark"),
    ],
)
def test_what_is_incomplete_is_refused(tmp_path, damage, reason):
    sample = Sample().add_host()
    damage(sample.data)
    with pytest.raises(ResultsError, match=reason):
        read_run(sample.write(tmp_path / "run.json"))


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(ResultsError, match="cannot be read: No such file"):
        read_run(tmp_path / "none.json")


def test_the_same_run_twice_is_refused(tmp_path):
    paths = [Sample().add_host().write(tmp_path / name) for name in ("a.json", "b.json")]
    with pytest.raises(ResultsError, match=r"b\.json: holds the same"):
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
