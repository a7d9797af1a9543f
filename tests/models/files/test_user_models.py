"""Files that a user names."""

from __future__ import annotations

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
