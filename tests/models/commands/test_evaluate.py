"""`python -m models evaluate --model ... --images ...`, as a user calls it."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from PIL import Image

from models.__main__ import main
from models.data.canary_images import canary_images
from models.data.fruits360 import CLASS_NAMES
from models.files.artifacts import artifact
from models.preprocessing import Normalisation, Preparation
from tests.models.files.test_metadata import metadata, with_metadata
from tests.models.small_files import Tensor, colour_classifier, small_file, write
from tests.processes import python


def test_it_prints_shares_confusions_and_damage(model, pictures, capsys):
    assert main(["evaluate", "--model", str(model), "--images", str(pictures)]) == 0
    out, err = capsys.readouterr()
    assert "10 of 11 right, 90.91%" in out
    assert "1 of green were taken for blue" in out
    assert "not classified: red/3.png: " in err


def test_json_has_everything(model, pictures, capsys, tmp_path):
    target = tmp_path / "out.json"
    arguments = ["--model", str(model), "--images", str(pictures), "--reference", str(model)]
    command = ["evaluate", *arguments, "--json", str(target), "--runtime", "litert-compiled"]
    assert main(command) == 0
    capsys.readouterr()
    (result,) = json.loads(target.read_text())["results"]
    assert result["runtime"] == "litert-compiled"
    assert (result["top_1"]["correct"], result["top_1"]["images"]) == (10, 11)
    assert result["by_class"]["green"]["correct"] == 3
    assert result["confusion"] == [["green", "blue", 1]]
    assert list(result["damaged"]) == ["red/3.png"]
    assert result["beside_reference"]["same"] == 11
    told = Preparation.from_dict(result["preparation"])
    assert told.normalisation == Normalisation(told_by="assumption")


def test_the_range_that_the_input_takes_can_be_named(model, pictures, capsys):
    """Turned round, every dominating colour becomes the least likely."""
    arguments = ["evaluate", "--model", str(model), "--images", str(pictures)]
    assert main([*arguments, "--runtime", "litert"]) == 0
    assert "nothing tells what values" in capsys.readouterr().err
    assert main([*arguments, "--runtime", "litert", "--mean", "255", "--std=-1"]) == 0
    out, err = capsys.readouterr()
    assert "0 of 11 right" in out
    assert "nothing tells" not in err


def test_metadata_names_the_range_and_an_option_the_fit(model, pictures, tmp_path):
    """Turned round as above, and the middle of each picture alone."""
    model.write_bytes(with_metadata(metadata([255], [-1])))
    target = tmp_path / "out.json"
    arguments = ["--model", str(model), "--images", str(pictures), "--fit", "crop"]
    assert main(["evaluate", *arguments, "--json", str(target), "--runtime", "litert"]) == 0
    (result,) = json.loads(target.read_text())["results"]
    assert (result["top_1"]["correct"], result["top_1"]["images"]) == (0, 11)
    told = Preparation.from_dict(result["preparation"])
    assert told.fit == "crop"
    assert told.normalisation == Normalisation((255,), (-1,), "metadata")


def test_bgr_and_imagenets_crop_can_be_asked_for(model, pictures, tmp_path, capsys):
    """Red and blue change places; of a wide picture whose middle is green, that is seen."""
    for number in range(4):
        wide = Image.new("RGB", (40, 10), "red")
        wide.paste("green", (15, 0, 25, 10))
        wide.save(pictures / "green" / f"{number}.png")
    target = tmp_path / "out.json"
    arguments = ["--model", str(model), "--images", str(pictures), "--runtime", "litert"]
    arguments += ["--prepare", "fit=crop,crop_from=10", "--prepare", "channel_order=BGR"]
    assert main(["evaluate", *arguments, "--json", str(target)]) == 0
    (result,) = json.loads(target.read_text())["results"]
    right = {name: share["correct"] for name, share in result["by_class"].items()}
    assert right == {"red": 0, "green": 4, "blue": 0}
    told = Preparation.from_dict(result["preparation"])
    assert (told.fit, told.crop_from, told.channel_order) == ("crop", 10, "BGR")
    assert main(["evaluate", *arguments, "--fit", "letterbox"]) == 2
    assert "crop_from 10 goes with fit 'crop'" in capsys.readouterr().err


def test_what_cannot_be_prepared_is_bad_usage(model, pictures, capsys):
    arguments = ["--model", str(model), "--images", str(pictures), "--prepare", "fit=cover"]
    with pytest.raises(SystemExit) as ended:
        main(["evaluate", *arguments])
    assert ended.value.code == 2
    assert "squash or letterbox or crop" in capsys.readouterr().err


def test_an_order_of_classes_that_nothing_tells_is_told(model, pictures, capsys):
    arguments = ["evaluate", "--model", str(model), "--images", str(pictures)]
    arguments += ["--runtime", "litert"]
    assert main(arguments) == 0
    assert "alphabetical" not in capsys.readouterr().err
    model.with_name("labels.txt").unlink()
    assert main(arguments) == 0
    out, err = capsys.readouterr()
    assert "in alphabetical order (blue, green, red, ...); --labels" in err
    assert "10 of 11" not in out


def test_the_card_beside_a_copy_names_the_classes(tmp_path, capsys):
    """As of a network that was trained on pictures of one's own."""
    ours = artifact("patch_separable", "int8")
    for path in (ours.path, ours.card_path):
        shutil.copy(path, tmp_path)
    (tmp_path / "pictures" / "Pear Red").mkdir(parents=True)
    answered = ours.require_card().canary.top1.index(CLASS_NAMES.index("Pear Red"))
    shown = tmp_path / "pictures" / "Pear Red" / "1.png"
    Image.fromarray(canary_images()[answered]).save(shown)
    arguments = ["--model", str(tmp_path / ours.path.name), "--runtime", "litert"]
    assert main(["evaluate", *arguments, "--images", str(tmp_path / "pictures")]) == 0
    out, err = capsys.readouterr()
    assert "1 of 1 right" in out
    assert "alphabetical" not in err


def test_pictures_of_a_label_that_two_classes_have_are_left_out(model, pictures, capsys):
    model.with_name("labels.txt").write_text("crane\ngreen\ncrane\n")
    (pictures / "blue").rename(pictures / "crane")
    (pictures / "red").rename(pictures / "0")
    arguments = ["--model", str(model), "--images", str(pictures), "--runtime", "litert"]
    assert main(["evaluate", *arguments]) == 0
    out, err = capsys.readouterr()
    assert "6 of 7 right" in out
    assert "left out: 4 pictures of 'crane'" in err


def test_names_of_any_letters_are_printed_in_any_locale(model, pictures, tmp_path):
    (pictures / "blue").rename(pictures / "Ж")
    model.with_name("labels.txt").write_text("red\ngreen\nЖ\n", encoding="utf-8")
    done = python(
        "-m", "models", "evaluate", "--model", model, "--images", pictures, "--runtime", "litert",
        PYTHONIOENCODING="latin-1",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert r"\u0416" in done.stdout


def test_the_size_that_a_file_leaves_open_can_be_named(model, pictures, capsys):
    model.write_bytes(colour_classifier((-1, -1, -1, 3)))
    arguments = ["evaluate", "--model", str(model), "--images", str(pictures)]
    assert main([*arguments, "--runtime", "litert"]) == 2
    assert "name them with --input-shape" in capsys.readouterr().err
    assert main([*arguments, "--input-shape", "1x7x9x3", "--reference", str(model)]) == 0
    assert "10 of 11 right" in capsys.readouterr().out


def test_a_batch_that_is_open_is_of_one_picture(model, pictures, capsys):
    """As in every file that Keras' converter makes of a model without a batch size."""
    model.write_bytes(colour_classifier((-1, 8, 8, 3)))
    assert main(["evaluate", "--model", str(model), "--images", str(pictures)]) == 0
    assert "10 of 11 right" in capsys.readouterr().out


def test_what_cannot_be_read_is_wrong_for_a_bound(model, pictures, tmp_path, capsys):
    """10 of 11 that could be read are right, and one could not; of a table two are missing."""
    command = ["evaluate", "--model", str(model), "--runtime", "litert", "--images"]
    assert main([*command, str(pictures), "--min-accuracy", "0.85"]) == 1
    assert "83.33% with unreadable pictures as wrong, below 85.00%" in capsys.readouterr().err
    assert main([*command, str(pictures), "--min-accuracy", "0.83"]) == 0
    table = tmp_path / "table.csv"
    table.write_text("pictures/red/0.png,red\nnone.png,red\nnone2.png,blue\n")
    assert main([*command, str(table), "--min-accuracy", "0.34"]) == 1
    assert main([*command, str(table), "--min-accuracy", "0.33"]) == 0


def test_answers_are_compared_where_both_gave_one(model, pictures, tmp_path, capsys):
    """A picture that only one of two inputs takes is no part of the comparison."""
    other = tmp_path / "large.tflite"
    other.write_bytes(colour_classifier((1, 9, 9, 3)))
    Image.new("RGB", (3000, 1), "red").save(pictures / "red" / "0.png")
    arguments = ["--model", str(model), "--images", str(pictures), "--runtime", "litert"]
    assert main(["evaluate", *arguments, "--reference", str(other)]) == 0
    assert "the same class for 11 of 11" in capsys.readouterr().out


def test_confusions_are_drawn_and_the_summary_stays_beside_json(model, pictures, tmp_path, capsys):
    picture, record = tmp_path / "confusion.png", tmp_path / "out.json"
    arguments = ["--model", str(model), "--images", str(pictures), "--runtime", "litert"]
    arguments += ["--picture", str(picture), "--json", str(record)]
    assert main(["evaluate", *arguments]) == 0
    assert "10 of 11 right" in capsys.readouterr().out
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert json.loads(record.read_text())["results"][0]["top_1"]["correct"] == 10


def test_whatever_escapes_is_one_line(monkeypatch, capsys):
    from models.commands import list as command

    monkeypatch.setattr(command, "read_records", lambda directory: {}["nothing"])
    assert main(["list"]) == 2
    assert capsys.readouterr().err.startswith("error: KeyError: 'nothing' (")


def test_what_is_no_classifier_is_not_called_one(tmp_path, pictures, capsys):
    path = tmp_path / "sum.tflite"
    tensors = [Tensor("one"), Tensor("two"), Tensor("out")]
    path.write_bytes(small_file(tensors, [("ADD", [0, 1], [2])], [0, 1], [2]))
    assert main(["evaluate", "--model", str(path), "--images", str(pictures)]) == 2
    assert "is no classifier of pictures: it takes 2 inputs" in capsys.readouterr().err


@pytest.mark.parametrize(
    "option", [["--min-accuracy", "1"], ["--json"], ["--mean", "3"], ["--labels", "x"]]
)
def test_what_would_do_nothing_is_refused(option, capsys):
    assert main(["evaluate", "patch_separable", *option]) == 2
    assert f"{option[0]} goes with --model and --images" in capsys.readouterr().err


def test_photographs_beside_pictures_are_refused(model, pictures, capsys):
    command = ["evaluate", "--model", str(model), "--images", str(pictures), "--data", "x"]
    assert main(command) == 2
    assert "--data goes without --model" in capsys.readouterr().err


def test_answers_that_are_no_numbers_are_told(tmp_path, pictures, capsys):
    """The logarithm of a mean below zero."""
    path = tmp_path / "nan.tflite"
    path.write_bytes(colour_classifier(last="LOG"))
    arguments = ["--mean", "300", "--runtime", "litert"]
    assert main(["evaluate", "--model", str(path), "--images", str(pictures), *arguments]) == 0
    out, err = capsys.readouterr()
    assert "0 of 11 right" in out
    assert "NaN" in err


def test_a_model_without_pictures_is_bad_usage(model, capsys):
    assert main(["evaluate", "--model", str(model)]) == 2
    assert "--model and --images go together" in capsys.readouterr().err


def test_one_value_that_a_sigmoid_made_tells_two_classes(tmp_path, capsys):
    """Of a grey picture without channels, as tutorials have both: white is the second class."""
    tensors = [
        Tensor("picture", (1, 8, 8)), Tensor("axes", (2,), "int32", np.array([1, 2], np.int32)),
        Tensor("mean", (1, 1)), Tensor("white", (1, 1)),
    ]  # fmt: skip
    options = schema.ReducerOptionsT()
    options.keepDims = False
    told = {"MEAN": (schema.BuiltinOptions.ReducerOptions, options)}
    operators = [("MEAN", [0, 1], [2]), ("LOGISTIC", [2], [3])]
    (tmp_path / "two.tflite").write_bytes(write([(tensors, operators, [0], [3])], told))
    (tmp_path / "raw.tflite").write_bytes(write([(tensors[:3], operators[:1], [0], [2])], told))
    for name in ("black", "white"):
        (tmp_path / "pictures" / name).mkdir(parents=True)
        Image.new("L", (9, 9), name).save(tmp_path / "pictures" / name / "0.png")
    words = ["--images", str(tmp_path / "pictures"), "--mean", "127.5", "--std", "50"]
    assert main(["evaluate", "--model", str(tmp_path / "two.tflite"), *words]) == 0
    assert "2 of 2 right" in capsys.readouterr().out
    assert main(["evaluate", "--model", str(tmp_path / "raw.tflite"), *words]) == 2
    assert "which no sigmoid made" in capsys.readouterr().err


def test_a_bad_file_costs_the_others_nothing(model, pictures, tmp_path, capsys):
    (tmp_path / "bad.tflite").write_bytes(b"no model")
    target = tmp_path / "found.json"
    words = ["--model", str(tmp_path), "--images", str(pictures), "--json", str(target)]
    assert main(["evaluate", *words, "--runtime", "litert"]) == 2
    assert "bad.tflite: not a .tflite file" in capsys.readouterr().err
    (found,) = json.loads(target.read_text())["results"]
    assert (found["model"], found["top_1"]["correct"]) == ("colours", 10)
