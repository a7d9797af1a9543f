"""The gate fails closed: only a measured regression is 1, and all that is no verdict is 2."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bench.__main__ import main
from bench.gate.closed import fail_closed, one_line, status_after
from bench.gate.judge.outcome import Figure, Latency, Outcome
from bench.gate.measure.gate_error import GateError
from bench.gate.show import outcome_files
from bench.results.session import ResultsError
from bench.statistics.intervals import Estimate
from bench.statistics.sequential import Decision, Margins
from bench.statistics.verdict import Verdict
from tests.house.imports import imported_names

ROOT = Path(__file__).parents[3]
WORKER = ROOT / "bench" / "gate" / "measure" / "inside" / "gate_worker.py"
MARGINS = Margins(0.01, 0.03)


def outcome(verdict: Verdict, name: str = "bench/test_x.py::test_a[m]") -> Outcome:
    decision = Decision(verdict, Estimate(0.0, -0.01, 0.01, 10), MARGINS, False)
    figure = Figure("m", "parameters", "1", "1", Verdict.SAME)
    return Outcome("base", "head", [figure], [Latency(name, 1e-4, 1e-4, decision)])


def fail(error: Exception):
    raise error


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (GateError("no such thing", "what pip said"), "no such thing"),
        (ResultsError("damaged"), "damaged"),
        (OSError(28, "No space left on device", "gate.json"), "gate.json: No space left"),
        (PermissionError(13, "Permission denied", "out"), "out: Permission denied"),
        (ZeroDivisionError("division by zero"), "ZeroDivisionError: division by zero"),
        (MemoryError(), "MemoryError"),
    ],
)
def test_whatever_goes_wrong_is_no_verdict(error, said, capsys):
    assert fail_closed(lambda: fail(error)) == 2
    lines = capsys.readouterr().err.splitlines()
    assert said in lines[0]
    assert lines[1:] == (["what pip said"] if isinstance(error, GateError) else [])


@pytest.mark.parametrize(
    ("verdict", "status"), [(Verdict.SAME, 0), (Verdict.REGRESSED, 1), (Verdict.NONE, 2)]
)
def test_an_outcome_that_is_written_keeps_its_status(verdict, status):
    assert status_after(outcome(verdict), lambda: None) == status


def test_an_unexpected_error_says_where():
    with pytest.raises(KeyError) as caught:
        fail(KeyError("x"))
    assert "test_closed.py" in one_line(caught.value)


@pytest.mark.parametrize(
    ("verdict", "status"), [(Verdict.SAME, 2), (Verdict.NONE, 2), (Verdict.REGRESSED, 1)]
)
def test_what_cannot_be_written_is_no_pass(verdict, status, capsys):
    """A regression was measured and told, and stays one."""
    error = OSError(28, "No space left on device", "gate.json")
    assert status_after(outcome(verdict), lambda: fail(error)) == status
    assert "not written: gate.json: No space left" in capsys.readouterr().err


def test_a_picture_that_cannot_be_drawn_changes_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(outcome_files, "draw", lambda *_: fail(RuntimeError("no font")))
    passing = outcome(Verdict.SAME)
    outcome_files.write_outcome(tmp_path, passing)
    assert passing.exit_status == 0
    assert passing.notes == ["no picture: RuntimeError: no font"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["gate.json", "gate.md"]


@pytest.mark.parametrize("name", ["$x_", "$a^$", "a|b", "<img src=x>", "[link](x)", "é", "\\"])
def test_odd_names_are_text(tmp_path, name):
    odd = outcome(Verdict.NONE, f"bench/test_x.py::test_a[{name}]")
    outcome_files.write_outcome(tmp_path, odd)
    assert odd.notes == []
    assert (tmp_path / "gate.png").read_bytes().startswith(b"\x89PNG")
    text = (tmp_path / "gate.md").read_text("utf-8")
    assert "<img" not in text
    assert "](x)" not in text
    (row,) = [line for line in text.splitlines() if line.startswith("| test_a")]
    assert row.replace("\\\\", "").replace("\\|", "").count("|") == 7


def test_a_tree_whose_command_does_not_import_has_no_verdict(tmp_path):
    """Python itself ends with 1 then, which would be a regression."""
    package = tmp_path / "bench"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "__main__.py").write_text((ROOT / "bench" / "__main__.py").read_text("utf-8"))
    command = [sys.executable, "-m", "bench", "gate", "--base", "HEAD"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert "bench.gate" in line


def test_a_command_that_fails_unexpectedly_has_no_verdict(monkeypatch, capsys):
    monkeypatch.setattr("bench.gate.gate_command.run", lambda *_: fail(ValueError("odd")))
    assert main(["gate", "--base", "HEAD"]) == 2
    assert "ValueError: odd" in capsys.readouterr().err


def test_the_worker_imports_nothing_of_the_project():
    """It runs in the base's tree, where the project is another one."""
    roots = {name.partition(".")[0] for name in imported_names(WORKER)}
    assert roots <= {*sys.stdlib_module_names, "pytest", "pytest_benchmark"}
