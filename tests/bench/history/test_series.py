"""Sessions over the commits: those of one processor in a line, ordered by git."""

from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from bench.history.command import changes_table
from bench.history.series import histories
from bench.results.session import Result, ResultsError, Session, read_sessions
from tests.bench.report.samples import Sample
from tests.processes import git


def _sessions(tmp_path, samples):
    return read_sessions(
        sample.write(tmp_path / f"{number}.json") for number, sample in enumerate(samples)
    )


@pytest.mark.parametrize("other", [{"brand_raw": "Other CPU"}, {"flags": ["avx2", "fma"]}])
def test_processors_are_kept_apart_and_so_are_instruction_sets(tmp_path, other):
    samples = [Sample(day, f"{day}" * 40, day).add_host() for day in (1, 2, 3, 4)]
    for sample in samples[1::2]:
        sample.data["machine_info"]["cpu"] |= other
    found = histories(_sessions(tmp_path, samples), tmp_path)
    assert {tuple(session.name for session in each.sessions) for each in found} == {
        ("0.json", "2.json"), ("1.json", "3.json"),
    }  # fmt: skip


def test_a_model_that_a_session_lacks_is_a_gap(tmp_path):
    samples = [Sample(day, f"{day}" * 40, day).add_host() for day in (1, 2, 3)]
    entries = samples[1].data["benchmarks"]
    entries[:] = [each for each in entries if "alexnet-int8-" not in each["name"]]
    (history,) = histories(_sessions(tmp_path, samples), tmp_path)
    titles = {each.row.full_title: each for each in history.of("test_classify")}
    series = titles["AlexNet int8, litert 2.3.0"]
    assert series.states == (0, 2)
    assert len(series.medians_s) == 2


def test_one_session_is_no_history(tmp_path):
    assert histories(_sessions(tmp_path, [Sample().add_host()]), tmp_path) == []
    assert histories([], tmp_path) == []


@pytest.fixture
def repository(tmp_path) -> Path:
    """A repository whose commits all bear the same time."""
    git(tmp_path, "init", "--quiet", "repository")
    return tmp_path / "repository"


def _commit(repository: Path, message: str) -> str:
    when = "2026-01-01T00:00:00+00:00"
    words = ("commit", "--quiet", "--allow-empty", "--message", message)
    git(repository, *words, GIT_AUTHOR_DATE=when, GIT_COMMITTER_DATE=when)
    return git(repository, "rev-parse", "HEAD")


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


def test_a_branch_that_was_not_merged_is_left_out_with_a_remark(tmp_path, repository):
    line = [_commit(repository, f"M{number}") for number in range(3)]
    git(repository, "checkout", "--quiet", "-b", "feature")
    beside = [_commit(repository, f"F{number}") for number in range(4)]
    git(repository, "checkout", "--quiet", "-")
    line += [_commit(repository, "M3")]
    samples = [Sample(n, commit, 1 + n).add_host() for n, commit in enumerate([*beside, *line])]
    sessions = _sessions(tmp_path, samples)
    (history,) = histories(sessions, repository)
    assert [state.commit for state in history.states] == line
    (remark,) = history.remarks
    assert f"not on the line of first parents of {line[-1][:8]}" in remark
    assert all(commit[:8] in remark for commit in beside)
    (other,) = histories(sessions, repository, "feature")
    assert [state.commit for state in other.states] == [*line[:3], *beside]
    (fullest,) = histories(sessions, repository, line[0])  # which holds no other
    assert fullest.states == other.states
    with pytest.raises(ResultsError, match="--line none: no such revision"):
        histories(sessions, repository, "none")


def test_a_session_with_a_failure_on_the_host_is_left_out(tmp_path):
    samples = [Sample(day, f"{day}" * 40, day).add_host() for day in (1, 2, 3, 4)]
    for sample, name in zip(samples[2:], ("test_classify[x]", "test_device_load[x]"), strict=True):
        sample.data["failed"] = [{"fullname": f"bench/test_x.py::{name}", "reason": "wrong"}]
        sample.data["load"] = {"load_average": 9.0, "cores": 2}
    (history,) = histories(_sessions(tmp_path, samples), tmp_path)
    assert [session.name for session in history.sessions] == ["0.json", "1.json", "3.json"]
    left_out, *_, disturbed = history.remarks
    assert left_out == "left out, as test_classify[x] failed in it: 2.json"
    assert disturbed == "disturbed (load average 9.0 on 2 cores): 3.json"


def _measured(commit: int, medians_s: np.ndarray, machine: dict | None = None) -> Session:
    """Return a session of one round of each benchmark."""
    return Session(
        path=Path(f"{commit}.json"), name=f"{commit}.json", content=b"",
        time=datetime(2026, 1, 1 + commit), commit=f"{commit:040x}",
        commit_time=datetime(2026, 1, 1 + commit), is_changed=False, machine=machine or {},
        results=tuple(Result(f"test_{n}", (time_s,), {}) for n, time_s in enumerate(medians_s)),
        failures={},
    )  # fmt: skip


def test_a_commits_value_is_the_median_of_its_sessions(tmp_path):
    sessions = [_measured(commit, np.array([ms])) for commit in (0, 1) for ms in (9.0, 1.0, 2.0)]
    assert histories(sessions, tmp_path)[0].series[0].medians_s == (2.0, 2.0)


@pytest.mark.slow
def test_sessions_of_one_commit_are_one_observation(tmp_path):
    """What they share makes no change: 8 commits of 5 sessions, 1 % of the commit and 1 % each."""
    random = np.random.default_rng(6)
    named = 0
    for _ in range(40):
        shared = random.normal(0, 0.01, (8, 20))
        sessions = [
            _measured(commit, 1e-3 * np.exp(shared[commit] + random.normal(0, 0.01, 20)))
            for commit in range(8)
            for _ in range(5)
        ]
        (history,) = histories(sessions, tmp_path)
        named += any(series.changes for series in history.series)
    assert named <= 40 * 0.1 + 3 * (40 * 0.1 * 0.9) ** 0.5


def test_what_else_changed_is_named_beside_a_change(tmp_path):
    random = np.random.default_rng(7)
    sessions = [
        _measured(
            commit,
            1e-3 * (1.3 if commit >= 9 else 1) * np.exp(random.normal(0, 0.01, 3)),
            {"python_version": "3.12.1" if commit >= 9 else "3.11.7", "release": "6.1"},
        )
        for commit in range(18)
    ]
    (history,) = histories(sessions, tmp_path)
    (change,) = history.series[0].changes
    assert history.also_changed(history.series[0], change) == ["Python 3.11.7 to 3.12.1"]
    assert "also changed" in changes_table(history).heads


def test_times_with_and_without_a_zone_are_put_in_order(tmp_path):
    samples = [Sample(day, f"{day}" * 40, day).add_host() for day in (2, 1)]
    samples[0].data["datetime"] = "2026-01-02T12:00:00"  # by an older pytest-benchmark
    (history,) = histories(_sessions(tmp_path, samples), tmp_path)
    assert [session.name for session in history.sessions] == ["1.json", "0.json"]
