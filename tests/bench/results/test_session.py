"""Files that are no results are refused with a line that names them."""

from pathlib import Path

import pytest

from bench.results.rows import DEVICE
from bench.results.session import (
    Result,
    ResultsError,
    changed_surroundings,
    read_session,
    read_sessions,
)
from tests.bench.report.samples import RUNTIMES, Sample


def test_a_file_is_read(tmp_path):
    sample = Sample(commit="abcdef1234567890").add_host()
    sample.data["commit_info"]["dirty"] = True
    sample.data["failed"] = [{"fullname": "x[y]", "reason": "unplugged"}]
    run = read_session(sample.write(tmp_path / "run.json"))
    assert run.path == tmp_path / "run.json"
    assert run.label == "abcdef12+"
    assert run.processor == "Example CPU, 4 cores, x86_64"
    assert run.failures == {"x[y]": "unplugged"}
    (result,) = run.of("test_memory_copy")
    (entry,) = [x for x in sample.data["benchmarks"] if x["name"] == "test_memory_copy"]
    assert list(result.times_s) == entry["stats"]["data"]
    assert run.by_fullname()["bench/test_x.py::test_memory_copy"] is result


def test_a_name_may_hold_the_signs_that_divide_it():
    result = Result("bench/test_x.py::test_invoke[a::b[v1]]", (1.0,), {})
    assert (result.name, result.quantity) == ("test_invoke[a::b[v1]]", "test_invoke")


@pytest.mark.parametrize("content", ["", "{", "[]", "\x00\xff", '{"benchmarks": []}'])
def test_what_is_no_result_is_refused(tmp_path, content):
    path = tmp_path / "bad.json"
    path.write_text(content, encoding="latin-1")
    with pytest.raises(ResultsError, match=r"bad.json: not a file of pytest-benchmark[^\n]*$"):
        read_session(path)


def _rounds(*values):
    return lambda data: data["benchmarks"][3]["stats"].update(data=values)


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (_rounds(), "--benchmark-save-data"),
        (_rounds(1.0, -1.0), "is no time"),
        (_rounds(1.0, float("nan")), "is no time"),
        (_rounds(1.0, 10**400), "OverflowError"),
        (_rounds(0.0, 0.0, 1.0), "the median of .* is not above zero"),
        (lambda data: data["benchmarks"].append(data["benchmarks"][0]), "have the same name"),
        (lambda data: data.update(format=3), "is 3, and this version reads 1 and 2; measure again"),
        (lambda data: data["benchmarks"].clear(), "holds no benchmark"),
        (lambda data: data.update(load={"load_average": "9", "cores": 2}), "TypeError"),
    ],
)
def test_what_is_incomplete_is_refused(tmp_path, damage, reason):
    sample = Sample().add_host()
    damage(sample.data)
    with pytest.raises(ResultsError, match=reason):
        read_session(sample.write(tmp_path / "run.json"))


def test_one_session_in_two_files_is_refused(tmp_path):
    """As `--benchmark-autosave` and `--benchmark-json` write it: at another millisecond."""
    paths = []
    for name in ("a.json", "b.json"):
        sample = Sample().add_host()
        sample.data["datetime"] = f"2026-01-01T12:00:00.00{len(paths)}+00:00"
        paths.append(sample.write(tmp_path / name))
    with pytest.raises(ResultsError, match=r"b\.json: holds the same session as .*a\.json"):
        read_sessions(paths)


def test_states_that_are_in_no_commit_are_told_apart_by_their_difference(tmp_path):
    sessions = []
    for number, difference in enumerate(["aa11", "aa11", "bb22", None, None]):
        sample = Sample(number).add_host()
        sample.data["commit_info"] |= {"dirty": True, "difference": difference}
        sessions.append(read_session(sample.write(tmp_path / f"{number}.json")))
    assert [session.label for session in sessions[1:4]] == [
        "12345678+aa11", "12345678+bb22", "12345678+",
    ]  # fmt: skip
    assert len({session.state for session in sessions}) == 4


def test_what_differs_beside_the_code_is_told(tmp_path):
    old, new = (read_session(Sample(n).add_host().write(tmp_path / f"{n}.json")) for n in (1, 2))
    assert changed_surroundings([old], [new]) == []
    old.machine["libraries"] = {"numpy": "1.26.4"}
    new.machine.update(release="6.2", libraries={"numpy": "2.2.6"})
    new.machine["runtimes"] = {**RUNTIMES, "litert": "2.4.0"}
    new.machine.pop("python_version")  # unknown is no change
    assert changed_surroundings([old], [new]) == [
        "kernel 6.1 to 6.2", "litert 2.3.0 to 2.4.0", "numpy 1.26.4 to 2.2.6",
    ]  # fmt: skip


def test_two_files_of_one_name_are_told_apart(tmp_path):
    paths = []
    for day in (1, 2):
        (tmp_path / str(day)).mkdir()
        paths.append(Sample(day, day=day).add_host().write(tmp_path / str(day) / "run.json"))
    assert [run.name for run in read_sessions(paths)] == ["run.json", "2-run.json"]


def test_runs_are_put_in_the_order_of_their_time(tmp_path):
    late, early = (
        Sample(day, day=day).add_host().write(tmp_path / f"{day}.json") for day in (9, 3)
    )
    runs = read_sessions([late, early])
    assert [run.name for run in runs] == ["3.json", "9.json"]


def test_a_file_of_the_first_format_is_read():
    """It called Keras' count `parameters`, and kept a phone's rounds three times."""
    session = read_session(Path(__file__).with_name("format1.json"))
    assert session.label == "46730884"
    assert session.failures == {}
    (classify,) = session.of("test_classify")
    assert len(classify.times_s) == 8
    assert classify.info["trained_parameters"] == 7_348
    assert "parameters" not in classify.info
    assert {result.quantity for result in session.results} >= set(DEVICE)
