"""The harness against LiteRT's own tool: both run, and a file that neither can run is told."""

from __future__ import annotations

import re

import pytest

from bench.__main__ import main

pytest.importorskip(
    "ai_edge_litert.tools.benchmark_litert_model", reason="this LiteRT brings no benchmark tool"
)
FEW = ["--processes", "2", "--rounds", "5"]


def test_both_measure(capsys):
    assert main(["harness", *FEW]) == 0
    line = capsys.readouterr().out
    found = re.search(r"is (\d+\.\d+) \(.*of litert-benchmark's, which is (\d+\.\d) us", line)
    assert found is not None, line
    assert 1 / 20 < float(found[1]) < 20  # in the same unit: another is off by a factor of 1,000
    assert float(found[2]) > 0


def test_a_damaged_file_is_told_in_one_line(tmp_path, capsys):
    damaged = tmp_path / "damaged.tflite"
    damaged.write_bytes(b"\x1c\0\0\0TFL3" + bytes(100))
    assert main(["harness", *FEW, "--model", str(damaged)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"error: {damaged}: ")


def test_an_unknown_argument(capsys):
    assert main(["harness", "--speed"]) == 2
    assert "unknown argument --speed" in capsys.readouterr().err
