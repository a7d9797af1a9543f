"""From a folder of pictures to files with cards: a user's own task, on generated pictures."""

import io
import json
import shutil
from contextlib import redirect_stdout
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("keras", reason="TensorFlow is not installed")

from models.__main__ import main
from models.data.photographs import DatasetError
from models.data.tasks import folder_task
from models.files.artifacts import PRECISIONS, artifact, sha256
from models.preprocessing import Preparation
from models.training.records import published_record, write_record

pytestmark = pytest.mark.slow

ARCHITECTURE = "patch_separable"
CLASSES = ("dark", "grey", "light")
SIDE = 40


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Noise of three brightnesses, of another size than the network's input."""
    root = tmp_path_factory.mktemp("data") / "brightness"
    random = np.random.default_rng(0)
    for level, name in enumerate(CLASSES):
        (root / name).mkdir(parents=True)
        for number in range(20):
            pixels = random.integers(80 * level, 80 * level + 60, (30, 40, 3), np.uint8)
            Image.fromarray(pixels).save(root / name / f"{number}.png")
    return root


@pytest.fixture(scope="module")
def made(folder, tmp_path_factory):
    root = tmp_path_factory.mktemp("own")
    out = ["--data", str(folder), "--side", str(SIDE), "--artifacts", str(root / "out")]
    train = ["train", ARCHITECTURE, *out, "--checkpoints", str(root / "kept"), "--epochs", "160"]
    with redirect_stdout(io.StringIO()) as said:
        assert main(train) == 0
        # Of all networks those that are there; the side is the network's own.
        assert main(["convert", "--data", str(folder), "--artifacts", str(root / "out")]) == 0
    (root / "out" / "said").write_text(said.getvalue())
    return root / "out"


def test_training_says_what_it_learns_from_how_good_it_is_and_what_is_next(made):
    said = (made / "said").read_text()
    assert "3 classes of 'brightness'; Patch Separable of 6,515" in said
    assert "learnt: 45 pictures in 45 groups; held out to know when to stop: 3; Test: 12" in said
    assert "shift 0.04" in said
    assert "is_mirrored" not in said
    assert "the most frequent class alone: 33.3%, nearest neighbour on colours: 100.0%" in said
    assert "neither underfits nor overfits" in said
    assert "next: python -m models convert patch_separable --data " in said
    assert "Saved artifact" not in said


def test_converting_with_other_pictures_or_a_damaged_network_writes_nothing(
    made, folder, tmp_path, capsys
):
    out, other = tmp_path / "out", tmp_path / "other"
    shutil.copytree(made, out)
    shutil.copytree(folder, other)
    for file in (other / "dark").iterdir():
        Image.new("RGB", (9, 9), "white").save(file)
    classes = shutil.copytree(other, tmp_path / "classes")
    (classes / "grey").rename(classes / "gray")
    before = {file: file.read_bytes() for file in out.rglob("*.*")}
    for pictures, told in (
        (other, "learnt from other pictures"),
        (classes, "learnt 3 classes of 40 pixels, dark, grey, light, ...; name its pictures"),
    ):
        command = ["convert", "--data", str(pictures), "--artifacts", str(out)]
        assert main([*command, "--precision", "float32"]) == 2
        assert told in capsys.readouterr().err
    assert {file: file.read_bytes() for file in out.rglob("*.*")} == before
    (out / f"{ARCHITECTURE}.keras").write_bytes(b"no network")
    assert main(["convert", "--data", str(folder), "--artifacts", str(out)]) == 2
    assert "is not the network of its record; train it again" in capsys.readouterr().err
    record = published_record(ARCHITECTURE, out)
    write_record(replace(record, keras_sha256=sha256(b"no network")), out)
    assert main(["convert", "--data", str(folder), "--artifacts", str(out)]) == 2
    assert f"error: {out / ARCHITECTURE}.keras: Keras" in capsys.readouterr().err
    assert (out / "labels.txt").read_bytes() == before[out / "labels.txt"]


def test_what_is_learnt_held_out_and_asked_about_are_the_folders_pictures(made):
    record = published_record(ARCHITECTURE, made)
    assert (record.held_out["pictures"], record.held_out["groups"]) == (3, 3)
    assert record.epochs["best"] <= record.epochs["run"] <= record.budget["epochs"] == 160
    assert len(record.history["val_loss"]) == record.epochs["run"]
    assert (record.learnt["pictures"], record.accuracy.images) == (45, 12)
    assert record.accuracy.fraction == 1
    assert {name.partition("/")[0] for name in record.groups} == {*CLASSES}


def test_what_cannot_be_trained_is_one_line_before_the_pictures_are_read(folder, tmp_path, capsys):
    out = ["--data", str(folder), "--artifacts", str(tmp_path / "out")]
    assert main(["train", "alexnet", "--side", "8", *out]) == 2
    assert capsys.readouterr().err == "error: --side 8: AlexNet takes 11 at least\n"
    with pytest.raises(SystemExit):
        main(["train", "alexnet", "--seed", "5000000000", *out])
    assert "from 1 to 4294967295" in capsys.readouterr().err


def test_every_precision_has_a_file_with_a_card(made):
    assert (made / "labels.txt").read_text().split() == list(CLASSES)
    for precision in PRECISIONS:
        file = artifact(ARCHITECTURE, precision, made)
        assert file.require_card().accuracy.images == 12
        known, ours = file.details, artifact(ARCHITECTURE, precision).details
        (taken,), (given,) = known.inputs, known.outputs
        assert (taken.shape, taken.dtype) == ((1, SIDE, SIDE, 3), ours.inputs[0].dtype)
        assert (given.shape, given.dtype) == ((1, 3), ours.outputs[0].dtype)
    card = artifact(ARCHITECTURE, "int8", made).require_card()
    assert card.conversion["calibration"] == published_record(ARCHITECTURE, made).learnt


def test_the_cards_accuracy_is_that_of_the_pictures(made, folder, capsys):
    out = ["--data", str(folder), "--side", str(SIDE), "--artifacts", str(made)]
    assert main(["evaluate", *out, "--runtime", "litert"]) == 0
    printed = capsys.readouterr().out
    assert "12 photographs" in printed
    assert printed.count("agrees") == len(PRECISIONS)


def test_robustness_of_ones_own_pictures_is_a_loss_without_bound_or_grounds(made, folder, capsys):
    out = ["--data", str(folder), "--artifacts", str(made), "--side", str(SIDE)]
    kept = made / "robustness.json"
    assert main(["robustness", *out, "--precision", "int8", "--json", str(kept)]) == 0
    printed = capsys.readouterr().out
    assert "against that of the unchanged pictures" in printed
    written = json.loads(kept.read_text())
    assert written["accepted"] is None
    assert not any(change["name"].startswith("on ") for change in written["changes"])


def test_its_files_are_models_of_ones_own(made, folder, capsys):
    """The labels lie beside the file."""
    file = made / f"{ARCHITECTURE}-float32.tflite"
    own = ["evaluate", "--model", str(file), "--images", str(folder), "--json"]
    assert main([*own, "--runtime", "litert"]) == 0
    out, err = capsys.readouterr()
    (result,) = json.loads(out)["results"]
    assert list(result["by_class"]) == list(CLASSES)
    assert "nothing tells" not in err
    card = artifact(ARCHITECTURE, "float32", made).require_card()
    assert Preparation.from_dict(result["preparation"]) == card.preparation
    assert result["top_1"]["images"] == 60


def test_it_replaces_no_committed_files_and_has_no_rotation_series(folder, tmp_path, capsys):
    assert main(["train", ARCHITECTURE, "--data", str(folder)]) == 2
    assert "--data needs --artifacts DIR" in capsys.readouterr().err
    out = ["--data", str(folder), "--artifacts", str(tmp_path), "--checkpoints", str(tmp_path)]
    assert main(["train", ARCHITECTURE, *out, "--split", "other-series"]) == 2
    assert "has no rotation series" in capsys.readouterr().err


def test_a_network_that_is_not_there_is_told_before_anything_is_written(folder, tmp_path, capsys):
    out = ["--data", str(folder), "--artifacts", str(tmp_path / "none")]
    for command in (["convert"], ["convert", ARCHITECTURE], ["evaluate"], ["robustness"]):
        assert main([*command, *out]) == 2
        assert "no such file; make it with `python -m models train" in capsys.readouterr().err
    assert not (tmp_path / "none").exists()


def test_a_class_of_test_alone_is_told_before_the_training(tmp_path):
    for place in ("train/a", "train/b", "test/a", "test/c"):
        (tmp_path / place).mkdir(parents=True)
        Image.new("RGB", (6, 6)).save(tmp_path / place / "1.png")
    with pytest.raises(DatasetError, match=r"test/c: this class has no folder for Training"):
        folder_task(tmp_path)


def test_the_list_of_a_folder_of_ones_own_holds_what_was_trained_there(made, tmp_path, capsys):
    assert main(["list", "--artifacts", str(made)]) == 0
    shown = capsys.readouterr().out
    assert "Patch Separable" in shown
    assert not any(word in shown for word in ("study", "untrained", "MobileNetV1", "other series"))
    assert main(["list", "--artifacts", str(tmp_path)]) == 0
    assert "no network is trained" in capsys.readouterr().out
