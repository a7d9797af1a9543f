"""Sessions over the commits: those of one processor in a line, ordered by git."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from bench.history.series import histories
from bench.results.session import read_sessions
from tests.bench.report.samples import Sample


def _sessions(tmp_path, samples):
    return read_sessions(
        sample.write(tmp_path / f"{number}.json") for number, sample in enumerate(samples)
    )


def test_processors_are_kept_apart(tmp_path):
    samples = [Sample(day, f"{day}" * 40, day).add_host() for day in (1, 2, 3, 4)]
    for sample in samples[1::2]:
        sample.data["machine_info"]["cpu"]["brand_raw"] = "Other CPU"
    one, other = histories(_sessions(tmp_path, samples), tmp_path)
    assert [session.name for session in one.sessions] == ["0.json", "2.json"]
    assert [session.name for session in other.sessions] == ["1.json", "3.json"]
    assert other.processor.startswith("Other CPU")


def test_so_are_instruction_sets_of_one_name(tmp_path):
    samples = [Sample(day, f"{day}" * 40, day).add_host() for day in (1, 2)]
    samples[0].data["machine_info"]["cpu"]["flags"] = ["avx2", "fma"]
    assert histories(_sessions(tmp_path, samples), tmp_path) == []


def test_a_model_that_a_session_lacks_is_a_gap(tmp_path):
    samples = [Sample(day, f"{day}" * 40, day).add_host() for day in (1, 2, 3)]
    samples[1].data["benchmarks"] = [
        each
        for each in samples[1].data["benchmarks"]
        if each["extra_info"].get("model") != "alexnet-int8"
    ]
    (history,) = histories(_sessions(tmp_path, samples), tmp_path)
    (series,) = [
        each
        for each in history.of("test_classify")
        if each.row.full_title == "AlexNet int8, litert 2.3.0"
    ]
    assert series.states == (0, 2)
    assert len(series.medians_s) == 2


def test_one_session_is_no_history(tmp_path):
    assert histories(_sessions(tmp_path, [Sample().add_host()]), tmp_path) == []
    assert histories([], tmp_path) == []


@pytest.fixture
def repository(tmp_path) -> Path:
    """A repository whose commits all bear the same time."""
    folder = tmp_path / "repository"
    subprocess.run(["git", "init", "--quiet", str(folder)], check=True)
    return folder


def _commit(repository: Path, message: str) -> str:
    when = "2026-01-01T00:00:00+00:00"
    subprocess.run(
        ["git", "-c", "user.name=Test", "-c", "user.email=test@example.com", "commit", "--quiet",
         "--allow-empty", "--message", message],
        cwd=repository, check=True, env={"GIT_AUTHOR_DATE": when, "GIT_COMMITTER_DATE": when},
    )  # fmt: skip
    return subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=repository, check=True, capture_output=True, text=True
    ).stdout.strip()


def test_git_decides_the_order_and_not_the_measuring_time(tmp_path, repository):
    commits = [_commit(repository, str(number)) for number in range(6)]
    samples = [Sample(n, commit, 20 - n).add_host() for n, commit in enumerate(commits)]
    dirty = Sample(9, commits[2], 1).add_host()
    dirty.data["commit_info"]["dirty"] = True
    (history,) = histories(_sessions(tmp_path, [*samples, dirty]), repository)
    expected = [commit[:8] for commit in commits]
    expected.insert(3, f"{commits[2][:8]}+")
    assert [state.label for state in history.states] == expected
    assert history.remarks == ()


def test_a_commit_that_git_lacks_leaves_the_order_to_the_commits_times(tmp_path, repository):
    newer, older = _commit(repository, "a"), "1" * 40
    samples = [Sample(1, newer, 5).add_host(), Sample(2, older, 3).add_host()]
    (history,) = histories(_sessions(tmp_path, samples), repository)
    assert [state.commit for state in history.states] == [older, newer]
    (remark,) = history.remarks
    assert "does not have 11111111" in remark


def test_times_with_and_without_a_zone_are_put_in_order(tmp_path):
    samples = [Sample(day, f"{day}" * 40, day).add_host() for day in (2, 1)]
    samples[0].data["datetime"] = "2026-01-02T12:00:00"  # by an older pytest-benchmark
    (history,) = histories(_sessions(tmp_path, samples), tmp_path)
    assert [session.name for session in history.sessions] == ["1.json", "0.json"]
