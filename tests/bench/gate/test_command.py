"""The gate as a user runs it, in a git repository of its own. No test looks at a time."""

import json
import os
import shutil
import signal
import socket
import time
from dataclasses import replace
from pathlib import Path

import pytest

from models.files import artifacts
from tests.bench.gate.conftest import HEAVIER, MODEL

pytestmark = pytest.mark.slow

TREES = ("base", "head")
TEN_INFERENCES = (
    "models/running/loaded_model.py",
    r"self\.write_input\(values\)\n        self\.invoke\(\)",
    "self.write_input(values)\n        for _ in range(10):\n            self.invoke()",
)
"""A file, a pattern of the classification in it, and what makes it slower."""


@pytest.fixture(autouse=True)
def _nothing_is_left(project):
    yield
    if project.root.exists():
        assert project.leftovers() == []


def test_identical_trees_pass(project):
    result = project.gate("--base", "HEAD")
    assert result.status == 0, result.output
    (benchmark,) = result.record["benchmarks"]
    assert benchmark["verdict"] == "same"
    assert MODEL in benchmark["name"]
    assert benchmark["name"].rpartition("::")[2] in result.output
    blocks = result.record["blocks"]
    assert len(blocks) >= 10
    assert {len(blocks[0]["rounds_s"][tree][benchmark["name"]]) for tree in TREES} == {8}
    directory = project.root / ".benchmarks" / "gate"
    assert (directory / "gate.png").read_bytes().startswith(b"\x89PNG")
    assert "pass" in (directory / "gate.md").read_text()
    assert result.record["commits"]["HEAD"] == project.git("rev-parse", "HEAD")
    assert result.record["machine"]["cpu"]


def test_slower_code_fails_and_is_named(project):
    """Ten inferences in place of one: no noise hides that."""
    project.edit(*TEN_INFERENCES)
    result = project.gate("--base", "HEAD")
    assert result.status == 1, result.output
    (benchmark,) = result.record["benchmarks"]
    assert benchmark["verdict"] == "regressed"
    assert benchmark["measured_again"]
    assert f"test_classify[{MODEL}" in result.record["reason"]


def test_a_worse_card_fails_without_measuring_time(project):
    lose_an_answer(project)
    result = project.gate("--base", "HEAD")
    assert result.status == 1, result.output
    assert result.record["blocks"] == []
    assert f"accuracy of {MODEL}" in result.record["reason"]


def lose_an_answer(project):
    accuracy = json.loads(project.card.read_text())["accuracy"]
    project.edit_card(accuracy=accuracy | {"correct": accuracy["correct"] - 1})


@pytest.mark.parametrize("moved", [False, True])
def test_the_files_of_another_folder_are_those_that_are_compared(project, moved):
    """Also where it is another one in the base, and the project's own are as they were."""
    folder = project.root / "trained"
    shutil.copytree(project.card.parent, folder)
    project.commit()
    lose_an_answer(replace(project, artifacts=folder))
    arguments = ("--artifacts", "trained")
    if moved:
        project.edit(
            "models/files/artifacts.py", 'ROOT / "models" / "artifacts"', 'ROOT / "trained"'
        )
        arguments = ()
    result = project.gate("--base", "HEAD", *arguments)
    assert result.status == 1, result.output
    assert f"accuracy of {MODEL}" in result.record["reason"]
    assert {row["subject"] for row in result.record["figures"]} == {MODEL}


def test_two_versions_of_a_file_with_cards_are_compared_by_them(project, tmp_path):
    for name, correct in (("old", 339), ("new", 200)):
        shutil.copy(project.card.with_suffix(".tflite"), tmp_path / f"{name}.tflite")
        accuracy = {"correct": correct, "images": 418, "fingerprint": "f"}
        card = json.loads(project.card.read_text()) | {"accuracy": accuracy}
        (tmp_path / f"{name}.json").write_text(json.dumps(card))
    files = ("--base-model", str(tmp_path / "old.tflite"), "--model", str(tmp_path / "new.tflite"))
    result = project.gate(*files, selection=())
    assert result.status == 1, result.output
    assert "accuracy of new (81.10% (339 / 418) to 47.85% (200 / 418))" in result.record["reason"]


def test_a_card_that_counts_otherwise_than_the_file_is_told(project):
    project.edit_card(parameters=1)
    result = project.gate("--base", "HEAD")
    assert result.status == 2, result.output
    assert "the card's figures are not those of the file" in result.output


def test_a_regression_that_is_allowed_is_none(project):
    """By thresholds.toml; what is allowed by an option is told of each benchmark."""
    lose_an_answer(project)
    with (project.root / "bench" / "gate" / "judge" / "thresholds.toml").open("a") as file:
        file.write(f"[{MODEL.split('-')[0]}]\naccuracy = 0.001\n")
    result = project.gate("--base", "HEAD", "--max-minutes", "0.001", "--min-effect", "0.02")
    assert result.status == 2, result.output  # there was no time to judge the latency
    assert [row["min_effect"] for row in result.record["benchmarks"]] == [pytest.approx(0.02)]
    assert {row["verdict"] for row in result.record["figures"]} == {"same"}
    assert "no verdict" in result.output


def test_a_renamed_benchmark_cannot_be_judged(project):
    project.edit("bench/test_host_inference.py", "def test_classify", "def test_classify_it")
    result = project.gate("--base", "HEAD")
    assert result.status == 2, result.output
    assert "gone from head" in result.record["reason"]
    assert any("test_classify_it" in note for note in result.record["notes"])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--base", "no-such-revision"], "names no commit"),
        (["--base", "HEAD", "--no-such-option"], "--no-such-option"),
        (["--base", "HEAD", "--min-effect", "0.2"], "margin"),
        (["--base", "HEAD", "--rounds", "0"], "--rounds"),
        (["--base", "HEAD", "--max-minutes", "soon"], "'soon' is not a number"),
        ([], "--base"),
        (["--base-model", "old.tflite"], "1 --base-model and 0 --model"),
        (["--base-model", "gone.tflite", "--model", "gone.tflite"], "no such file"),
        (["--base", "HEAD", "--base-model", "old.tflite"], "give --base REV, or --base-model"),
    ],
)
def test_bad_usage(project, tmp_path, arguments, said):
    """Its files and the job's summary tell of this run, and the reason is printed once."""
    output, summary = project.root / ".benchmarks" / "gate", tmp_path / "summary.md"
    output.mkdir(parents=True)
    for name in ("gate.json", "gate.md", "gate.png"):
        (output / name).write_text('{"verdict": "pass"}')
    result = project.gate(*arguments, summary=summary)
    assert result.status == 2, result.output
    assert said in " ".join(result.output.split())
    assert result.record["verdict"] == "could not judge"
    assert result.output.count(result.record["reason"].partition("; not looked")[0]) == 1
    assert "could not judge" in (output / "gate.md").read_text("utf-8")
    assert (output / "gate.md").read_text("utf-8") == summary.read_text("utf-8")
    assert not (output / "gate.png").exists()


def test_a_project_in_a_folder_of_its_repository(project):
    """And one whose first commit has no parent, which is no matter of a shallow clone."""
    result = project.gate("--base", "HEAD^1")
    assert result.status == 2
    assert "HEAD is the first commit" in result.record["reason"]
    repository = project.root.parent / "repository"
    repository.mkdir()
    inside = replace(project, root=project.root.rename(repository / "project"))
    shutil.rmtree(inside.root / ".git")
    inside.git("init", "--quiet", "..")
    inside.commit()
    lose_an_answer(inside)
    result = inside.gate("--base", "HEAD")
    assert result.status == 1, result.output
    assert f"accuracy of {MODEL}" in result.record["reason"]
    assert inside.leftovers() == []


def test_an_environment_that_is_not_what_head_pins(project):
    pins = project.root / "requirements" / "bench.txt"
    pins.write_text(pins.read_text().replace("rich==", "rich==1"))
    result = project.gate("--base", "HEAD")
    assert result.status == 2
    assert "pip install -r requirements/bench.txt" in result.record["reason"]


def test_a_slower_tree_never_passes_when_the_time_is_over(project):
    project.edit(*TEN_INFERENCES)
    result = project.gate("--base", "HEAD", "--max-minutes", "0.2")
    assert result.status != 0, result.output
    if result.status == 2:
        assert "no verdict on test_classify[" in result.record["reason"]
        assert "--max-minutes" in result.record["reason"]


def test_measuring_on_the_host_asks_no_adb_server(project, monkeypatch):
    """One that answers, and then hangs up, was the end of it."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setenv("ADB_SERVER_SOCKET", f"tcp:127.0.0.1:{server.getsockname()[1]}")
        server.settimeout(0)
        result = project.gate("--base", "HEAD", "--max-minutes", "0.001")
        assert len(result.record["blocks"]) == 1, result.output
        with pytest.raises(BlockingIOError):
            server.accept()


def test_several_bases_share_heads_measurements(project):
    old = project.git("rev-parse", "HEAD")
    project.commit()
    result = project.gate("--base", old, "--base", "HEAD", "--max-minutes", "0.001")
    assert result.status == 2, result.output
    assert len(result.record["blocks"]) == 1, result.output
    (block,) = result.record["blocks"]
    assert set(block["rounds_s"]) == {f"base {old}", "base HEAD", "head"}
    assert {row["against"] for row in result.record["benchmarks"]} == {old, "HEAD"}
    assert all(len(rounds) == 1 for rounds in block["rounds_s"].values())


def test_a_regression_against_one_of_several_bases_fails_and_names_it(project):
    """Drift that passes against the parent shows against the last release."""
    release = project.git("rev-parse", "HEAD")
    lose_an_answer(project)
    project.commit()
    result = project.gate("--base", "HEAD", "--base", release)
    assert result.status == 1, result.output
    assert result.record["blocks"] == []
    assert f"accuracy of {MODEL}" in result.record["reason"]
    assert f"against {release}" in result.record["reason"]


def test_a_device_is_measured_by_both_trees(project):
    result = project.gate(
        "--base", "HEAD", "--device", "emulated", "--rounds", "3", "--max-minutes", "0.001",
        only="test_device_inference",
    )  # fmt: skip
    assert result.status == 2, result.output  # there was no time for more than a block
    (block,) = result.record["blocks"]
    (name,) = block["rounds_s"]["base"]
    assert [len(block["rounds_s"][tree][name]) for tree in TREES] == [2, 2]
    devices = [result.record["info"][tree][name]["device"]["serial"] for tree in TREES]
    assert devices[0] == devices[1]
    assert not list(project.temporary.glob("emulated-android-*"))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interruption_leaves_nothing(project, number):
    process = project.start("--base", "HEAD")
    deadline = time.monotonic() + 120
    while not (children := _descendants(process.pid)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert children, "no block has begun"
    os.kill(process.pid, number)
    os.kill(process.pid, number)  # an impatient user, while it cleans up
    result = project.finish(process)
    assert result.status == 2, result.output
    assert "interrupted" in result.output
    assert result.record["problems"] == ["interrupted"]
    while any(map(_is_alive, children)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(map(_is_alive, children))


def _descendants(pid: int) -> list[int]:
    """Return the pytest processes that a process started."""
    if not Path("/proc").is_dir():
        pytest.skip("needs /proc")
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            command = (entry / "cmdline").read_text()
        except (OSError, IndexError):
            continue
        if parent == pid and "gate_worker" in command:
            found.append(int(entry.name))
    return found


def _is_alive(pid: int) -> bool:
    try:
        return "Z" not in (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2][:3]
    except OSError:
        return False


def test_two_versions_of_a_model_file_are_compared(project, tmp_path):
    """Under the new one's name; a larger one is named, and the file is told to be another."""
    old, new = tmp_path / "old.tflite", tmp_path / "new model.tflite"
    shutil.copy(artifacts.DIRECTORY / f"{MODEL}.tflite", old)
    shutil.copy(artifacts.DIRECTORY / f"{HEAVIER}.tflite", new)
    arguments = ("--base-model", str(old), "--model", str(new), "--max-minutes", "0.001")
    result = project.gate(*arguments, selection=())
    assert result.status == 1, result.output
    assert "parameters of new model" in result.record["reason"]
    assert any("another file" in note for note in result.record["notes"])
    assert not result.record["blocks"]  # what is larger is not timed
    shutil.copy(old, new)
    block = project.gate(*arguments, selection=()).record["blocks"][0]
    assert block["rounds_s"]["base"].keys() == block["rounds_s"]["head"].keys()


def test_folders_of_models_are_compared_by_name(project, tmp_path):
    for version, names in (("old", (MODEL, MODEL)), ("new", (HEAVIER, MODEL))):
        (tmp_path / version).mkdir()
        for own, name in zip(("a", "b"), names, strict=True):
            source = artifacts.DIRECTORY / f"{name}.tflite"
            shutil.copy(source, tmp_path / version / f"{own}.tflite")
    folders = ("--base-model", str(tmp_path / "old"), "--model", str(tmp_path / "new"))
    result = project.gate(*folders, "--max-minutes", "0.001", selection=())
    assert result.status == 1, result.output
    assert "parameters of a" in result.record["reason"]
    assert "parameters of b" not in result.record["reason"]
    (tmp_path / "new" / "b.tflite").rename(tmp_path / "new" / "c.tflite")
    result = project.gate(*folders)
    assert result.status == 2
    assert "b.tflite is in one of them only" in result.output


def test_a_model_of_the_project_is_the_one_of_each_revision(project):
    """Where it became heavier the user's own model regresses too."""
    own = project.root / "own.tflite"
    shutil.copy(artifacts.DIRECTORY / f"{MODEL}.tflite", own)
    project.commit()
    shutil.copy(artifacts.DIRECTORY / f"{HEAVIER}.tflite", own)
    result = project.gate("--base", "HEAD", "--model", "own.tflite", selection=())
    assert result.status == 1, result.output
    assert "parameters of own" in result.record["reason"]
