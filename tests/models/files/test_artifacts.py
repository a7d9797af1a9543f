"""The committed files and their cards."""

import dataclasses
import json

import pytest

from models.data.fruits360 import CLASS_NAMES
from models.files import artifacts
from models.files.artifacts import PRECISIONS, Artifact, ArtifactError, artifact, user_model
from models.files.cards import Card, write_json
from models.preprocessing import Normalisation, Preparation
from models.training.records import keras_path, read_record
from models.zoo import ARCHITECTURES


@pytest.fixture
def copied(tmp_path):
    """A committed file and its card in a folder where they may be harmed."""
    original = artifact("mobilenet_v2", "int8")
    copy = artifact("mobilenet_v2", "int8", tmp_path)
    copy.path.write_bytes(original.path.read_bytes())
    copy.card_path.write_text(original.card_path.read_text())
    return copy


def test_every_file_is_what_its_card_says(architecture):
    keras_sha256 = artifacts.sha256(keras_path(architecture.name).read_bytes())
    for precision in PRECISIONS:
        file = artifact(architecture.name, precision)
        content, card = file.read_bytes(), file.require_card()
        assert (card.architecture, card.precision) == (architecture.name, precision)
        assert card.file_bytes == len(content)
        assert card.keras_sha256 == keras_sha256
        assert card.operators == file.details.operators
        assert (card.parameters, card.signature) == (file.details.parameters, "serving_default")
        assert card.labels == CLASS_NAMES
        assert card.multiply_accumulates == file.details.multiply_accumulates
        assert card.trained_parameters <= architecture.bounds.parameters
        assert file.details.precision == precision  # by the bytes alone


def test_nothing_lies_among_the_artifacts_that_no_row_of_the_table_owns():
    owned = {"labels.txt", "robustness.json", "runs"}
    for name in ARCHITECTURES:
        owned |= {f"{name}.{ending}" for ending in ("keras", "png")}
        for precision in PRECISIONS:
            owned |= {f"{name}-{precision}.{ending}" for ending in ("tflite", "json")}
    assert {path.name for path in artifacts.DIRECTORY.iterdir()} == owned
    runs = {path.name: path for path in (artifacts.DIRECTORY / "runs").iterdir()}
    records = [read_record(path) for path in runs.values()]
    assert {f"{record.name}.json" for record in records} == set(runs)
    assert {record.architecture for record in records} <= {*ARCHITECTURES, "colour_histogram"}


def test_all_artifacts_together_are_below_30_mb():
    assert sum(path.stat().st_size for path in artifacts.DIRECTORY.rglob("*")) < 30_000_000


def test_labels_lie_beside_the_files_in_the_order_of_the_outputs():
    lines = (artifacts.DIRECTORY / "labels.txt").read_text().splitlines()
    assert lines == list(CLASS_NAMES)


def test_a_card_survives_being_written_and_read(architecture):
    card = artifact(architecture.name, "float32").require_card()
    assert Card.from_json(card.to_json()) == card
    told = Preparation(fit="crop", crop_from=128, normalisation=Normalisation(1, 2, "card"))
    card = dataclasses.replace(card, preparation=told)
    assert Card.from_json(card.to_json()) == card


def test_the_card_beside_a_users_copy_tells_its_preparation(copied):
    told = Preparation(fit="letterbox", normalisation=Normalisation(127.5, 127.5, "card"))
    card = dataclasses.replace(copied.require_card(), preparation=told)
    own = user_model(copied.path)
    copied.card_path.write_text(card.to_json())
    assert own.stored_preparation == told
    copied.card_path.write_text(dataclasses.replace(card, sha256="of another").to_json())
    assert own.stored_preparation == Preparation()
    for other in ("[]", "{}", "no JSON"):  # a file of the user's own, by chance of the same name
        copied.card_path.write_text(other)
        assert own.stored_preparation == Preparation()


def test_a_damaged_card_beside_a_users_copy_is_told(copied):
    card = copied.require_card().to_json()
    copied.card_path.write_text(card[: card.index(copied.require_card().sha256) + 100])
    with pytest.raises(ArtifactError, match="not a card"):
        _ = user_model(copied.path).stored_preparation


@pytest.mark.parametrize(
    ("harm", "fault"),
    [
        (lambda content: b"", "is empty"),
        (lambda content: content[:-1000], "damaged"),
        (lambda content: content[:5000] + bytes([content[5000] ^ 1]) + content[5001:], "damaged"),
        (lambda content: b"GIF89a" + content, "not a .tflite file"),
    ],
    ids=["empty", "truncated", "one bit flipped", "other format"],
)
def test_a_harmed_file_is_refused_by_name(copied, harm, fault):
    copied.path.write_bytes(harm(copied.path.read_bytes()))
    with pytest.raises(ArtifactError, match=f"{copied.path.name}.*{fault}"):
        copied.read_bytes()


@pytest.mark.parametrize("harm", ["", "{", "{}", "[1]", '{"accuracy": 1}'])
def test_a_harmed_card_is_refused_by_name(copied, harm):
    copied.card_path.write_text(harm)
    with pytest.raises(ArtifactError, match=f"{copied.card_path.name}: not a card"):
        copied.read_bytes()


def test_what_is_missing_is_refused_by_name(copied):
    for path, fault in ((copied.card_path, "the card is missing"), (copied.path, "no such file")):
        path.unlink()
        with pytest.raises(ArtifactError, match=f"{path.name}: {fault}"):
            copied.read_bytes()


def test_a_users_file_needs_no_card(copied):
    copied.card_path.unlink()
    file = artifacts.user_model(copied.path)
    assert file == Artifact(copied.path, "mobilenet_v2-int8")
    assert file.describe()["file_bytes"] == copied.path.stat().st_size
    assert file.describe()["accuracy"] is None


def test_of_a_users_file_all_is_known_that_stands_in_it(copied, tmp_path):
    known, ours = artifacts.user_model(copied.path).describe(), copied.describe()
    for key in ("precision", "sha256", "file_bytes", "multiply_accumulates", "bytes_moved",
                "operator_count", "inputs", "outputs", "parameters"):  # fmt: skip
        assert known[key] == ours[key]
    assert known["inputs"][0].startswith("1x100x100x3 ")
    assert known["outputs"] == ["1x20 uint8"]
    assert known["trained_parameters"] is None


def test_json_has_a_line_for_each_field_and_each_row(tmp_path):
    data = {"a": [1, 2], "b": {"c": [[1, 2], [3, 4]]}, "d": {}}
    write_json(tmp_path / "x.json", data)
    text = (tmp_path / "x.json").read_text()
    assert json.loads(text) == data
    assert '  "a": [1, 2],\n' in text
    assert "      [1, 2],\n      [3, 4]\n" in text


def test_a_card_of_an_earlier_format_says_what_to_do(copied):
    fields = json.loads(copied.card_path.read_text())
    del fields["format"]
    copied.card_path.write_text(json.dumps(fields))
    with pytest.raises(ArtifactError, match="its format is 1, not 2: convert the network again"):
        copied.require_card()
