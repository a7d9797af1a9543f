"""The gate's measurement of itself."""

import json
import shutil

import pytest

from tests.bench.gate.conftest import SELECTION
from tests.processes import ROOT, python


@pytest.mark.slow
def test_it_is_made_live(project):
    """Without time for more than a block each, so nothing is decided."""
    (project.root / "tests" / "proofs").mkdir(parents=True)
    for file in ("tests/__init__.py", "tests/proofs/__init__.py", "tests/proofs/self_check.py"):
        shutil.copy(ROOT / file, project.root / file)
    done = python(
        "-m", "tests.proofs.self_check", "--max-minutes", "0.001", "--slow-downs", "0.05",
        "--output", "out", *SELECTION, "-k", "classify", cwd=project.root,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    record = json.loads((project.root / "out" / "self-check.json").read_text())
    assert [each["slow_down"] for each in record["comparisons"]] == [0.05]
    assert {each["exit_status"] for each in record["comparisons"]} == {2}
    assert (project.root / "out" / "self-check.png").read_bytes().startswith(b"\x89PNG")
