"""What a result came from."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from models.training import provenance


@pytest.fixture
def repository(tmp_path, monkeypatch):
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    monkeypatch.setattr(provenance, "ROOT", tmp_path)
    (tmp_path / "file").write_text("as committed")
    identity = ["-c", "user.name=Tester", "-c", "user.email=tester@example.org"]
    for command in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "-m", "First"]):
        subprocess.run(["git", *identity, *command], cwd=tmp_path, check=True)
    return tmp_path


def test_the_commit_is_named_in_full(repository):
    head = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=repository, capture_output=True, text=True, check=True
    )
    assert provenance.commit() == head.stdout.strip()
    tag = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org", "tag", "-am", "v", "v1.0"]
    subprocess.run(tag, cwd=repository, check=True)
    assert provenance.commit() == head.stdout.strip()


def test_changes_are_told(repository):
    (repository / "file").write_text("changed")
    assert provenance.commit().endswith("+changes")


def test_what_a_training_writes_is_no_change(repository):
    picture = repository / "models" / "artifacts" / "net.png"
    picture.parent.mkdir(parents=True)
    for content in ("as committed", "drawn anew"):
        picture.write_text(content)
        assert "+" not in provenance.commit()
        subprocess.run(["git", "add", "."], cwd=repository, check=True)


def test_without_a_repository_the_commit_is_unknown(tmp_path, monkeypatch):
    monkeypatch.setattr(provenance, "ROOT", tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert provenance.commit() == "unknown"


def test_versions_are_of_what_is_installed():
    import numpy as np

    found = provenance.versions(("numpy", "no-such-package"))
    assert found["numpy"] == np.__version__
    assert found.keys() == {"python", "system", "numpy"}
