"""The workflow that other projects copy."""

import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
TEXT = (ROOT / ".github" / "workflows" / "benchmarks.yml").read_text("utf-8")
ANOTHER = (ROOT / "bench" / "gate" / "another_repository.yml").read_text("utf-8")
both = pytest.mark.parametrize("text", [TEXT, ANOTHER], ids=["ours", "another"])


@both
def test_actions_are_pinned_by_commit(text):
    used = re.findall(r"uses: *(\S+)", text)
    assert used
    assert not [each for each in used if not re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", each)]


def test_it_runs_for_pull_requests_pushes_and_weekly():
    triggers = TEXT.partition("\non:")[2].partition("\npermissions:")[0]
    assert {"pull_request:", "push:", "schedule:"} <= set(triggers.split())
    assert "pull_request_target" not in TEXT


def test_of_three_quick_pushes_none_is_left_out():
    """In one group the second one is cancelled while it waits; the newest of a pull request is."""
    group, cancel = re.findall(r"(?:group|cancel-in-progress): (.*)", TEXT)
    assert "github.event_name == 'push' && github.sha || github.ref" in group
    assert cancel == "${{ github.event_name == 'pull_request' }}"


def test_pull_requests_write_no_cache_that_main_reads():
    """Neither by the step that writes it nor by an action that caches by itself."""
    for step in re.split(r"\n\s+- ", TEXT):
        if "actions/cache/save@" in step or "actions/cache@" in step:
            assert "github.ref == 'refs/heads/main'" in step
            assert "github.event_name == 'push'" in step
        assert not re.search(r"\n\s+cache:", step)


@pytest.mark.parametrize(
    ("report", "said"),
    [(None, "did not start"), ("it ended before it could", "ended before"), ("pass", "")],
)
def test_what_ended_the_gate_stands_in_the_summary(tmp_path, report, said):
    step = TEXT.partition("- name: what ended the gate")[2].partition("\n      - ")[0]
    summary, folder = tmp_path / "summary", tmp_path / ".benchmarks" / "gate"
    summary.touch()
    folder.mkdir(parents=True)
    if report:
        (folder / "gate.md").write_text(report)
    shell = ["bash", "-e", "-c", step.partition("run: |")[2]]
    environment = os.environ | {"GITHUB_STEP_SUMMARY": str(summary)}
    subprocess.run(shell, cwd=tmp_path, env=environment, check=True)
    assert said in summary.read_text()
    assert bool(said) == bool(summary.read_text())


@both
def test_nothing_of_an_event_gets_into_a_shell(text):
    scripts = re.findall(r"run: *(\|(?:\n +.*)+|.*)", text)
    assert scripts
    assert not [script for script in scripts if "${{" in script]
