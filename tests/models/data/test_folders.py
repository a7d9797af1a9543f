"""A user's own pictures: a folder a class, a table, and the task that they make."""

import os
import shutil

import numpy as np
import pytest
from PIL import Image

from models.data.photographs import DatasetError, read_labels, read_pictures
from models.data.tasks import folder_task, fruits360_task


def save(path, colour="red"):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (6, 4), colour).save(path)


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "mine"
    for name in ("Red Apple", "green", "blue"):
        for number in range(10):
            save(root / name / f"{number}.png", name.split()[0].lower())
    return root


def test_a_folder_a_class(folder):
    found = read_pictures(folder)
    assert found.class_names == ("Red Apple", "blue", "green")
    assert len(found) == 30
    assert found.labels.tolist() == [0] * 10 + [1] * 10 + [2] * 10
    assert all(path.is_file() for path in found.paths)


def test_labels_decide_the_order_and_may_be_more(folder):
    found = read_pictures(folder, ("green", "yellow", "red_apple", "blue"))
    assert sorted(set(found.labels.tolist())) == [0, 2, 3]
    assert found.labels[0] == 2


def test_a_class_that_no_label_names_is_told(folder):
    with pytest.raises(DatasetError, match=r"class 'green' is none of the 2 labels.*--labels"):
        read_pictures(folder, ("Red Apple", "blue"))


def test_a_table_of_paths_and_labels(folder):
    table = folder / "list.csv"
    table.write_text("path,label\nblue/3.png,blue\ngreen/1.png,green\nblue/absent.png,blue\n")
    found = read_pictures(table)
    assert found.files == ("blue/3.png", "green/1.png", "blue/absent.png")
    assert found.labels.tolist() == [0, 1, 0]
    table.write_text("blue/3.png,2\ngreen/1.png,0\n")
    found = read_pictures(table, ("green", "red", "blue"))
    assert found.labels.tolist() == [2, 0]


@pytest.mark.parametrize(
    ("content", "reason"), [("", "holds no picture"), ("a.png\n", "line 1: not a path and a label")]
)
def test_a_table_of_nothing_is_refused(tmp_path, content, reason):
    (tmp_path / "list.csv").write_text(content)
    with pytest.raises(DatasetError, match=reason):
        read_pictures(tmp_path / "list.csv")


def test_what_is_not_there_is_told(tmp_path):
    with pytest.raises(DatasetError, match="no such folder"):
        read_pictures(tmp_path / "nowhere")
    with pytest.raises(DatasetError, match="holds no picture in a folder"):
        read_pictures(tmp_path)


def test_a_first_row_of_a_picture_is_no_heading(folder):
    """Whether the picture is there or not; one without a suffix is, if it is there."""
    table = folder / "list.csv"
    for first in ("blue/absent.png", " blue/3.png ", "blue/bare"):
        (folder / "blue" / "bare").write_bytes((folder / "blue" / "1.png").read_bytes())
        table.write_text(f"{first},blue\ngreen/1.png,green\n")
        assert read_pictures(table).files == (first.strip(), "green/1.png")


def test_the_line_of_a_table_is_the_files(folder):
    (folder / "list.csv").write_text('"a\nb.png",a\n\nc.png\n')
    with pytest.raises(DatasetError, match="line 4: not a path"):
        read_pictures(folder / "list.csv")


def test_what_is_no_table_is_told(folder):
    (folder / "list.csv").write_text("x" * 300 + ",\n" + "y" * 300 + ",b\n")
    assert len(read_pictures(folder / "list.csv")) == 1


@pytest.mark.parametrize("suffix", [".jpe", ".JFIF", ".avif", ".heic", ".tif"])
def test_pictures_of_any_format_are_listed(folder, suffix):
    (folder / "blue" / f"a{suffix}").write_bytes(b"")
    assert f"blue/a{suffix}" in read_pictures(folder).files


def test_a_label_of_two_classes_names_neither(folder):
    """The pictures that it would name are left out; all others count."""
    found = read_pictures(folder, ("blue", "green", "Red Apple", "BLUE"))
    assert np.bincount(found.labels).tolist() == [0, 10, 10]
    (remark,) = found.remarks
    assert "left out: 10 pictures of 'blue', which several classes are called" in remark
    assert "numbers" in remark
    for name in ("green", "Red Apple"):
        shutil.rmtree(folder / name)
    with pytest.raises(DatasetError, match="'blue', which several"):
        read_pictures(folder, ("blue", "green", "BLUE"))


def test_a_class_of_two_is_named_by_its_number(folder):
    (folder / "list.csv").write_text("blue/1.png,3\ngreen/1.png,green\n")
    assert read_pictures(folder / "list.csv", ("crane", "green", "b", "crane")).labels[0] == 3


def test_links_to_folders_and_pictures_are_followed(folder, tmp_path):
    for name in ("blue", "green"):
        (folder / name).rename(tmp_path / name)
        (folder / name).symlink_to(tmp_path / name)
    (folder / "Red Apple" / "more").symlink_to(tmp_path / "blue")
    (folder / "Red Apple" / "gone.png").symlink_to(tmp_path / "nowhere.png")
    found = read_pictures(folder)
    assert np.bincount(found.labels).tolist() == [21, 10, 10]
    assert "Red Apple/gone.png" in found.files  # told when it is opened
    assert not found.remarks
    assert len(folder_task(folder).class_names) == 3


@pytest.mark.parametrize("target", [".", "..", "../../mine"])
def test_links_that_go_in_a_circle_end(folder, target):
    (folder / "green" / "loop").symlink_to(target)
    assert len(read_pictures(folder)) == 30


def test_what_is_hidden_and_what_holds_no_picture_is_no_class(folder):
    for name in (".ipynb_checkpoints/1.png", "blue/.ipynb_checkpoints/1.png", "blue/._1.png"):
        save(folder / name)
    (folder / "empty").mkdir()
    (folder / "notes.txt").write_text("x")
    found = read_pictures(folder)
    assert found.class_names == ("Red Apple", "blue", "green")
    assert len(found) == 30
    assert found.remarks == ("left out: the folder 'empty' holds no picture",)
    assert "'empty' holds no picture" in folder_task(folder).describe()


def test_a_name_that_is_no_unicode_is_a_class(folder):
    name = os.fsdecode(b"bl\xff")
    (folder / "blue").rename(folder / name)
    task = folder_task(folder)
    assert task.class_names == ("Red Apple", name, "green")
    assert len(task.load("Training").fingerprint) == 64


@pytest.mark.parametrize("text", ["a b\nc\n\n", "0 a b\n1 c\n", "0: a b\n1: c", "\ufeff0 a b\n1 c"])
def test_labels_are_read(tmp_path, text):
    (tmp_path / "labels.txt").write_text(text)
    assert read_labels(tmp_path / "labels.txt") == ("a b", "c")


class TestTask:
    def test_without_a_split_a_fifth_of_each_class_is_test(self, folder):
        task = folder_task(folder, side=16)
        assert (task.describe(), task.side) == ("3 classes of 'mine'", 16)
        training, test = task.load("Training"), task.load("Test")
        assert np.bincount(test.labels).tolist() == [2, 2, 2]
        assert np.bincount(training.labels).tolist() == [8, 8, 8]
        assert not {*training.files} & {*test.files}
        assert folder_task(folder).load("Test").files == test.files

    def test_pictures_that_belong_together_are_not_parted(self, tmp_path):
        for name in ("a", "b"):
            for film in range(5):
                for number in range(4):
                    save(tmp_path / "films" / name / f"film{film}" / f"{number}.png")
        task = folder_task(tmp_path / "films")
        training, test = task.load("Training"), task.load("Test")
        assert len(test) == 8
        assert not {*training.groups} & {*test.groups}

    def test_a_split_that_is_there_is_kept(self, folder, tmp_path):
        for part in ("train", "val"):
            for name in ("a", "b"):
                save(tmp_path / "parted" / part / name / f"{part}.png")
        task = folder_task(tmp_path / "parted")
        assert task.load("Training").files == ("a/train.png", "b/train.png")
        assert task.load("Test").files == ("a/val.png", "b/val.png")

    def test_what_makes_no_task_is_told(self, tmp_path):
        save(tmp_path / "one" / "a" / "1.png")
        with pytest.raises(DatasetError, match="one class only, 'a'"):
            folder_task(tmp_path / "one")
        save(tmp_path / "two" / "a" / "1.png")
        save(tmp_path / "two" / "b" / "1.png")
        with pytest.raises(DatasetError, match="one group of pictures only"):
            folder_task(tmp_path / "two")
        save(tmp_path / "half" / "train" / "a" / "1.png")
        with pytest.raises(DatasetError, match=r"has no folder for Test \(Test, test, val"):
            folder_task(tmp_path / "half")

    def test_the_study_is_one_task(self, small_dataset):
        task = fruits360_task(str(small_dataset))
        assert len(task.class_names) == 20
        assert len(task.load("Test")) == 80
        assert not {*task.load("Training").paths} & {*task.load("Test").paths}
