"""Which interpreter runs a base; no environment is built."""

import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from bench.gate.measure.trees import REQUIREMENTS, check_pins, git, python_for, state
from bench.gate.measure.worker import GateError

PINS = "numpy==2.0\npytest==9.0\n"


@pytest.fixture
def trees(tmp_path) -> tuple[Path, Path]:
    """A base and head, which pin the same."""
    made = tmp_path / "base", tmp_path / "head"
    for tree in made:
        (tree / REQUIREMENTS).parent.mkdir(parents=True)
        (tree / REQUIREMENTS).write_text(PINS)
    return made


@pytest.fixture
def commands(monkeypatch) -> list[list[str]]:
    """Which commands were run; each fails that holds the word "broken"."""
    made: list[list[str]] = []

    def run(command: list[str], **_: object) -> subprocess.CompletedProcess:
        made.append(command)
        is_broken = "broken" in command[-1]
        return subprocess.CompletedProcess(command, is_broken, "", "no such version")

    monkeypatch.setattr(subprocess, "run", run)
    return made


@pytest.mark.parametrize("pins", [PINS, "# A comment\npytest==9.0\n\nnumpy==2.0  # why\n", None])
def test_the_same_pins_need_no_other_environment(trees, commands, pins):
    """Nor does a base that has none."""
    base, head = trees
    if pins is None:
        (base / REQUIREMENTS).unlink()
    else:
        (base / REQUIREMENTS).write_text(pins)
    with python_for(base, print, head) as python:
        assert python == sys.executable
    assert commands == []


def test_other_pins_get_an_environment_of_their_own(trees, commands):
    base, head = trees
    (base / REQUIREMENTS).write_text(PINS.replace("2.0", "1.26"))
    told: list[str] = []
    with python_for(base, told.append, head) as python:
        venv, pip = commands
        assert python.startswith(venv[-1])
    assert venv[:3] == [sys.executable, "-m", "venv"]
    assert pip[:4] == [python, "-m", "pip", "install"]
    assert pip[-2:] == ["-r", str(base / REQUIREMENTS)]
    assert len(told) == 1


def test_an_environment_that_cannot_be_built_says_why(trees, commands, tmp_path):
    base, head = trees
    (base / REQUIREMENTS).write_text(PINS.replace("2.0", "1.26"))
    base = base.rename(tmp_path / "broken")
    with pytest.raises(GateError) as caught, python_for(base, print, head):
        pass
    assert len(commands) == 2
    assert caught.value.details == "no such version"


def test_what_is_installed_is_held_against_the_pins(trees):
    head = trees[1] / REQUIREMENTS
    version = metadata.version("numpy")
    head.write_text(f"# why\nnumpy=={version}\nno-such ==1 ; python_version < '3'\n-r other.txt\n")
    check_pins(trees[1])
    for pin, said in (("numpy==1.0", f"numpy is {version}"), ("no-such==1", "no-such is missing")):
        head.write_text(pin)
        with pytest.raises(GateError, match=f"{said}.*pip install -r"):
            check_pins(trees[1])


def test_the_state_of_a_tree_is_that_of_all_its_files(tmp_path):
    """Of those that git tracks, and of others; but for what Python and the gate itself write."""
    git("init", "--quiet", root=tmp_path)
    (tmp_path / "tracked").write_text("a")
    git("add", "tracked", root=tmp_path)
    git("-c", "user.name=T", "-c", "user.email=t@e", "commit", "-qm", "m", root=tmp_path)
    states = [state(tmp_path)]
    for name in ("tracked", "other", "tracked"):
        (tmp_path / name).write_text(f"{len(states)}")
        states.append(state(tmp_path))
    assert len(set(states)) == 4
    for name in ("__pycache__", ".benchmarks"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text("x")
    assert state(tmp_path) == states[-1]
