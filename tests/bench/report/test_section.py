"""What a report is made of is refused, with a line that says why, where it says too little."""

import json
from pathlib import Path

import pytest

from bench.report.section import read_inputs, read_robustness
from bench.results.session import ResultsError
from tests.bench.report.samples import ROBUSTNESS, Sample


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda info: info.pop("model"), "has no model in its extra_info"),
        (lambda info: info.update(file_bytes="fast"), "file_bytes in its extra_info is 'fast'"),
        (lambda info: info.update(architecture=["a"]), r"architecture in its extra_info is \['a"),
    ],
)
def test_a_value_that_is_not_there_or_of_another_kind_is_named(tmp_path, change, reason):
    sample = Sample().add_host()
    names = {each["name"]: each["extra_info"] for each in sample.data["benchmarks"]}
    change(names["test_classify[alexnet-int8-litert]"])
    with pytest.raises(ResultsError, match=rf"run\.json: test_\w+\[alexnet-int8-.*{reason}"):
        read_inputs([sample.write(tmp_path / "run.json")])


def test_files_without_a_benchmark_of_ours_are_refused(tmp_path):
    sample = Sample()
    sample.add("test_sort", "", 1e-3, {})
    with pytest.raises(ResultsError, match="nothing to show: no benchmark of this suite"):
        read_inputs([sample.write(tmp_path / "run.json")])


def _written(tmp_path, data) -> Path:
    path = tmp_path / "robustness.json"
    path.write_text(json.dumps(data), encoding="utf-8")
    return path


def test_files_of_one_name_are_told_apart(tmp_path):
    run = Sample().add_host().write(tmp_path / "it.json")
    (tmp_path / "other").mkdir()
    changes = tmp_path / "other" / "it.json"
    changes.write_text(json.dumps(ROBUSTNESS))
    inputs = read_inputs([run], changes)
    assert (inputs.sessions[0].name, inputs.robustness.name) == ("it.json", "robustness-it.json")


def _changed(**more):
    return {**ROBUSTNESS, **more}


def _change(**counts):
    return {"name": "none", "is_mild": True, "accuracy": counts}


RIGHT = {"correct": 1, "images": 2}


@pytest.mark.parametrize(
    "data",
    [
        {},
        [],
        _changed(format=2),
        _changed(changes=[]),
        _changed(changes=[_change()]),
        _changed(changes=[_change(a={"correct": 3, "images": 2})]),
        _changed(changes=[_change(a={"correct": 0, "images": 0})]),
        _changed(changes=[_change(a={"correct": "fast", "images": 2})]),
        _changed(changes=[_change(a=RIGHT), {**_change(b=RIGHT), "name": "other"}]),
    ],
)
def test_what_is_no_robustness_is_refused(tmp_path, data):
    with pytest.raises(ResultsError, match="not a file of python -m models robustness --json"):
        read_robustness(_written(tmp_path, data))
