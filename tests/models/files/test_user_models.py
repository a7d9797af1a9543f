"""Files that a user names."""

import os

import pytest

from models.files.artifacts import ArtifactError, find_user_models


@pytest.fixture
def folder(tmp_path):
    for name in ("a/net.tflite", "b/net.tflite", "b/deep/other.tflite", "b/x [v1] é.tflite"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    return tmp_path


def names(*arguments, taken=()):
    return [model.name for model in find_user_models(map(str, arguments), taken)]


def test_a_file_is_called_by_its_stem(folder):
    assert names(folder / "a/net.tflite") == ["net"]
    assert names(folder / "b/x [v1] é.tflite") == ["x [v1] é"]


def test_two_of_one_stem_are_told_apart_without_the_path_of_the_checkout(folder):
    assert names(folder / "a/net.tflite", folder / "b/net.tflite") == ["a/net", "b/net"]


def test_a_name_that_is_taken_gets_the_folder_too(folder):
    assert names(folder / "a/net.tflite", taken=["net"]) == ["a/net"]


def test_one_file_by_two_spellings_is_one(folder):
    assert names(folder / "a/net.tflite", folder / "b/../a/net.tflite") == ["net"]


def test_folders_and_patterns(folder, monkeypatch):
    assert names(folder / "b") == ["other", "net", "x [v1] é"]
    assert names(folder / "?/net*") == ["a/net", "b/net"]
    monkeypatch.setenv("HOME", str(folder))
    assert names("~/a/net.tflite") == ["net"]


@pytest.mark.parametrize("name", ["missing.tflite", "*.nothing", "empty"])
def test_nothing_there_is_told(folder, name):
    (folder / "empty").mkdir()
    with pytest.raises(ArtifactError, match=r"no such file|no \.tflite file"):
        find_user_models([str(folder / name)])


def test_a_deeper_folder_that_ends_alike(folder):
    (folder / "c/a").mkdir(parents=True)
    (folder / "c/a/net.tflite").write_bytes(b"")
    first, second = names(folder / "a/net.tflite", folder / "c/a/net.tflite")
    assert first != second
    assert second == "c/a/net"


def test_a_linked_file_goes_by_its_own_name(folder):
    """In a cache of Hugging Face's a file is a link to one that is called by its hash."""
    (folder / "blobs").mkdir()
    (folder / "blobs/9f86d081").write_bytes(b"")
    (folder / "snapshot").mkdir()
    (folder / "snapshot/mine.tflite").symlink_to(folder / "blobs/9f86d081")
    assert names(folder / "snapshot") == names(folder / "snapshot/mine.tflite") == ["mine"]


def test_linked_folders_are_searched_once(folder):
    (folder / "c").mkdir()
    (folder / "c/linked").symlink_to(folder / "a")
    (folder / "a/back").symlink_to(folder)
    assert {*names(folder / "c")} == {"linked/net", "other", "b/net", "x [v1] é"}


def test_what_is_no_file_costs_the_others_nothing(folder, monkeypatch):
    (folder / "odd/deep.tflite").mkdir(parents=True)
    (folder / "odd/loop.tflite").symlink_to(folder / "odd/loop.tflite")
    (folder / "odd/deep.tflite/net.tflite").write_bytes(b"")
    os.mkfifo(folder / "odd/pipe.tflite")
    (folder / "odd/locked").mkdir()
    scan = os.scandir

    def scandir(path):
        if str(path).endswith("locked"):  # which the system's administrator may read
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", scandir)
    found = {file.name: file for file in find_user_models([str(folder / "odd")])}
    assert set(found) == {"net", "loop", "pipe", "locked"}
    for name, reason in (
        ("loop", "no such file|Too many levels"), ("pipe", "is no file that could be read"),
        ("locked", "cannot be read"),
    ):  # fmt: skip
        with pytest.raises(ArtifactError, match=f"{name}.*: .*({reason})"):
            _ = found[name].details
    assert names(folder / "odd/*.tflite") == ["net", "loop", "pipe"]
