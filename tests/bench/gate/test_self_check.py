"""The gate's measurement of itself."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import pytest

from tests.bench.gate.conftest import ROOT, SELECTION
from tests.proofs.self_check import CLASSES, summarise


def comparison(slow_down: float, regressed: int, same: int) -> dict:
    """Of as many benchmarks on either side of 50 us."""
    verdicts = ["regressed"] * regressed + ["same"] * same
    benchmarks = {
        f"{verdict} {index} {base_s}": {"base_s": base_s, "verdict": verdict, "by mean": [3, 10]}
        for index, verdict in enumerate(verdicts)
        for base_s in (49e-6, 50e-6)
    }
    return {"slow_down": slow_down, "seconds": 60, "benchmarks": benchmarks}


def test_comparisons_of_one_slow_down_are_counted_together():
    rows = summarise([comparison(0.02, 3, 7), comparison(0.0, 0, 10), comparison(0.02, 6, 4)])
    assert [(row["slow_down"], row["benchmarks"]) for row in rows] == [
        (slow_down, name) for slow_down in (0.0, 0.02) for name in CLASSES
    ]
    found = rows[2]["regressed"]
    assert (found["count"], found["cases"]) == (9, 20)
    assert found["lower"] < 0.45 < found["upper"]
    assert rows[0]["regressed"]["upper"] == pytest.approx(0.3085, abs=1e-4)  # 0 of 10, exactly
    assert (rows[2]["by mean"]["count"], rows[2]["by mean"]["cases"]) == (60, 200)


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
