"""Fetching the photographs from a local git repository of the real one's shape."""

import os
from pathlib import Path

import pytest

from models.__main__ import main
from models.data import fruits360
from models.data.fruits360 import COMMIT, DatasetError, download
from tests.processes import git


@pytest.fixture
def repository(small_dataset):
    """The small data set as a repository that also holds what nobody needs."""
    for extra in ("Training/Banana", "Test/Banana", "papers"):
        (small_dataset / extra).mkdir(parents=True)
        (small_dataset / extra / "large.bin").write_bytes(os.urandom(100_000))
    (small_dataset / "LICENSE").write_text("MIT")
    git(small_dataset, "init", "--quiet")
    for key in ("uploadpack.allowFilter", "uploadpack.allowAnySHA1InWant"):
        git(small_dataset, "config", key, "true")
    git(small_dataset, "add", ".")
    git(small_dataset, "commit", "--quiet", "-m", "all")
    return small_dataset


@pytest.fixture
def fetch(repository, tmp_path):
    def run(destination=tmp_path / "cache" / "fruits-360", **changes):
        arguments = {
            "repository": repository.as_uri(),
            "commit": git(repository, "rev-parse", "HEAD"),
            **changes,
        }
        return download(destination, **arguments), destination

    return run


def _files(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}


def test_only_the_needed_folders_are_fetched(fetch, repository):
    count, destination = fetch()
    assert count == 20 * 2 * 4
    assert fruits360.load("Test", destination).fingerprint
    assert not [file for file in _files(destination) if "Banana" in file or "papers" in file]
    assert (destination / "LICENSE").is_file()
    assert not (destination / ".git").exists()
    assert not destination.with_name("fruits-360.partial").exists()


def test_other_folders_contents_do_not_cross_the_network(fetch, monkeypatch, tmp_path):
    import shutil

    sizes = []
    remove = shutil.rmtree

    def look_and_remove(path, **options):
        if Path(path).name == ".git":
            sizes.append(sum(file.stat().st_size for file in Path(path).rglob("*.pack")))
        remove(path, **options)

    monkeypatch.setattr("models.data.fruits360.shutil.rmtree", look_and_remove)
    _, destination = fetch()
    needed = sum(file.stat().st_size for file in destination.rglob("*.jpg"))
    # Three files of 100,000 random bytes each would show.
    assert sizes
    assert sizes[0] < needed + 100_000


def test_progress_is_told(fetch):
    told = []
    fetch(on_progress=lambda stage, percent: told.append((stage, percent)))
    assert told
    assert all(0 <= percent <= 100 for _, percent in told)


def test_a_whole_copy_is_left_as_it_is(fetch):
    count, _ = fetch()
    again, _ = fetch(repository="file:///nowhere")
    assert again == count


def test_a_failure_leaves_nothing_at_the_destination_and_is_resumed(fetch, repository, tmp_path):
    destination = tmp_path / "cache" / "fruits-360"
    with pytest.raises(DatasetError, match=r"git fetch failed: .*run the same command again"):
        fetch(repository=(tmp_path / "nowhere").as_uri())
    assert not destination.exists()
    count, _ = fetch()
    assert count == 160


def test_what_was_fetched_before_a_kill_is_used_again(fetch, monkeypatch, tmp_path):
    import models.data.fruits360

    real_git = models.data.fruits360._git

    def killed_at_checkout(directory, *arguments, **options):
        if arguments[0] == "checkout":
            (directory / ".git" / "index.lock").touch()  # as a killed git leaves it
            raise KeyboardInterrupt
        real_git(directory, *arguments, **options)

    monkeypatch.setattr(models.data.fruits360, "_git", killed_at_checkout)
    with pytest.raises(KeyboardInterrupt):
        fetch()
    partial = tmp_path / "cache" / "fruits-360.partial"
    packs = {path.name for path in partial.rglob("*.pack")}
    assert packs
    monkeypatch.setattr(models.data.fruits360, "_git", real_git)
    count, destination = fetch()
    assert count == 160
    assert destination.is_dir()


def test_a_version_without_a_class_is_refused_by_name(fetch, repository):
    git(repository, "rm", "-r", "--quiet", "Test/Pear Red")
    git(repository, "commit", "--quiet", "-m", "one less")
    with pytest.raises(DatasetError, match="'Pear Red' or 'Pear Red 1' is missing"):
        fetch()


def test_a_folder_with_other_things_is_not_overwritten(fetch, tmp_path):
    destination = tmp_path / "mine"
    destination.mkdir()
    (destination / "precious.txt").write_text("mine")
    with pytest.raises(DatasetError, match=r"mine: is not empty.*another folder with --to"):
        fetch(destination)
    assert _files(destination) == {"precious.txt"}


def test_an_unknown_commit_is_refused(fetch):
    with pytest.raises(DatasetError, match="git fetch failed"):
        fetch(commit="0" * 40)


def test_the_pinned_version_is_a_full_hash():
    assert len(COMMIT) == 40
    int(COMMIT, 16)


def test_the_command_shows_what_it_fetched(repository, tmp_path, capsys):
    commit = git(repository, "rev-parse", "HEAD")
    command = ["download", "--to", str(tmp_path / "data"), "--repository", repository.as_uri()]
    assert main([*command, "--commit", commit]) == 0
    assert "160 photographs are there now" in capsys.readouterr().out


def test_another_version_is_not_said_to_be_what_is_there(small_dataset, capsys):
    assert main(["download", "--to", str(small_dataset)]) == 0
    assert "were there already" in capsys.readouterr().out
    assert main(["download", "--to", str(small_dataset), "--commit", "0" * 40]) == 2
    assert "for another version" in capsys.readouterr().err


def test_the_command_fails_in_one_line(tmp_path, capsys):
    nowhere = (tmp_path / "nowhere").as_uri()
    assert main(["download", "--to", str(tmp_path / "data"), "--repository", nowhere]) == 2
    told = capsys.readouterr().err
    assert len(told.strip().splitlines()) == 1
    assert told.startswith("error: git fetch failed")
