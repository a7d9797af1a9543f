"""Exit status and thresholds; the gate fails closed: all that is no verdict is 2."""

import json
import shutil
import sys

import pytest

from bench.__main__ import main
from bench.gate import show
from bench.gate.judge import thresholds
from bench.gate.judge.verdict import Figure, Latency, Outcome, one_line
from bench.gate.measure.worker import GateError
from bench.gate.show import conclude
from bench.results.session import ResultsError
from bench.statistics.intervals import Estimate
from bench.statistics.sequential import Decision, Margins, ProcessDecision, Verdict, lower_is_better
from tests.house.imports import imported_names
from tests.processes import ROOT, python


@pytest.mark.parametrize(
    ("verdicts", "problems", "status"),
    [
        (["same", "improved"], [], 0),
        (["same", "regressed"], [], 1),
        (["no verdict", "regressed"], ["gone"], 1),
        (["same", "no verdict"], [], 2),
        (["same"], ["gone"], 2),
        ([], [], 2),
    ],
)
def test_exit_status(verdicts, problems, status):
    decisions = [
        ProcessDecision(Decision(Verdict(each), None, Margins(0.01, 0.03), False))
        for each in verdicts
    ]
    rows = [Latency("test_x", 1.0, 1.0, decision) for decision in decisions]
    assert Outcome("base", "head", latencies=rows, problems=problems).exit_status == status


def test_figures_alone_are_no_pass():
    outcome = Outcome(figures=[Figure("m", "parameters", "1", "1", Verdict.SAME)])
    assert (outcome.exit_status, outcome.reason) == (2, "nothing was compared")


@pytest.mark.parametrize(
    ("change", "allowed", "verdict"),
    [(1, 0, "regressed"), (1, 1, "same"), (0, 0, "same"), (-1, 0, "improved")],
)
def test_lower_is_better(change, allowed, verdict):
    assert lower_is_better(change, allowed) == verdict


def test_thresholds_of_an_architecture(tmp_path):
    path = tmp_path / "thresholds.toml"
    path.write_text(thresholds.FILE.read_text() + "\n[alexnet]\nparameters = 7\n")
    table = thresholds.read(path)
    assert table.of("alexnet").parameters == 7
    assert table.of("alexnet").min_effect == table.of("mobilenet_v2").min_effect
    assert table.of("mobilenet_v2").parameters == table.of(None).parameters == 0
    assert thresholds.read(path, 0.02).of("alexnet").min_effect == 0.02


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("[alexnet]\nparamters = 7", "paramters"),
        ("[alxnet]\nparameters = 7", "alxnet.*known are alexnet,"),
        ("[alexnet]\nparameters = 'many'", "many"),
        ("[alexnet]\nparameters = -1", "0 or more"),
        ("[alexnet]\nmin_effect = 0.5", "margin"),
        ("[alexnet", "thresholds.toml"),
    ],
)
def test_wrong_thresholds_are_named(tmp_path, more, said):
    path = tmp_path / "thresholds.toml"
    path.write_text(thresholds.FILE.read_text() + "\n" + more)
    with pytest.raises(GateError, match=said):
        thresholds.read(path)


WORKER = ROOT / "bench" / "gate" / "measure" / "inside" / "gate_worker.py"
MARGINS = Margins(0.01, 0.03)


def outcome(verdict: Verdict, name: str = "bench/test_x.py::test_a[m]") -> Outcome:
    decision = ProcessDecision(Decision(verdict, Estimate(0.0, -0.01, 0.01, 10), MARGINS, False))
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
        (ZeroDivisionError("division by zero"), "ZeroDivisionError: division by zero"),
        (KeyboardInterrupt(), "interrupted"),
    ],
)
def test_whatever_goes_wrong_is_no_verdict(error, said):
    failed = outcome(Verdict.SAME)
    failed.fail(error)
    assert failed.exit_status == 2
    assert said in failed.reason
    assert failed.details == ("what pip said" if isinstance(error, GateError) else "")


def test_an_unexpected_error_says_where():
    with pytest.raises(KeyError) as caught:
        fail(KeyError("x"))
    assert "test_verdict.py" in one_line(caught.value)


@pytest.mark.parametrize(
    ("verdict", "status"), [(Verdict.SAME, 2), (Verdict.NONE, 2), (Verdict.REGRESSED, 1)]
)
def test_what_cannot_be_written_is_no_pass(verdict, status, tmp_path, capsys, monkeypatch):
    """A regression was measured and told, and stays one."""
    assert conclude(outcome(verdict), tmp_path) == (0 if verdict is Verdict.SAME else status)
    (tmp_path / "file").touch()
    assert conclude(outcome(verdict), tmp_path / "file") == status
    assert "not written" in capsys.readouterr().err
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "/dev/full")
    assert conclude(outcome(verdict), tmp_path) == status
    assert "No space left" in capsys.readouterr().err
    assert not list(tmp_path.glob("gate.*"))


@pytest.mark.parametrize("count", [1, 7])
def test_each_problem_is_told_once(tmp_path, capsys, count):
    problems = [f"what is wrong in {number}" for number in range(count)]
    conclude(Outcome("base", "head", problems=problems), tmp_path)
    for text in (capsys.readouterr().out, (tmp_path / "gate.md").read_text("utf-8")):
        assert [text.count(each) for each in problems] == [1] * count


def test_a_verdict_that_is_withdrawn_is_none():
    """A regression on a latency is taken back as well; one of a figure was counted, and stays."""
    withdrawn = outcome(Verdict.REGRESSED)
    withdrawn.withdraw("files changed")
    assert withdrawn.exit_status == 2
    withdrawn.figures.append(Figure("m", "parameters", "1", "2", Verdict.REGRESSED))
    assert withdrawn.exit_status == 1


def test_a_picture_that_cannot_be_drawn_changes_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(show, "draw", lambda *_: fail(RuntimeError("no font")))
    passing = outcome(Verdict.SAME)
    show.write_outcome(tmp_path, passing)
    assert passing.exit_status == 0
    assert passing.notes == ["no picture: RuntimeError: no font"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["gate.json", "gate.md"]


@pytest.mark.parametrize("name", ["$x_", "$a^$", "a|b", "<img src=x>", "[link](x)", "é", "\\"])
def test_odd_names_are_text(tmp_path, name):
    odd = outcome(Verdict.NONE, f"bench/test_x.py::test_a[{name}]")
    show.write_outcome(tmp_path, odd)
    assert odd.notes == []
    assert (tmp_path / "gate.png").read_bytes().startswith(b"\x89PNG")
    text = (tmp_path / "gate.md").read_text("utf-8")
    assert "<img" not in text
    assert "](x)" not in text
    (row,) = [line for line in text.splitlines() if line.startswith("| test_a")]
    assert row.replace("\\\\", "").replace("\\|", "").count("|") == 7


UNEXPECTED = "def add_arguments(_):\n    raise ValueError('odd')"
FULL_DISK = (
    "import resource, runpy, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0));"
    "sys.argv[0] = 'bench'; runpy.run_module('bench', run_name='__main__')"
)


@pytest.mark.parametrize(
    ("module", "start", "status", "said"),
    [
        (None, ("-m", "bench"), 2, "No module named 'bench.gate"),
        ("1 +", ("-m", "bench"), 2, "py:1)"),
        (UNEXPECTED, ("-m", "bench"), 2, "ValueError: odd"),
        ("raise SystemExit(1)", ("-m", "bench"), 2, "ends while it is imported"),
        ("raise KeyboardInterrupt", ("-m", "bench"), 2, "interrupted"),
        ("import os\nos.kill(os.getpid(), 15)", ("-m", "bench"), -15, "it ended before"),
        ("import os\nos.kill(os.getpid(), 9)", ("-m", "bench"), -9, "it ended before"),
        (None, ("-c", FULL_DISK), 2, None),
    ],
)
@pytest.mark.parametrize("command", ["gate", "compare"])
def test_a_tree_whose_command_does_not_import_has_no_verdict(
    tmp_path, command, module, start, status, said
):
    """Python itself ends with 1 then, which would be a regression; nor does an older one stay."""
    package = tmp_path / "bench" / "gate"
    package.mkdir(parents=True)
    for folder in (package, package.parent):
        (folder / "__init__.py").touch()
    shutil.copy(ROOT / "bench" / "__main__.py", package.parent)
    if module is not None:
        (package / f"{command.replace('gate', 'command')}.py").write_text(module)
    for name in ("gate.json", "gate.md", "gate.png"):
        (tmp_path / name).write_text('{"verdict": "pass"}')
    summary = tmp_path / "summary.md"
    words = (command, "--output", ".", "--base", "HEAD")
    done = python(*start, *words, cwd=tmp_path, GITHUB_STEP_SUMMARY=str(summary))
    assert done.returncode == status, done.stderr
    assert len(done.stderr.splitlines()) == (status == 2)
    left = {path.name: path.read_text("utf-8") for path in tmp_path.glob("gate.*")}
    assert "gate.png" not in left
    assert not any("pass" in text for text in left.values())
    if said is None:
        return
    assert json.loads(left["gate.json"])["exit_status"] == 2
    assert said in json.loads(left["gate.json"])["reason"]
    assert said in left["gate.md"]
    assert not summary.exists() if status < 0 else said in summary.read_text("utf-8")


def test_help_leaves_a_verdict_alone(tmp_path):
    (tmp_path / "gate.json").touch()
    with pytest.raises(SystemExit, match="0"):
        main(["gate", "--output", str(tmp_path), "--help"])
    assert (tmp_path / "gate.json").exists()


def test_the_worker_imports_nothing_of_the_project():
    """It runs in the base's tree, where the project is another one."""
    roots = {name.partition(".")[0] for name in imported_names(WORKER)}
    assert roots <= {*sys.stdlib_module_names, "pytest", "pytest_benchmark"}
