"""Records of runs: what is kept, what it came from; and the baseline, the nearest by colours."""

import shutil

import numpy as np
import pytest

from models.files.artifacts import ArtifactError
from models.training import records
from models.training.records import (
    pack,
    read_record,
    read_records,
    record_path,
    unpack,
    write_record,
)
from models.training.runs import histograms, nearest_labels
from tests.models.judging.test_seeds import record
from tests.processes import git


@pytest.mark.parametrize("count", [1, 7, 8, 9, 5_399])
def test_answers_are_kept_bit_for_bit(count):
    right = np.random.default_rng(count).random(count) < 0.9
    np.testing.assert_array_equal(unpack(pack(right), count), right)


def test_a_record_is_read_as_it_was_written(tmp_path):
    written = record([1, 0, 1], ["a/", "a/", "b/r"])
    write_record(written, tmp_path)
    assert read_records(tmp_path) == [written]
    assert written.groups == {"a/": (1, 2), "b/r": (1, 1)}


def test_a_damaged_record_is_named(tmp_path):
    path = record_path("net", tmp_path)
    with pytest.raises(ArtifactError, match="missing"):
        read_record(path)
    path.parent.mkdir()
    for content in ("{", "[]", "{}", '{"format": 2}', '{"format": 3}'):
        path.write_text(content)
        with pytest.raises(ArtifactError, match=r"net\.json"):
            read_record(path)


@pytest.fixture
def repository(tmp_path, monkeypatch):
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    monkeypatch.setattr(records, "ROOT", tmp_path)
    (tmp_path / "models" / "artifacts").mkdir(parents=True)
    (tmp_path / "models" / "code.py").write_text("as committed")
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "-m", "First")
    return tmp_path


def test_the_state_of_the_code_can_be_found_again(repository):
    """Also where the commits were written anew."""
    state = records.state_of_the_code()
    assert state["commit"] == git(repository, "rev-parse", "HEAD")
    git(repository, "commit", "--quiet", "--amend", "-m", "Rewritten")
    assert state["tree"] == git(repository, "rev-parse", "HEAD:models")


@pytest.mark.parametrize("file", ["code.py", "new.py"])
def test_a_state_that_nobody_has_is_not_named(repository, file):
    (repository / "models" / file).write_text("changed")
    assert records.state_of_the_code()["tree"] is None


def test_what_a_training_writes_is_no_change(repository):
    state = records.state_of_the_code()
    (repository / "models" / "artifacts" / "net.png").write_text("drawn anew")
    assert records.state_of_the_code() == state


def test_without_a_repository_it_is_unknown(tmp_path, monkeypatch):
    monkeypatch.setattr(records, "ROOT", tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert records.state_of_the_code() == {"commit": None, "tree": None}


def test_versions_are_of_what_is_installed():
    found = records.versions(("numpy", "no-such-package"))
    assert found["numpy"] == np.__version__
    assert found.keys() == {"python", "system", "numpy"}


def _picture(*colours):
    """A picture of these colours, 16 pixels of each, in an order of its own."""
    pixels = np.repeat(np.array(colours, np.uint8), 16, axis=0)
    return np.random.default_rng(len(colours)).permutation(pixels).reshape(-1, 4, 3)


def test_a_histogram_counts_shares_of_8x8x8_colours():
    counts = histograms(np.stack([_picture((0, 0, 0), (31, 0, 0), (32, 0, 0), (255, 255, 255))]))
    assert counts.shape == (1, 512)
    assert counts[0, 0] == 0.5
    assert counts[0, 64] == 0.25
    assert counts[0, 511] == 0.25


def test_a_picture_has_the_label_of_the_nearest_colours_wherever_they_are():
    red, green, blue = (200, 0, 0), (0, 200, 0), (0, 0, 200)
    learnt = np.stack([_picture(red, red), _picture(green, green), _picture(blue, blue)])
    asked = np.stack([_picture(green, green), _picture(blue, blue), _picture(red, red)])[:, ::-1]
    labels = nearest_labels(learnt, np.array([7, 8, 9]), asked)
    assert labels.tolist() == [8, 9, 7]
