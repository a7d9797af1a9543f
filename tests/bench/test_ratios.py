"""Comparing models, interleaved."""

import json
import shutil
from pathlib import Path

import pytest

from bench.__main__ import main
from bench.ratios import FEWEST_BLOCKS, ratios
from models.files.artifacts import DIRECTORY, artifact


def test_a_model_that_takes_a_third_is_found_to():
    blocks = [[[10 + n, 11 + n, 900], [3 * (10 + n), 3 * (11 + n), 2000]] for n in range(12)]
    itself, other = ratios(blocks)
    assert (itself.value, itself.lower, itself.upper) == (1, 1, 1)
    assert other.lower <= other.value <= other.upper
    assert other.value == pytest.approx(1 / 3, rel=0.01)
    # Of block n the geometric mean of 3 * (10 + n) and 3 * (11 + n) ns, the faster of its rounds.
    assert other.latency_us == pytest.approx(3 * (10.5 + 5.5) / 1e3, rel=1e-3)


def test_one_process_gives_no_interval():
    (_, other) = ratios([[[1, 1, 1], [2, 2, 2]]])
    assert (other.value, other.lower, other.upper) == (0.5, 0, float("inf"))
    assert str(other) == "0.500 (-)"


@pytest.mark.parametrize("count", [FEWEST_BLOCKS - 1, FEWEST_BLOCKS])
def test_so_many_processes_give_one_as_are_told(count):
    (_, other) = ratios([[[1, 1, 1], [2, 2, 2 + number]] for number in range(count)])
    assert ("-" in str(other)) == (count < FEWEST_BLOCKS)


def test_no_blocks_are_refused():
    with pytest.raises(ValueError, match="no blocks"):
        ratios([])


@pytest.mark.slow
def test_command_measures_all_and_keeps_every_round(tmp_path, capsys):
    record = tmp_path / "ratios.json"
    words = ["ratios", "mobilenet_v2", "--blocks", "2", "--rounds", "3"]
    assert main([*words, "--json", str(record)]) == 0
    record_of = json.loads(record.read_text())
    assert list(record_of) == ["float32", "int8"]
    measured = record_of["int8"]
    assert measured["models"][0] == "mobilenet_v2-int8"
    assert len(measured["models"]) >= 4
    assert len(measured["blocks_ns"]) == 2
    for block in measured["blocks_ns"]:
        assert [len(rounds) for rounds in block] == [3] * len(measured["models"])
        assert all(time_ns > 0 for rounds in block for time_ns in rounds)
    shown = capsys.readouterr().out
    assert all(name in shown for name in measured["models"])
    assert "of 6 processes or more" in " ".join(shown.split())


def test_a_damaged_file_costs_one_line(tmp_path, capsys):
    damaged = tmp_path / "damaged.tflite"
    damaged.write_bytes(b"no model")
    words = ["ratios", "mobilenet_v2", "--precision", "int8", "--blocks", "1", "--rounds", "3"]
    assert main([*words, "--model", str(damaged)]) == 1
    shown = capsys.readouterr()
    (line,) = [line for line in shown.err.splitlines() if line.startswith("error: ")]
    assert "damaged.tflite" in line
    assert "alexnet-int8" in shown.out


def test_the_networks_of_ones_own_folder_are_compared(tmp_path):
    for name in ("alexnet", "mobilenet_v2"):
        shutil.copytree(DIRECTORY, tmp_path, dirs_exist_ok=True, ignore=_all_but(f"{name}-int8"))
    words = ["mobilenet_v2", "--precision", "int8", "--blocks", "1", "--rounds", "3"]
    record = tmp_path / "ratios.json"
    assert main(["ratios", *words, "--artifacts", str(tmp_path), "--json", str(record)]) == 0
    assert json.loads(record.read_text())["int8"]["models"] == ["mobilenet_v2-int8", "alexnet-int8"]


def _all_but(stem):
    return lambda _, names: [name for name in names if Path(name).stem != stem]


def test_unknown_arguments_and_names_are_refused(capsys):
    assert main(["ratios", "mobilenet_v2", "--nonsense"]) == 2
    with pytest.raises(SystemExit, match="2"):
        main(["ratios", "mobilenet_v9"])
    assert "known are" in capsys.readouterr().err


def test_any_two_files_are_compared(tmp_path, capsys):
    files = [tmp_path / "old.tflite", tmp_path / "new one.tflite"]
    for file, name in zip(files, ("alexnet", "mobilenet_v2"), strict=True):
        shutil.copy(artifact(name, "int8").path, file)
    record = tmp_path / "ratios.json"
    words = [str(files[1]), "--model", str(files[0]), "--blocks", "1", "--rounds", "3"]
    assert main(["ratios", *words, "--json", str(record)]) == 0
    assert json.loads(record.read_text())["file"]["models"] == ["new one", "old"]
    assert (
        main(["ratios", str(files[1]), "--model", str(tmp_path), *words[3:], "--json", str(record)])
        == 0
    )
    assert json.loads(record.read_text())["file"]["models"][0] == "new one"
    assert "old" in json.loads(record.read_text())["file"]["models"]
    assert main(["ratios", str(files[1])]) == 2
    assert "give --model" in capsys.readouterr().err
    assert main(["ratios", *words, "--precision", "int8"]) == 2
    assert "leave --precision out" in capsys.readouterr().err
