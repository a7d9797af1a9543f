"""`python -m bench report` as a user runs it, and what it refuses in one line."""

import json
from pathlib import Path

import pytest
from PIL import Image

from bench.__main__ import main
from bench.report.section import read_inputs, read_robustness
from bench.results.session import ResultsError
from tests.bench.report.html import parse
from tests.bench.report.samples import ROBUSTNESS, Sample
from tests.processes import ROOT, python


@pytest.fixture
def result(tmp_path) -> Path:
    """A file of results."""
    return Sample().add_host().write(tmp_path / "run.json")


@pytest.mark.slow
def test_page_and_picture_are_written(result, tmp_path, capsys):
    page, picture = tmp_path / "out" / "report.html", tmp_path / "summary.png"
    assert main(["report", str(result), "-o", str(page), "--picture", str(picture)]) == 0
    assert page.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    with Image.open(picture) as image:
        assert image.width > image.height > 300
        assert len(image.convert("RGB").getcolors(1 << 24)) > 100
    assert str(page) in capsys.readouterr().out


def test_the_picture_is_of_the_newest_session(tmp_path, monkeypatch):
    """Whichever processor it is of; the first one's is the oldest here, and measured again."""
    drawn = []
    monkeypatch.setattr("bench.report.command.draw_picture", lambda session, path: (
        drawn.append(session.name), path.write_bytes(b"")))  # fmt: skip
    files = []
    for day, cpu in ((1, "A"), (2, "B"), (3, "A")):
        sample = Sample(day, day=day).add_host()
        sample.data["machine_info"]["cpu"]["brand_raw"] = cpu
        files.append(str(sample.write(tmp_path / f"{day}.json")))
    assert main(["report", *files, "--picture", str(tmp_path / "x.png")]) == 0
    assert drawn == ["3.json"]


@pytest.mark.slow
def test_the_same_input_gives_the_same_page(result, tmp_path):
    pages = [tmp_path / "one.html", tmp_path / "two.html"]
    for page in pages:
        assert main(["report", str(result), "-o", str(page)]) == 0
    assert pages[0].read_bytes() == pages[1].read_bytes()


def test_a_file_of_the_first_format_is_shown(tmp_path):
    old = ROOT / "tests" / "bench" / "results" / "format1.json"
    assert main(["report", str(old), "-o", str(tmp_path / "report.html")]) == 0
    root = parse((tmp_path / "report.html").read_text(encoding="utf-8"))
    assert {"rounds", "tradeoff", "device-1", "models"} <= {
        each.attributes["id"] for each in root.all("section")
    }


def test_stored_results_are_found(tmp_path, monkeypatch):
    """And nothing else of what lies beside them."""
    storage = tmp_path / ".benchmarks" / "Linux-CPython-3.11-64bit"
    storage.mkdir(parents=True)
    result = Sample().add_host().write(storage / "0001_abc.json")
    for other in ("baselines/v1/001.json", "gate/gate.json"):
        copy = tmp_path / ".benchmarks" / other
        copy.parent.mkdir(parents=True)
        copy.write_bytes(result.read_bytes())
    monkeypatch.chdir(tmp_path)
    assert main(["report", "-o", "report.html"]) == 0
    assert "0001_abc.json" in Path("report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["-o", "x.html"], "no results: give files of pytest-benchmark"),
        (["run.json"], "nothing to write"),
        (["none.json", "-o", "x.html"], "none.json: cannot be read"),
        (["run.json", "-o", "x.html", "--robustness", "none.json"], "none.json: cannot be read"),
        (["run.json", "-o", "x.html", "--operators", "none.json"], "none.json: cannot be read"),
        (["run.json", "-o", "x.html", "--operators", "run.json"], "run.json: not a file of python"),
        (["run.json", "-o", "x.html", "--colour"], "unknown argument --colour"),
        (
            ["run.json", "-o", "x.html", "--picture", "x.nonsense"],
            ": x.nonsense: no format for a picture",
        ),
        (["run.json", "-o", "run.json/x.html"], "cannot be written"),
        (["phone.json", "--picture", "x.png"], "no inference on this machine"),
    ],
)
def test_bad_input_gets_one_line_and_writes_nothing(
    result, tmp_path, monkeypatch, capsys, arguments, reason
):
    Sample().add_device("R58M", emulated=False, milliseconds=7).write(tmp_path / "phone.json")
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.iterdir())
    assert main(["report", *arguments]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert reason in error
    assert error.count("\n") == 1
    assert sorted(tmp_path.iterdir()) == before


def test_an_existing_page_is_not_lost(tmp_path):
    page, bad = tmp_path / "report.html", tmp_path / "bad.json"
    page.write_text("precious")
    bad.write_text("{")
    assert main(["report", str(bad), "-o", str(page)]) == 2
    assert page.read_text() == "precious"


@pytest.mark.slow
def test_from_benchmark_to_page(device_model, tmp_path):
    """The whole way, with the real benchmarks, runtimes and adb server."""
    result, page = tmp_path / "run.json", tmp_path / "report.html"
    model = tmp_path / "mymodel.tflite"
    model.write_bytes(device_model.read_bytes())
    done = python(
        "-m", "pytest", "bench", "-q", "-p", "no:cacheprovider",
        "--benchmark-only", "--rounds=3", "--warmup-rounds=1", f"--model={model}",
        "--device=emulated", f"--benchmark-json={result}", "-k",
        "mymodel or matrix or copy or (640x480 and (decode or prepare))",
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert main(["report", str(result), "-o", str(page)]) == 0
    root = parse(page.read_text(encoding="utf-8"))
    shown = [each.attributes["id"] for each in root.all("section")]
    assert shown == [
        "latency", "rounds", "stages", "roofline", "device-1", "models", "conditions"
    ]  # fmt: skip
    assert "no phone" in root.section("device-1").text


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
