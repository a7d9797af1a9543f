"""`python -m models evaluate --model ... --images ...`, as a user calls it."""

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
from tests.models.running.test_any_file import SUM
from tests.models.small_files import Tensor, colour_classifier, write
from tests.processes import python


@pytest.fixture
def evaluate(model, pictures, capsys):
    """A function that calls the command; returns (exit status, stdout, stderr)."""

    def call(*words, path=model, runtime="litert"):
        chosen = ["--runtime", runtime] if runtime else []
        arguments = ["--model", path, "--images", pictures, *chosen, *words]
        return main(["evaluate", *map(str, arguments)]), *capsys.readouterr()

    return call


@pytest.fixture
def found(evaluate, tmp_path):
    """A function that calls the command with --json; returns the only result of the file."""

    def call(*words, status=0, **options):
        target = tmp_path / "out.json"
        done = evaluate("--json", target, *words, **options)
        assert done[0] == status, done
        (result,) = json.loads(target.read_text())["results"]
        return result

    return call


def test_it_prints_shares_confusions_and_damage(evaluate):
    status, out, err = evaluate(runtime=None)
    assert status == 0
    assert "10 of 11 right, 90.91%" in out
    assert "1 of green were taken for blue" in out
    assert "not classified: red/3.png: " in err


def test_json_has_everything(found, model):
    result = found("--reference", model, runtime="litert-compiled")
    assert result["runtime"] == "litert-compiled"
    assert (result["top_1"]["correct"], result["top_1"]["images"]) == (10, 11)
    assert result["by_class"]["green"]["correct"] == 3
    assert result["confusion"] == [["green", "blue", 1]]
    assert list(result["damaged"]) == ["red/3.png"]
    assert result["beside_reference"]["same"] == 11
    told = Preparation.from_dict(result["preparation"])
    assert told.normalisation == Normalisation(told_by="assumption")


def test_the_range_that_the_input_takes_can_be_named(evaluate):
    """Turned round, every dominating colour becomes the least likely."""
    assert "nothing tells what values" in evaluate()[2]
    status, out, err = evaluate("--mean", "255", "--std=-1")
    assert status == 0
    assert "0 of 11 right" in out
    assert "nothing tells" not in err


def test_metadata_names_the_range_and_an_option_the_fit(found, model):
    """Turned round as above, and the middle of each picture alone."""
    model.write_bytes(with_metadata(metadata([255], [-1])))
    result = found("--fit", "crop")
    assert (result["top_1"]["correct"], result["top_1"]["images"]) == (0, 11)
    told = Preparation.from_dict(result["preparation"])
    assert told.fit == "crop"
    assert told.normalisation == Normalisation((255,), (-1,), "metadata")


def test_bgr_and_imagenets_crop_can_be_asked_for(evaluate, found, pictures):
    """Red and blue change places; of a wide picture whose middle is green, that is seen."""
    for number in range(4):
        wide = Image.new("RGB", (40, 10), "red")
        wide.paste("green", (15, 0, 25, 10))
        wide.save(pictures / "green" / f"{number}.png")
    words = ("--prepare", "fit=crop,crop_from=10", "--prepare", "channel_order=BGR")
    result = found(*words)
    right = {name: share["correct"] for name, share in result["by_class"].items()}
    assert right == {"red": 0, "green": 4, "blue": 0}
    told = Preparation.from_dict(result["preparation"])
    assert (told.fit, told.crop_from, told.channel_order) == ("crop", 10, "BGR")
    status, _, err = evaluate(*words, "--fit", "letterbox")
    assert (status, "crop_from 10 goes with fit 'crop'" in err) == (2, True)


def test_what_cannot_be_prepared_is_bad_usage(evaluate, capsys):
    with pytest.raises(SystemExit) as ended:
        evaluate("--prepare", "fit=cover")
    assert ended.value.code == 2
    assert "squash or letterbox or crop" in capsys.readouterr().err


def test_an_order_of_classes_that_nothing_tells_is_told(evaluate, model):
    status, _, err = evaluate()
    assert (status, "alphabetical" in err) == (0, False)
    model.with_name("labels.txt").unlink()
    status, out, err = evaluate()
    assert status == 0
    assert "in alphabetical order (blue, green, red, ...); --labels" in err
    assert "10 of 11" not in out


def test_the_card_beside_a_copy_names_the_classes(evaluate, pictures, tmp_path):
    """As of a network that was trained on pictures of one's own."""
    ours = artifact("patch_separable", "int8")
    for path in (ours.path, ours.card_path):
        shutil.copy(path, tmp_path)
    shutil.rmtree(pictures)
    (pictures / "Pear Red").mkdir(parents=True)
    answered = ours.require_card().canary.top1.index(CLASS_NAMES.index("Pear Red"))
    Image.fromarray(canary_images()[answered]).save(pictures / "Pear Red" / "1.png")
    status, out, err = evaluate(path=tmp_path / ours.path.name)
    assert (status, "alphabetical" in err) == (0, False)
    assert "1 of 1 right" in out


def test_pictures_of_a_label_that_two_classes_have_are_left_out(evaluate, model, pictures):
    model.with_name("labels.txt").write_text("crane\ngreen\ncrane\n")
    (pictures / "blue").rename(pictures / "crane")
    (pictures / "red").rename(pictures / "0")
    status, out, err = evaluate()
    assert status == 0
    assert "6 of 7 right" in out
    assert "left out: 4 pictures of 'crane'" in err


def test_names_of_any_letters_are_printed_in_any_locale(model, pictures):
    (pictures / "blue").rename(pictures / "Ж")
    model.with_name("labels.txt").write_text("red\ngreen\nЖ\n", encoding="utf-8")
    done = python(
        "-m", "models", "evaluate", "--model", model, "--images", pictures, "--runtime", "litert",
        PYTHONIOENCODING="latin-1",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert r"\u0416" in done.stdout


def test_the_size_that_a_file_leaves_open_can_be_named(evaluate, model):
    model.write_bytes(colour_classifier((-1, -1, -1, 3)))
    status, _, err = evaluate()
    assert (status, "name them with --input-shape" in err) == (2, True)
    status, out, _ = evaluate("--input-shape", "1x7x9x3", "--reference", model, runtime=None)
    assert (status, "10 of 11 right" in out) == (0, True)


def test_a_batch_that_is_open_is_of_one_picture(evaluate, model):
    """As in every file that Keras' converter makes of a model without a batch size."""
    model.write_bytes(colour_classifier((-1, 8, 8, 3)))
    status, out, _ = evaluate(runtime=None)
    assert (status, "10 of 11 right" in out) == (0, True)


def test_what_cannot_be_read_is_wrong_for_a_bound(evaluate, model, pictures, tmp_path):
    """10 of 11 that could be read are right, and one could not; of a table two are missing."""
    status, _, err = evaluate("--min-accuracy", "0.85")
    assert status == 1
    assert "83.33% with unreadable pictures as wrong, below 85.00%" in err
    assert evaluate("--min-accuracy", "0.83")[0] == 0
    table = tmp_path / "table.csv"
    table.write_text("pictures/red/0.png,red\nnone.png,red\nnone2.png,blue\n")
    for bound, status in (("0.34", 1), ("0.33", 0)):
        assert evaluate("--images", table, "--min-accuracy", bound)[0] == status


def test_answers_are_compared_where_both_gave_one(evaluate, pictures, tmp_path):
    """A picture that only one of two inputs takes is no part of the comparison."""
    other = tmp_path / "large.tflite"
    other.write_bytes(colour_classifier((1, 9, 9, 3)))
    Image.new("RGB", (3000, 1), "red").save(pictures / "red" / "0.png")
    assert "the same class for 11 of 11" in evaluate("--reference", other)[1]


def test_confusions_are_drawn_and_the_summary_stays_beside_json(evaluate, tmp_path):
    picture = tmp_path / "confusion.png"
    status, out, _ = evaluate("--picture", picture, "--json", tmp_path / "out.json")
    assert (status, "10 of 11 right" in out) == (0, True)
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_whatever_escapes_is_one_line(monkeypatch, capsys):
    from models.commands import list as command

    monkeypatch.setattr(command, "read_records", lambda directory: {}["nothing"])
    assert main(["list"]) == 2
    assert capsys.readouterr().err.startswith("error: KeyError: 'nothing' (")


def test_what_is_no_classifier_is_not_called_one(evaluate, tmp_path):
    path = tmp_path / "sum.tflite"
    path.write_bytes(SUM)
    status, _, err = evaluate(path=path, runtime=None)
    assert (status, "is no classifier of pictures: it takes 2 inputs" in err) == (2, True)


@pytest.mark.parametrize(
    "option", [["--min-accuracy", "1"], ["--json"], ["--mean", "3"], ["--labels", "x"]]
)
def test_what_would_do_nothing_is_refused(option, capsys):
    assert main(["evaluate", "patch_separable", *option]) == 2
    assert f"{option[0]} goes with --model and --images" in capsys.readouterr().err


def test_photographs_beside_pictures_are_refused(evaluate):
    status, _, err = evaluate("--data", "x")
    assert (status, "--data goes without --model" in err) == (2, True)


def test_answers_that_are_no_numbers_are_told(evaluate, tmp_path):
    """The logarithm of a mean below zero."""
    path = tmp_path / "nan.tflite"
    path.write_bytes(colour_classifier(last="LOG"))
    status, out, err = evaluate("--mean", "300", path=path)
    assert status == 0
    assert "0 of 11 right" in out
    assert "NaN" in err


def test_a_model_without_pictures_is_bad_usage(model, capsys):
    assert main(["evaluate", "--model", str(model)]) == 2
    assert "--model and --images go together" in capsys.readouterr().err


def test_one_value_that_a_sigmoid_made_tells_two_classes(evaluate, pictures, tmp_path):
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
    shutil.rmtree(pictures)
    for name in ("black", "white"):
        (pictures / name).mkdir(parents=True)
        Image.new("L", (9, 9), name).save(pictures / name / "0.png")
    (tmp_path / "labels.txt").unlink()
    words = ("--mean", "127.5", "--std", "50")
    status, out, _ = evaluate(*words, path=tmp_path / "two.tflite")
    assert (status, "2 of 2 right" in out) == (0, True)
    status, _, err = evaluate(*words, path=tmp_path / "raw.tflite")
    assert (status, "which no sigmoid made" in err) == (2, True)


def test_a_bad_file_costs_the_others_nothing(evaluate, found, tmp_path):
    (tmp_path / "bad.tflite").write_bytes(b"no model")
    result = found(path=tmp_path, status=2)
    assert (result["model"], result["top_1"]["correct"]) == ("colours", 10)
    assert "bad.tflite: not a .tflite file" in evaluate(path=tmp_path)[2]
