"""A small copy of the project in a git repository of its own."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bench.gate.command import ENDING
from models.files import artifacts
from models.running import runtimes
from tests.processes import ROOT, git

MODEL = "mobilenet_v2-float32"
HEAVIER = "alexnet-float32"
SELECTION = (f"--architecture={MODEL.split('-')[0]}", "--precision=float32")
COPIED = ("bench", "fixtures", "models", "requirements", "conftest.py", "pytest.ini")
IGNORED = shutil.ignore_patterns("__pycache__", "artifacts")


@dataclass(frozen=True)
class Result:
    """What a command said.

    Attributes:
        status: exit status.
        output: stdout, then stderr, on long lines.
        record: gate.json; empty where none was written.
    """

    status: int
    output: str
    record: dict


@dataclass(frozen=True)
class Project:
    """The copy.

    Attributes:
        root: its directory.
        temporary: where everything that it runs puts temporary files.
        artifacts: the folder of its only model.
    """

    root: Path
    temporary: Path
    artifacts: Path = Path("models") / "artifacts"

    @property
    def card(self) -> Path:
        """The card of its only model."""
        return self.root / self.artifacts / f"{MODEL}.json"

    def git(self, *arguments: str) -> str:
        """Run git."""
        return git(self.root, *arguments)

    def commit(self) -> str:
        """Commit everything and return its hash."""
        self.git("add", "--all", "--force", ".")
        self.git("commit", "--quiet", "--allow-empty", "--message", "a state")
        return self.git("rev-parse", "HEAD")

    def edit(self, file: str, pattern: str, replacement: str) -> None:
        """Replace the only match of a pattern in a file."""
        path = self.root / file
        text, count = re.subn(pattern, replacement, path.read_text("utf-8"))
        assert count == 1
        path.write_text(text, "utf-8")

    def edit_card(self, **changes: object) -> None:
        """Replace fields of the card."""
        self.card.write_text(json.dumps(json.loads(self.card.read_text("utf-8")) | changes))

    def start(
        self, *arguments: str, only: str = "test_classify",
        selection: tuple[str, ...] = SELECTION, summary: Path | None = None,
    ) -> subprocess.Popen:  # fmt: skip
        """Start the gate on the benchmarks whose id holds `only`, with few rounds."""
        runtime = runtimes.available()[0].name
        command = [
            sys.executable, "-m", "bench", "gate", "--rounds=8", "--max-minutes=60", *arguments,
            *selection, f"--runtime={runtime}", "-k", only,
        ]  # fmt: skip
        environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PYTEST_", "GITHUB_", "FRUITS360"))
        }
        environment |= {
            "TMPDIR": str(self.temporary),
            "XDG_CACHE_HOME": str(self.temporary),
            "COLUMNS": "200",
        }
        if summary is not None:
            environment["GITHUB_STEP_SUMMARY"] = str(summary)
        return subprocess.Popen(
            command, cwd=self.root, env=environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
            preexec_fn=_heed_signals,
        )  # fmt: skip

    def gate(self, *arguments: str, **options: Any) -> Result:
        """Run the gate; arguments are those of `start`."""
        return self.finish(self.start(*arguments, **options))

    def finish(self, process: subprocess.Popen) -> Result:
        """Wait for the gate."""
        try:
            output, errors = process.communicate(timeout=1800)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
        path = self.root / ".benchmarks" / "gate" / "gate.json"
        record = json.loads(path.read_text("utf-8")) if path.exists() else {}
        return Result(process.returncode, f"{output}\n{errors}", record)

    def leftovers(self) -> list[str]:
        """Return what a gate that has ended should not have left."""
        worktrees = self.git("worktree", "list", "--porcelain").count("worktree ") - 1
        found = [path.name for path in self.temporary.iterdir() if path.name.startswith("gate-")]
        results = self.root / ".benchmarks" / "gate"
        found += [path.name for path in results.glob(".*")] if results.is_dir() else []
        return [*found, *["a worktree"] * worktrees]


def _heed_signals() -> None:
    """Undo what the child of a shell's background job inherits, as CI may be: deaf to Ctrl-C."""
    for number in ENDING:
        signal.signal(number, signal.SIG_DFL)


@pytest.fixture
def project(tmp_path) -> Project:
    """A copy of the project with one small model, committed."""
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    root, temporary = tmp_path / "project", tmp_path / "temporary"
    root.mkdir()
    temporary.mkdir()
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, root / name, ignore=IGNORED)
        else:
            shutil.copy(source, root / name)
    (root / ".gitignore").write_text("__pycache__/\n.benchmarks/\n.pytest_cache/\n")
    directory = root / "models" / "artifacts"
    directory.mkdir()
    for suffix in (".tflite", ".json"):
        shutil.copy(artifacts.DIRECTORY / f"{MODEL}{suffix}", directory)
    copy = Project(root, temporary)
    copy.git("init", "--quiet")
    copy.commit()
    return copy
