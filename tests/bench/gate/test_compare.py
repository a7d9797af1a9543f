"""Comparing stored files of sessions."""

import json
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binomtest

from bench.__main__ import main
from bench.gate.compare import compare_runs
from bench.gate.judge.thresholds import read
from bench.results.session import Result, Session
from bench.statistics.intervals import runs_needed
from bench.statistics.sequential import FAMILY_ERROR, Verdict

COMMIT, OTHER = "a" * 40, "b" * 40
NAME = "bench/test_x.py::test_classify[m-litert]"
MANY = 9


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)


@pytest.fixture
def make_run(tmp_path):
    """A function that writes a file as pytest-benchmark does, and returns its path."""

    def make(number: int, speed: float = 1.0, *, commit: str = COMMIT, **changes) -> str:
        random = np.random.default_rng([number, int(1000 * speed), commit == COMMIT])
        info = {"model": "m", "architecture": "alexnet", "threads": 1, "parameters": 10}
        info |= {"accuracy": 0.99, "file_bytes": 100, "multiply_accumulates": 5}
        info |= {"runtime": "litert", "delegated_partitions": [30]} | changes.pop("info", {})
        names = changes.pop("names", [NAME])
        noise = changes.pop("noise", 0.002)
        session = 200e-6 * speed * float(np.exp(random.normal(0, noise)))
        rounds_s = (session * np.exp(np.abs(random.normal(0, 0.01, 20)))).tolist()
        data = {
            "format": 2,
            "datetime": f"2026-01-01T00:{number:02}:{0 if commit == COMMIT else 30:02}",
            "machine_info": {"cpu": {"brand_raw": "A CPU", "count": 2}, "machine": "x86_64"},
            "commit_info": {"id": commit, "dirty": False},
            "benchmarks": [
                {
                    "fullname": name,
                    "name": name.rpartition("::")[2],
                    "stats": {"data": rounds_s},
                    "extra_info": info,
                }
                for name in names
            ],
        } | changes
        path = tmp_path / f"{commit[0]}-{speed}-{number}-{len(list(tmp_path.iterdir()))}.json"
        path.write_text(json.dumps(data))
        return str(path)

    return make


@pytest.fixture
def runs(make_run):
    """A function that writes several runs."""
    return lambda count, speed=1.0, **changes: [
        make_run(number, speed, **changes) for number in range(count)
    ]


def compare(base: list[str], head: list[str], *options: str) -> int:
    return main(["compare", *options, *base, "--", *head])


@pytest.mark.parametrize(
    ("speed", "verdict", "status"),
    [(1.0, "same", 0), (1.05, "regressed", 1), (0.95, "improved", 0)],
)
def test_several_runs(runs, capsys, speed, verdict, status):
    assert compare(runs(MANY), runs(MANY, speed, commit=OTHER)) == status
    assert f"1 {verdict}" in capsys.readouterr().out


def test_a_slow_down_that_is_allowed_is_none(runs):
    """Sure, and below min_effect, of the file or of the option."""
    base = runs(MANY)
    assert compare(base, runs(MANY, 1.007, commit=OTHER)) == 0
    slower = runs(MANY, 1.019, commit=OTHER)
    assert compare(base, slower) == 1
    assert compare(base, slower, "--min-effect", "0.022") == 0


def test_a_slow_down_of_the_margin_is_excluded_or_nothing_is_said(runs):
    noisy = runs(MANY, noise=0.04)
    assert compare(noisy, runs(MANY, noise=0.04, commit=OTHER)) == 2


def test_too_few_files_are_refused(runs, capsys):
    assert compare(runs(1), runs(4, 1.5, commit=OTHER)) == 2
    output = " ".join(capsys.readouterr().out.split())
    assert "could not judge" in output
    assert "1 file(s) of base and 4 of head" in output
    assert "needs 6 of each" in output  # 1 in C(12, 6) is below 0.005 / 2, and below 0.003


def test_so_many_files_as_are_asked_for_can_pass(runs):
    """By five, whose exact test has no bound at the level of a miss, none ever passed."""
    assert compare(runs(6, noise=1e-4), runs(6, commit=OTHER, noise=1e-4)) == 0


def test_exact_figures_need_one_run(runs, capsys):
    head = runs(1, commit=OTHER, info={"parameters": 11})
    assert compare(runs(1), head) == 1
    assert "parameters of m" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("info", "said"),
    [
        ({"accuracy": 0.98}, "accuracy of m"),
        ({"file_bytes": 101}, "file_bytes of m"),
        ({"delegated_partitions": [10, 18]}, "delegated partitions of m in litert"),
    ],
)
def test_each_exact_figure(runs, capsys, info, said):
    assert compare(runs(MANY), runs(MANY, commit=OTHER, info=info)) == 1
    assert said in capsys.readouterr().out


OTHER_CPU = {"cpu": {"brand_raw": "Another CPU", "count": 2}, "machine": "x86_64"}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"machine_info": OTHER_CPU}, "different machines"),
        ({"info": {"threads": 2}}, "other threads (1, 2)"),
        ({"info": {"device": {"model": "p"}, "emulated": True}}, "an emulated device"),
        ({"names": ["bench/test_x.py::test_renamed"]}, "is gone from head"),
        ({"format": 1, "failed_device_benchmarks": [{"name": "n", "reason": "hot"}]}, "hot"),
        ({"failed": [{"fullname": NAME, "reason": "assert 0 == 3"}]}, "assert 0 == 3"),
        ({"info": {"parameters": None}}, "no verdict"),
    ],
)
def test_what_cannot_be_compared(runs, capsys, changes, said):
    assert compare(runs(MANY), runs(MANY, commit=OTHER, **changes)) == 2
    assert said in " ".join(capsys.readouterr().out.split())


def test_runs_of_several_commits_are_no_side(runs, capsys):
    base = [*runs(MANY - 1), *runs(1, 1.001, commit=OTHER)]
    assert compare(base, runs(MANY, commit=OTHER)) == 2
    assert "different commits" in capsys.readouterr().out


def test_the_sides_must_be_told_apart(runs, capsys):
    assert main(["compare", *runs(2)]) == 2
    assert '"--"' in capsys.readouterr().out
    same = runs(1)
    assert compare(same, same) == 2
    assert "give each once" in capsys.readouterr().out


def test_one_session_given_twice_is_not_two(runs, tmp_path, capsys):
    base, head = runs(MANY), runs(MANY, 1.5, commit=OTHER)
    copied = tmp_path / "copy.json"
    copied.write_bytes(Path(head[0]).read_bytes())
    for repeated in ([*head[1:], head[1]], [*head, str(copied)], base):
        assert compare(base, repeated) == 2
        assert "holds the same session as" in capsys.readouterr().out


def test_files_of_the_result(runs, tmp_path, monkeypatch):
    summary = tmp_path / "summary.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    head = runs(MANY, 1.05, commit=OTHER)
    assert compare(runs(MANY), head, "--output", "out") == 1
    record = json.loads(Path("out/gate.json").read_text())
    (row,) = record["benchmarks"]
    assert row["verdict"] == "regressed"
    assert 0.01 < row["lower"] < row["change"] < row["upper"]
    assert row["head_s"] / row["base_s"] == pytest.approx(1.05, abs=0.01)
    assert {path.name for path in Path("out").iterdir()} == {"gate.json", "gate.md", "gate.png"}
    assert summary.read_text() == Path("out/gate.md").read_text()
    assert "| test_classify[m-litert] |" in summary.read_text()


def simulated(
    random: np.random.Generator, commit: str, files: int, benchmarks: int
) -> list[Session]:
    """Return files of sessions that differ by 2 %: all benchmarks of one share that."""
    runs = []
    for number in range(files):
        session_s = 2e-4 * np.exp(random.normal(0, 0.02))
        process_s = session_s * np.exp(random.normal(0, 0.005, (benchmarks, 1)))
        rounds_s = process_s * (1 + random.exponential(0.01, (benchmarks, 15)))
        runs.append(run_of(number, commit, rounds_s.tolist()))
    return runs


def run_of(number: int, commit: str, rounds_s: list[list[float]]) -> Session:
    """Return a file that holds these rounds, in seconds, of each benchmark."""
    return Session(
        path=Path(f"{number}.json"), name=str(number), content=b"",
        time=datetime(2026, 1, 1, number), commit=commit, commit_time=None, is_changed=False,
        machine={}, failures={},
        results=tuple(Result(f"test_{n}", tuple(each), {}) for n, each in enumerate(rounds_s)),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("latency_s", "change", "spread", "benchmarks", "verdict"),
    [
        (2e-4, 0.015, 0.006, 1, "no verdict"),
        (1e-6, 0.05, 0.006, 1, "same"),
        (2e-4, 0.034, 0.019, 1, "regressed"),
        (2e-4, 0.034, 0.019, 20, "no verdict"),
    ],
    ids=["margin-excluded-yet-slower", "less-than-the-floor", "alone", "one-of-many"],
)
def test_where_a_verdict_ends(latency_s, change, spread, benchmarks, verdict):
    """An estimate worth failing for is not the same; less than 0.2 us is; many need surer proof."""
    shares = np.exp(np.linspace(-spread, spread, MANY))
    sides = (
        [
            run_of(number, commit, [[float(latency_s * share * slower)] * 3] * benchmarks)
            for number, share in enumerate(shares)
        ]
        for commit, slower in ((COMMIT, 1.0), (OTHER, np.exp(change)))
    )
    outcome = compare_runs(*sides, read())
    assert not outcome.problems
    assert [row.verdict for row in outcome.latencies] == [verdict] * benchmarks


@pytest.mark.slow
def test_error_rate_with_sessions_that_differ():
    """Identical code: the documented rate of any false alarm, over 300 comparisons of 20."""
    random, benchmarks, cases = np.random.default_rng(3), 20, 300
    files = runs_needed(FAMILY_ERROR / benchmarks)
    alarms = 0
    for _ in range(cases):
        sides = (simulated(random, commit, files, benchmarks) for commit in (COMMIT, OTHER))
        outcome = compare_runs(*sides, read())
        assert not outcome.problems
        alarms += any(row.verdict is Verdict.REGRESSED for row in outcome.latencies)
    assert binomtest(alarms, cases, FAMILY_ERROR, alternative="greater").pvalue > 1e-4


def test_what_changed_beside_the_code_is_told(runs, capsys):
    load = {"load_average": 9.0, "steal_share": 0.2, "clock_mhz": 2000, "cores": 2}
    machine = {"cpu": {"brand_raw": "A CPU", "count": 2}, "machine": "x86_64"}
    base = runs(MANY, machine_info={**machine, "python_version": "3.11.7"})
    head = {**machine, "python_version": "3.12.1"}
    assert compare(base, runs(MANY, commit=OTHER, machine_info=head, load=load)) == 0
    output = " ".join(capsys.readouterr().out.split())
    assert "beside the code: Python 3.11.7 to 3.12.1" in output
    assert "disturbed: load average 9.0 on 2 cores and 20% of the time stolen" in output


def test_one_revision_measured_after_the_other_is_told(make_run, capsys):
    late = [make_run(n, commit=OTHER, datetime=f"2026-02-01T00:{n:02}:00") for n in range(MANY)]
    assert compare([make_run(number) for number in range(MANY)], late) == 0
    assert "measure both in turn" in " ".join(capsys.readouterr().out.split())
