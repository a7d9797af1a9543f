"""Finding and reading the photographs."""

import shutil

import numpy as np
import pytest
from PIL import Image

from models.data import fruits360
from models.data.fruits360 import CLASS_NAMES, frame_number, rotation_series
from models.data.photographs import DatasetError, DatasetMissingError
from models.preprocessing.pipeline import read_pixels


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch, tmp_path, request):
    """No data set but the one that a test names, unless it asks for the real one."""
    if "photographs" not in request.fixturenames:
        monkeypatch.delenv(fruits360.ENVIRONMENT_VARIABLE, raising=False)
        caches = lambda name: str(tmp_path / name)  # noqa: E731
        monkeypatch.setattr(fruits360.platformdirs, "user_cache_dir", caches)


def test_the_real_test_split_is_what_was_published(photographs):
    assert len(photographs) == 3_358
    pixels = read_pixels(photographs, fruits360.SIDE)
    assert pixels.shape == (3_358, 100, 100, 3)
    assert pixels.dtype == np.uint8
    counts = np.bincount(photographs.labels, minlength=20)
    assert dict(zip(CLASS_NAMES, counts, strict=True))["Pear Forelle"] == 234
    corners = pixels[:, ::99, ::99]
    assert np.median(corners) == 255  # fruit on a white ground


def test_the_real_training_split_is_what_was_published(training_photographs, photographs):
    assert len(training_photographs) == 10_046


def test_the_named_directory_goes_before_the_variable_before_the_cache(
    small_dataset, monkeypatch, tmp_path
):
    cache = tmp_path / "tflite-gauge" / "fruits-360"
    shutil.copytree(small_dataset, cache)
    assert fruits360.find() == cache
    shutil.copytree(small_dataset, tmp_path / "variable")
    monkeypatch.setenv("FRUITS360_DIR", str(tmp_path / "variable"))
    assert fruits360.find() == tmp_path / "variable"
    assert fruits360.find(small_dataset) == small_dataset


def test_a_data_set_in_the_cache_of_the_former_name_is_found(small_dataset, tmp_path):
    former, place = (
        tmp_path / name / "fruits-360" for name in ("fruits-latency-bench", "tflite-gauge")
    )
    assert fruits360.cache_directory() == place
    shutil.copytree(small_dataset, former)
    assert fruits360.find() == fruits360.cache_directory() == former
    shutil.copytree(small_dataset, place)
    assert fruits360.find() == place


def test_a_named_directory_without_data_is_not_passed_over(small_dataset, monkeypatch, tmp_path):
    shutil.copytree(small_dataset, tmp_path / "tflite-gauge" / "fruits-360")
    monkeypatch.setenv("FRUITS360_DIR", str(tmp_path / "nowhere"))
    with pytest.raises(DatasetMissingError, match=r"nowhere.*python -m models download"):
        fruits360.find()


def test_without_a_data_set_one_line_says_how_to_get_it():
    with pytest.raises(DatasetMissingError) as caught:
        fruits360.find()
    message = str(caught.value)
    assert "\n" not in message
    assert "python -m models download" in message
    assert "FRUITS360_DIR" in message


def test_order_labels_and_pixels(small_dataset):
    photographs = fruits360.load("Test", small_dataset)
    assert photographs.files[:3] == (
        "Apple Braeburn/0_100.jpg",
        "Apple Braeburn/1_100.jpg",
        "Apple Braeburn/r_0_100.jpg",
    )
    assert photographs.labels.tolist() == sorted(list(range(20)) * 4)
    shown = [CLASS_NAMES[label] for label in photographs.labels]
    assert shown == [file.partition("/")[0] for file in photographs.files]
    assert [*CLASS_NAMES] == sorted(CLASS_NAMES)  # the committed files' outputs are in this order
    assert photographs.groups[:3] == ("Apple Braeburn/",) * 2 + ("Apple Braeburn/r",)
    assert photographs.class_names == CLASS_NAMES
    with Image.open(small_dataset / "Test" / photographs.files[-1]) as image:
        assert (read_pixels(photographs, fruits360.SIDE)[-1] == np.asarray(image)).all()


def test_some_of_the_photographs_keep_their_labels_and_groups(small_dataset):
    photographs = fruits360.load("Test", small_dataset)
    for chosen in (slice(None, None, 3), photographs.labels == 5, np.array([7, 3])):
        some = photographs.take(chosen)
        indices = np.arange(80)[chosen].tolist()
        assert some.paths == [photographs.paths[index] for index in indices]
        assert some.labels.tolist() == photographs.labels[chosen].tolist()
        assert some.groups == tuple(photographs.groups[index] for index in indices)


@pytest.mark.parametrize(
    ("respell", "told"),
    [
        (lambda name: name, "names of 2020 ('Apple Braeburn')"),
        (lambda name: name if name[-1].isdigit() else f"{name} 1", "of 2025 ('Apple Braeburn 1')"),
        (lambda name: name.lower().replace(" ", "_"), "2020 in lower case ('apple_braeburn')"),
        (
            lambda name: (name if name[-1].isdigit() else f"{name} 1").lower().replace(" ", "_"),
            "2025 in lower case ('apple_braeburn_1')",
        ),
    ],
)
def test_every_releases_class_names_give_the_same_data(small_dataset, respell, told):
    before = fruits360.load("Training", small_dataset)
    fingerprint = before.fingerprint
    for split in fruits360.SPLITS:
        for name in CLASS_NAMES:
            folder = small_dataset / split / name
            folder.rename(folder.with_name(respell(name)))
    after = fruits360.load("Training", small_dataset)
    assert after.fingerprint == fingerprint
    assert after.groups == before.groups
    assert (after.labels == before.labels).all()
    assert told in fruits360.release(small_dataset)


def test_fingerprint_notices_another_photograph(small_dataset):
    before = fruits360.load("Test", small_dataset).fingerprint
    folder = small_dataset / "Test" / "Pear"
    (folder / "0_100.jpg").write_bytes((folder / "1_100.jpg").read_bytes())
    assert fruits360.load("Test", small_dataset).fingerprint != before


def test_a_missing_class_is_named_in_both_spellings(small_dataset):
    shutil.rmtree(small_dataset / "Test" / "Pear Kaiser")
    with pytest.raises(DatasetError, match=r"Test: .*'Pear Kaiser' or 'Pear Kaiser 1' is missing"):
        fruits360.load("Test", small_dataset)


def test_an_empty_class_is_named(small_dataset):
    for file in (small_dataset / "Test" / "Pear").iterdir():
        file.unlink()
    with pytest.raises(DatasetError, match="Test/Pear: holds no"):
        fruits360.load("Test", small_dataset)


@pytest.mark.parametrize("kept", [0, 1, 700])
def test_an_unreadable_photograph_is_named(small_dataset, kept):
    file = small_dataset / "Test" / "Pear" / "0_100.jpg"
    file.write_bytes(file.read_bytes()[:kept])
    photographs = fruits360.load("Test", small_dataset)
    with pytest.raises(DatasetError, match=r"Pear/0_100\.jpg: not a readable photograph") as caught:
        read_pixels(photographs, fruits360.SIDE)
    assert "\n" not in str(caught.value)


def test_a_photograph_of_another_size_is_brought_to_the_size_asked_for(small_dataset):
    file = small_dataset / "Test" / "Pear" / "0_100.jpg"
    Image.new("RGB", (120, 80), "red").save(file, quality=95)
    photographs = fruits360.load("Test", small_dataset)
    (number,) = [index for index, path in enumerate(photographs.paths) if path == file]
    pixels = read_pixels(photographs, fruits360.SIDE)
    assert np.abs(pixels[number] - np.array([254, 0, 0])).max() <= 1


@pytest.mark.parametrize(
    ("file", "series", "frame"),
    [
        ("0_100.jpg", "", 0),
        ("Pear/321_100.jpg", "", 321),
        ("r_7_100.jpg", "r", 7),
        ("a/r2_7_100.jpg", "r2", 7),
        ("r0_7.jpg", "", 7),
        ("r1_7.jpg", "r", 7),
        ("r2_7.jpg", "r2", 7),
    ],
)
def test_series_and_frame_stand_in_a_files_name(file, series, frame):
    assert (rotation_series(file), frame_number(file)) == (series, frame)


@pytest.mark.parametrize("file", ["apple.jpg", "r_100.jpeg", "_100.jpg"])
def test_other_file_names_have_no_series(file):
    with pytest.raises(DatasetError, match="not a Fruits-360 file name"):
        rotation_series(file)
