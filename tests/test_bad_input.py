"""Each command answers a wrong option, a damaged file and a missing folder in one line, with 2.

The gate's commands say it at the end of their report.
"""

import importlib

import pytest
from PIL import Image

from models.files.artifacts import artifact

MODEL = str(artifact("patch_separable", "int8").path)
GENUINE = ("evaluate", "--model", MODEL, "--images")
WRONG = {
    "models": ("list", "download", "train", "seeds", "convert", "evaluate", "robustness"),
    "bench": ("gate", "compare", "history", "operators", "ratios", "report"),
}
BAD = [
    *[(program, (command, "--wrong")) for program, all_ in WRONG.items() for command in all_],
    ("models", ("list", "--artifacts", "missing")),
    ("models", ("seeds", "--artifacts", "missing")),
    ("models", ("evaluate", "--model", "no.tflite", "--images", "pictures")),
    ("models", (*GENUINE, "missing")),
    ("models", (*GENUINE, "damaged")),
    ("models", ("evaluate", "--fruits360", "missing")),
    ("models", ("robustness", "--fruits360", "missing")),
    ("models", ("robustness", "alexnet", "--data", "pictures", "--artifacts", "networks")),
    ("bench", ("gate", "--base", "no-such-revision")),
    ("bench", ("compare", "no.json", "--", "no.json")),
    ("bench", ("compare", "missing", "--", "missing")),
    ("bench", ("history", "no.json")),
    ("bench", ("history", "missing")),
    ("bench", ("operators", "--artifacts", "missing")),
    ("bench", ("ratios", "alexnet", "--artifacts", "missing")),
    ("bench", ("report", "no.json", "--output", "page.html")),
    ("bench", ("report", "missing", "--output", "page.html")),
]
WITH_TENSORFLOW = [
    ("models", (command, "alexnet", "--data", data, "--artifacts", artifacts))
    for command, artifacts in (("train", "out"), ("convert", "networks"))
    for data in ("damaged", "missing")
]


def commands(rows):
    ids = [" ".join(words).replace(MODEL, "M") for _, words in rows]
    return pytest.mark.parametrize(("program", "words"), rows, ids=ids)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Something damaged of each kind, in the current folder."""
    (tmp_path / "no.tflite").write_bytes(b"no model")
    (tmp_path / "no.json").write_text("{", encoding="utf-8")
    for pictures in ("pictures", "damaged"):
        for name in "ab":
            (tmp_path / pictures / name).mkdir(parents=True)
            for number in range(3):
                Image.new("RGB", (9, 9)).save(tmp_path / pictures / name / f"{number}.png")
    (tmp_path / "damaged/a/0.png").write_bytes(b"no picture")
    (tmp_path / "networks").mkdir()
    for name in ("alexnet-float32.tflite", "alexnet-int8.tflite", "alexnet.keras"):
        (tmp_path / "networks" / name).write_bytes(b"no model")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.slow
@commands(WITH_TENSORFLOW)
def test_bad_pictures_and_networks_get_one_line(folder, program, words, capsys):
    pytest.importorskip("keras", reason="TensorFlow is not installed")
    assert_one_line(folder, program, words, capsys)


@commands(BAD)
def test_bad_input_gets_one_line(folder, program, words, capsys):
    assert_one_line(folder, program, words, capsys)


def assert_one_line(folder, program, words, capsys):
    before = sorted(folder.rglob("*"))
    try:
        status = importlib.import_module(f"{program}.__main__").main([*words])
    except SystemExit as error:  # argparse's, which shows the usage before
        status = error.code
    out, err = capsys.readouterr()
    said = err.rpartition(f"python -m {program}")[2].strip().splitlines()
    assert status == 2, out + err
    if words[0] != "gate":  # whose report is written whatever it says
        assert sorted(folder.rglob("*")) == before
    if words[0] in ("gate", "compare"):
        assert not err
        assert out.splitlines()[-1].startswith("could not judge: ")
    else:
        assert not out or words[0] == "train"  # which says what it is about to learn
        assert len(said) == 1, err
        assert "Error" not in said[0].partition("(")[0]  # the reason, not an exception's name
