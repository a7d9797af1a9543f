"""The gate's measurement of itself."""

import json
import re
import shutil

import pytest

from tests.bench.gate.conftest import SELECTION
from tests.processes import ROOT, python
from tests.proofs.self_check import MARKS


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
    result = project.root / "out" / "self-check.json"
    record = json.loads(result.read_text())
    assert [each["slow_down"] for each in record["comparisons"]] == [0.05]
    assert {each["exit_status"] for each in record["comparisons"]} == {2}
    assert (project.root / "out" / "self-check.png").read_bytes().startswith(b"\x89PNG")
    page = project.root / "bench" / "gate" / "README.md"
    start, _, end = re.split("|".join(MARKS), page.read_text("utf-8"))
    more = ("--comparisons", "0", "--output", "out", "--into", page)
    done = python("-m", "tests.proofs.self_check", *more, cwd=project.root)
    assert done.returncode == 0, done.stderr
    text = page.read_text("utf-8")
    assert text.startswith(start + MARKS[0])
    assert text.endswith(MARKS[1] + end)
    assert text.count("| 5 % |") == 2
    assert json.loads(result.read_text()) == record  # the earlier ones are kept
