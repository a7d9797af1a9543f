"""`python -m bench history` as a user runs it."""

import json
from pathlib import Path

import pytest
from PIL import Image

from bench.__main__ import main
from tests.bench.report.samples import Sample

SESSIONS = 16


@pytest.fixture
def files(tmp_path) -> list[str]:
    """Sessions of 16 commits; from the eighth on, AlexNet's int8 file is 30 % slower."""
    paths = []
    for number in range(SESSIONS):
        sample = Sample(number, f"{number:x}" * 40, 1 + number).add_host()
        for each in sample.data["benchmarks"]:
            if number >= 7 and each["extra_info"].get("model") == "alexnet-int8":
                each["stats"]["data"] = [1.3 * time for time in each["stats"]["data"]]
        paths.append(str(sample.write(tmp_path / f"{number:02}.json")))
    return paths


def test_it_names_the_commit_and_the_size(files, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    output, picture = tmp_path / "history.json", tmp_path / "history.png"
    options = ["--json", str(output), "--picture", str(picture)]
    assert main(["history", *reversed(files), *options]) == 0
    printed = capsys.readouterr().out
    assert "classify: AlexNet int8, litert 2.3.0" in printed
    (history,) = json.loads(output.read_text())["histories"]
    assert [each["commit"] for each in history["states"]] == [
        f"{number:x}" * 40 for number in range(SESSIONS)
    ]
    changed = {
        each["benchmark"]: each["changes"] for each in history["benchmarks"] if each["changes"]
    }
    assert {f"classify: AlexNet int8, {runtime}" for runtime in
            ("litert 2.3.0", "tflite-runtime 2.14.0")} <= set(changed)  # fmt: skip
    (change,) = changed["classify: AlexNet int8, litert 2.3.0"]
    assert change["commit"] == "7" * 40
    assert change["after_commit"] == "6" * 40
    assert change["lower"] < 1.3 < change["upper"]
    with Image.open(picture) as image:
        assert image.width > 800


def test_sessions_of_no_known_commit_are_states_of_their_own(files, capsys, monkeypatch):
    """As pytest-benchmark writes them outside of git."""
    for file in map(Path, files):
        data = json.loads(file.read_text())
        data["commit_info"] = {"id": "unversioned", "time": None, "dirty": None}
        file.write_text(json.dumps(data))
    monkeypatch.setenv("COLUMNS", "120")
    assert main(["history", *files]) == 0
    printed = capsys.readouterr().out
    assert "its measuring time decides" in printed
    assert "classify: AlexNet int8" in printed


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ([], "no results: give files"),
        (["00.json"], "no history: give sound files of two commits or more"),
        (["none.json"], "none.json: cannot be read"),
        (["00.json", "01.json", "--colour"], "unknown argument --colour"),
        (["00.json", "01.json", "--picture", "x.nonsense"], "no format for a picture"),
        (["00.json", "01.json", "--json", "00.json/x.json"], "cannot be written"),
    ],
)
def test_bad_input_gets_one_line(files, tmp_path, monkeypatch, capsys, arguments, reason):
    monkeypatch.chdir(tmp_path)
    assert main(["history", *arguments]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert reason in error
    assert error.count("\n") == 1
