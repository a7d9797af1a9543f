"""The gate's measurement of itself."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import pytest

from tests.bench.gate.conftest import ROOT, SELECTION


@pytest.mark.slow
def test_it_is_made_live(project):
    """Without time for more than a block each, so nothing is decided."""
    (project.root / "tests" / "proofs").mkdir(parents=True)
    for file in ("tests/__init__.py", "tests/proofs/__init__.py", "tests/proofs/self_check.py"):
        shutil.copy(ROOT / file, project.root / file)
    command = [
        sys.executable, "-m", "tests.proofs.self_check", "--max-minutes", "0.001",
        "--slow-downs", "0.05", "--output", "out", *SELECTION, "-k", "classify",
    ]  # fmt: skip
    done = subprocess.run(command, cwd=project.root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    record = json.loads((project.root / "out" / "self-check.json").read_text())
    assert [each["slow_down"] for each in record["comparisons"]] == [0.05]
    assert {each["exit_status"] for each in record["comparisons"]} == {2}
    assert (project.root / "out" / "self-check.png").read_bytes().startswith(b"\x89PNG")
