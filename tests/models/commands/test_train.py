"""`python -m models train`, `seeds`: from photographs to records, networks and files."""

from dataclasses import dataclass, replace
from pathlib import Path

import pytest

keras = pytest.importorskip("keras", reason="TensorFlow is not installed")

from models import zoo  # noqa: E402
from models.__main__ import main  # noqa: E402
from models.commands.seeds import SEEDS, missing  # noqa: E402
from models.data import fruits360, splits  # noqa: E402
from models.data.tasks import fruits360_task  # noqa: E402
from models.files.artifacts import DIRECTORY, artifact, sha256  # noqa: E402
from models.judging.seeds import asked_about  # noqa: E402
from models.training.records import (  # noqa: E402
    REPORTED,
    keras_path,
    published_record,
    read_record,
    read_records,
    record_path,
)

pytestmark = pytest.mark.slow

NETWORK, OTHER = "patch_separable", "alexnet_separable"


@dataclass(frozen=True)
class Place:
    photographs: Path
    root: Path

    @property
    def artifacts(self) -> Path:
        return self.root / "artifacts"

    def main(self, command, *arguments):
        return main([
            command, *arguments, "--fruits360", str(self.photographs),
            "--artifacts", str(self.artifacts), "--checkpoints", str(self.root / "checkpoints"),
        ])  # fmt: skip

    def train(self, *arguments):
        return self.main("train", *arguments, "--epochs", "1")


@pytest.fixture(scope="module")
def place(tmp_path_factory, shared_small_dataset):
    return Place(shared_small_dataset, tmp_path_factory.mktemp("trained"))


@pytest.fixture(scope="module")
def published(place):
    """Two networks, trained on all of the small data set."""
    assert place.train(OTHER, NETWORK) == 0
    return place


@pytest.fixture(scope="module")
def other_series(published):
    """One of them, trained on the first series."""
    assert published.train(NETWORK, "--split", "other-series", "--seed", "5") == 0
    return read_record(record_path(f"{NETWORK}-other-series-seed5", published.artifacts))


def test_a_published_network_has_its_record_and_its_curve(published):
    record = published_record(NETWORK, published.artifacts)
    assert record.learnt["pictures"] == 80
    assert record.accuracy.images == 80
    assert record.accuracy.correct == record.right_answers().sum()
    assert len(record.history["accuracy"]) == 1
    path = keras_path(NETWORK, published.artifacts)
    assert record.keras_sha256 == sha256(path.read_bytes())
    model = keras.models.load_model(path)
    assert model.count_params() == record.trained_parameters
    assert not model.compiled  # no optimizer travels with it
    with (published.artifacts / f"{NETWORK}.png").open("rb") as picture:
        assert picture.read(8) == b"\x89PNG\r\n\x1a\n"
    test = asked_about(fruits360_task(str(published.photographs)), "whole")
    assert record.accuracy.fingerprint == test.fingerprint


def test_other_series_are_asked_about_and_not_learnt(other_series, place):
    training = fruits360.load("Training", place.photographs)
    assert other_series.learnt["fingerprint"] == splits.first_series(training).fingerprint
    asked = asked_about(fruits360_task(str(place.photographs)), "other-series")
    assert other_series.accuracy.fingerprint == asked.fingerprint
    assert {name.rpartition("/")[2] for name in other_series.groups} == {"r"}


@pytest.mark.parametrize("split", ["development", "arcs"])
def test_choices_are_not_made_on_reported_photographs(split, place, other_series):
    assert place.train("alexnet_separable", "--split", split, "--seed", "6") == 0
    record = read_record(record_path(f"alexnet_separable-{split}-seed6", place.artifacts))
    training = fruits360.load("Training", place.photographs)
    assert record.learnt["pictures"] + record.accuracy.images == len(training)
    if split == "development":
        assert not set(record.groups) & set(other_series.groups)
    assert record.accuracy.fingerprint != other_series.accuracy.fingerprint


def test_each_look_at_a_reported_figure_is_told(published, capsys):
    name = f"{OTHER}-whole-seed{zoo.PUBLISHED_SEED}"
    path = record_path(name, published.artifacts)
    kept = path.read_bytes()
    before = read_record(path)
    assert published.train(OTHER) == 0
    earlier = read_record(path).earlier
    path.write_bytes(kept)
    assert [look["accuracy"] for look in earlier] == [vars(before.accuracy)]


def test_what_was_trained_can_be_converted_and_agrees_with_its_card(published, capsys):
    data = ["--fruits360", str(published.photographs), "--artifacts", str(published.artifacts)]
    assert main(["convert", NETWORK, *data]) == 0
    for precision in ("float32", "float16", "dynamic", "int8"):
        file = artifact(NETWORK, precision, published.artifacts)
        assert file.require_card().accuracy.images == 80
        assert file.read_bytes()
    assert main(["evaluate", NETWORK, *data]) == 0
    assert capsys.readouterr().out.count("agrees") >= 4


def test_a_card_that_claims_more_than_is_measured_differs(published, capsys):
    data = ["--fruits360", str(published.photographs), "--artifacts", str(published.artifacts)]
    assert main(["convert", NETWORK, "--precision", "float32", *data]) == 0
    file = artifact(NETWORK, "float32", published.artifacts)
    card = file.require_card()
    false = replace(card.accuracy, correct=(card.accuracy.correct + 40) % 80)
    file.card_path.write_text(replace(card, accuracy=false).to_json())
    status = main(["evaluate", NETWORK, *data])
    file.card_path.write_text(card.to_json())
    assert status == 1
    assert "differs" in capsys.readouterr().out


def test_the_queue_is_what_has_no_record_of_the_recipe(tmp_path, published, monkeypatch):
    everything = list(missing(names := [OTHER, NETWORK], tmp_path))
    assert len(everything) == len(names) * (len(SEEDS) + 3)
    left = list(missing(names, published.artifacts))
    assert {*everything} - {*left} == {(name, "whole", zoo.PUBLISHED_SEED) for name in names}
    stronger = replace(zoo.find(OTHER), recipe={**zoo.find(OTHER).recipe, "strength": 0.7})
    monkeypatch.setitem(zoo.ARCHITECTURES, OTHER, stronger)
    assert {*missing(names, published.artifacts)} - {*left} == {(OTHER, "whole", 360)}


def test_seeds_are_summed_up_without_training(published, other_series, capsys):
    before = sorted(published.artifacts.rglob("*"))
    assert published.main("seeds", NETWORK) == 0
    assert sorted(published.artifacts.rglob("*")) == before
    assert f"{other_series.accuracy.fraction:.2%}" in capsys.readouterr().out


def test_committed_records_hold_the_recipe_and_all_answers(architecture):
    runs = [run for run in read_records() if run.architecture == architecture.name]
    assert published_record(architecture.name) in runs
    for run in runs:
        assert len(run.history["accuracy"]) == run.recipe["epochs"] == run.epochs["run"]
        assert tuple(run.task["classes"]) == fruits360.CLASS_NAMES
        assert run.right_answers().sum() == run.accuracy.correct
        assert sum(right for right, _ in run.groups.values()) == run.accuracy.correct
        asked, learnt = run.accuracy.images, run.learnt["pictures"]
        assert (learnt, asked) in {(10_046, 3_358), (4_647, 5_399), (5_399, 4_647)}


def test_seeds_of_a_network_have_the_recipe_of_the_table(architecture):
    """A mean over seeds is of one recipe; older records do not name what came later."""
    from models.training.learning import Recipe

    for run in read_records():
        if run.architecture == architecture.name and run.split in REPORTED:
            expected = vars(Recipe(seed=run.seed, **architecture.recipe))
            found = {"cut_mix": 0.0, "strength": 0.0, **run.recipe}
            assert {key: found[key] for key in expected} == expected, run.name


def test_classes_stand_in_one_order_everywhere():
    """The alphabet's, as the folders of a data set; a card's answers are numbered by it."""
    assert list(fruits360.CLASS_NAMES) == sorted(fruits360.CLASS_NAMES)
    labels = (DIRECTORY / "labels.txt").read_text(encoding="utf-8").splitlines()
    assert tuple(labels) == fruits360.CLASS_NAMES
