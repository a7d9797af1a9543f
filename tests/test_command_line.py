"""The suite as a user runs it: good options, bad options, damaged files."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from models import zoo
from models.artifacts import artifact
from models.runtimes import available

ROOT = Path(__file__).parents[1]
BENCHMARKS = "bench/test_host_inference.py"


@pytest.fixture
def run(tmp_path):
    """Run pytest on the project; returns (exit status, what it printed)."""

    def run(*arguments, **environment):
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *map(str, arguments)],
            cwd=ROOT, capture_output=True, text=True, check=False, timeout=300,
            env={**os.environ, "COLUMNS": "200", **environment},
        )  # fmt: skip
        return done.returncode, done.stdout + done.stderr

    return run


def test_results_hold_raw_rounds_and_all_that_a_comparison_needs(run, tmp_path):
    path = tmp_path / "results.json"
    status, out = run(
        BENCHMARKS, "--benchmark-only", "--rounds=7", "--architecture=mobilenet_v2",
        "--precision=int8", "--threads=2", f"--benchmark-json={path}",
    )  # fmt: skip
    assert status == 0, out
    results = json.loads(path.read_text())
    assert results["machine_info"]["cpu"]["brand_raw"]
    assert results["machine_info"]["runtimes"] == {each.name: each.version for each in available()}
    by_name = {entry["name"]: entry for entry in results["benchmarks"]}
    assert set(by_name) == {"test_round_overhead"} | {
        f"test_{quantity}[mobilenet_v2-int8-{each.name}]"
        for quantity in ("invoke", "classify")
        for each in available()
    }
    card = artifact("mobilenet_v2", "int8").require_card()
    entry = by_name["test_classify[mobilenet_v2-int8-litert]"]
    assert len(entry["stats"]["data"]) == entry["stats"]["rounds"] == 7
    assert entry["options"]["disable_gc"] is True
    expected = {
        "model": "mobilenet_v2-int8",
        "architecture": "mobilenet_v2",
        "precision": "int8",
        "runtime": "litert",
        "threads": 2,
        "sha256": card.sha256,
        "parameters": card.parameters,
        "file_bytes": card.file_bytes,
        "accuracy": card.accuracy.fraction,
    }
    assert expected.items() <= entry["extra_info"].items()


def test_the_summary_has_a_row_for_each_model(run):
    status, out = run(BENCHMARKS, "--benchmark-only", "--rounds=3", "--precision=int8")
    assert status == 0, out
    rows = [line for line in out.splitlines() if line.startswith("│")]
    assert [row.split()[1] for row in rows] == [f"{name}-int8" for name in zoo.ARCHITECTURES]
    assert "952,835" in rows[0]
    assert "97.1%" in rows[0]
    assert "a round's own overhead" in out


def test_autosave_works_out_of_the_box(run, tmp_path):
    status, out = run(
        BENCHMARKS, "--benchmark-only", "--rounds=2", "--architecture=alexnet",
        "--precision=float32", "--benchmark-autosave", f"--benchmark-storage=file://{tmp_path}",
    )  # fmt: skip
    assert status == 0, out
    (saved,) = tmp_path.rglob("*.json")
    results = json.loads(saved.read_text())
    assert all(len(entry["stats"]["data"]) == 2 for entry in results["benchmarks"])


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("--architecture=alexnett", "mobilenet_v2"),
        ("--precision=int4", "float16"),
        ("--runtime=onnx", "tflite-runtime"),
        ("--rounds=0", "'0' is not a whole number above 0"),
        ("--rounds=many", "'many' is not a whole number above 0"),
        ("--threads=-1", "'-1' is not a whole number above 0"),
        ("--warmup-rounds=-1", "'-1' is not a whole number of 0 or more"),
    ],
)
def test_a_wrong_option_is_refused_with_what_is_right(run, option, message):
    status, out = run(BENCHMARKS, "--benchmark-only", option)
    assert status == 4
    assert message in out
    assert "Traceback" not in out


@pytest.fixture
def damaged_files(tmp_path):
    content = artifact("mobilenet_v1", "int8").path.read_bytes()
    flipped = bytes(byte ^ 0xFF if index % 97 == 0 and index > 8 else byte
                    for index, byte in enumerate(content))  # fmt: skip
    files = {"empty": b"", "truncated": content[:50_000], "flipped": flipped, "other": b"x" * 99}
    for name, damaged in files.items():
        (tmp_path / f"{name}.tflite").write_bytes(damaged)
    return [tmp_path / f"{name}.tflite" for name in (*files, "missing")]


def test_damaged_files_are_named_and_the_other_benchmarks_run(run, damaged_files):
    options = [f"--model={path}" for path in damaged_files]
    status, out = run(
        BENCHMARKS, "--benchmark-only", "--rounds=2", "--architecture=mobilenet_v2",
        "--precision=int8", "--runtime=litert", *options,
    )  # fmt: skip
    assert status == 1
    for path in damaged_files:
        # One line names the file and the fault; a benchmark of it has one error, not two.
        lines = [line for line in out.splitlines() if line.startswith(f"{path}: ")]
        assert len(lines) == 2  # test_invoke and test_classify
    assert "3 passed, 10 errors" in out
    assert "Traceback" not in out
    assert "Fatal Python error" not in out


def test_a_users_own_model_joins_every_benchmark(run, tmp_path):
    keras = pytest.importorskip("keras", reason="TensorFlow is not installed")
    import tensorflow as tf

    features = keras.Input(batch_shape=(1, 7, 2))
    network = keras.Model(features, keras.layers.Dense(3)(keras.layers.Flatten()(features)))
    path = tmp_path / "odd one.tflite"
    path.write_bytes(tf.lite.TFLiteConverter.from_keras_model(network).convert())
    status, out = run(
        BENCHMARKS, "--benchmark-only", "--rounds=2", "--architecture=mobilenet_v2",
        "--precision=int8", "--runtime=litert", f"--model={path}",
    )  # fmt: skip
    assert status == 0, out
    assert "test_classify[odd one-litert]" in out


def test_two_files_of_one_name_are_told_apart(run, tmp_path):
    content = artifact("mobilenet_v2", "int8").path.read_bytes()
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "net.tflite").write_bytes(content)
    options = [f"--model={tmp_path / folder / 'net.tflite'}" for folder in ("a", "b")]
    status, out = run(BENCHMARKS, "--collect-only", "-q", "--runtime=litert", *options)
    assert status == 0, out
    assert all(f"test_classify[{tmp_path / folder / 'net.tflite'}-litert]" in out
               for folder in ("a", "b"))  # fmt: skip


def test_without_the_photographs_tests_skip_and_say_how_to_get_them(run, tmp_path):
    test = "tests/test_fruits360.py::test_the_real_test_split_is_what_was_published"
    status, out = run(test, "-rs", f"--fruits360={tmp_path}")
    assert status == 0
    assert "1 skipped" in out
    assert "python -m models download" in out
    status, out = run(test, "--require-dataset", f"--fruits360={tmp_path}")
    assert status == 1
    assert "python -m models download" in out


def test_benchmarks_alone_collect_no_tests(run):
    status, out = run("--benchmark-only", "--collect-only", "-q", "--architecture=alexnet")
    assert status == 0, out
    assert "bench/test_host_inference.py::test_round_overhead" in out
    assert "tests/" not in out
