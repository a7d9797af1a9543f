"""The gate's measurement of itself."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections import Counter
from itertools import pairwise

import pytest

from bench.gate.self_check import CLASSES, summarise
from bench.statistics.interleaving import interleave
from tests.bench.gate.conftest import SELECTION


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
    command = [
        sys.executable, "-m", "bench.gate.self_check", "--max-minutes", "0.001",
        "--slow-downs", "0.05", "--output", "out", *SELECTION, "-k", "classify",
    ]  # fmt: skip
    done = subprocess.run(command, cwd=project.root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    record = json.loads((project.root / "out" / "self-check.json").read_text())
    assert [each["slow_down"] for each in record["comparisons"]] == [0.05]
    assert {each["exit_status"] for each in record["comparisons"]} == {2}
    assert (project.root / "out" / "self-check.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("count", [2, 3, 5])
def test_interleaved_parties_are_treated_alike(count):
    """Each has as many rounds after its own as after another's, and none is always first."""
    rounds: list[int] = []

    def run(party: int) -> bool:
        rounds.append(party)
        return rounds.count(party) < 200

    interleave([lambda party=party: run(party) for party in range(count)], random.Random(1))
    assert Counter(rounds) == dict.fromkeys(range(count), 200)
    firsts = Counter(rounds[:: 2 * count])
    own = Counter(now for before, now in pairwise(rounds) if before == now)
    assert min(firsts.values()) > 100 / count / 2
    assert max(own.values()) - min(own.values()) < 40
    assert min(own.values()) >= 100


def test_a_party_without_rounds_left_leaves_the_others_alone():
    left = {"a": 1, "b": 4}
    order: list[str] = []

    def run(name: str) -> bool:
        order.append(name)
        left[name] -= 1
        return left[name] > 0

    interleave([lambda: run("a"), lambda: run("b")], random.Random(2))
    assert Counter(order) == {"a": 1, "b": 4}
