"""`python -m models search`, from the photographs to the picture."""

from __future__ import annotations

import csv
import json
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

optuna = pytest.importorskip("optuna", reason="Optuna is not installed")
pytest.importorskip("keras", reason="TensorFlow is not installed")

from models import fruits360, provenance  # noqa: E402
from models.__main__ import main  # noqa: E402
from models.architectures.patch_separable import SHAPE, Block, Shape  # noqa: E402
from models.artifacts import artifact  # noqa: E402
from models.commands.search_command import DIRECTORY, REFERENCE  # noqa: E402
from models.search import picture, records, trial  # noqa: E402
from models.search.latency import Latency  # noqa: E402
from models.search.space import Candidate  # noqa: E402
from models.search.study import open_study, run  # noqa: E402
from models.search.trial import Effort, Outcome, resized  # noqa: E402

ROOT = Path(__file__).parents[2]
PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def search(small_dataset, tmp_path):
    def search(*arguments):
        return main(
            [
                "search", "--epochs", "1", "--rounds", "2", "--fruits360", str(small_dataset),
                "--storage", str(tmp_path / "journal.log"), "--output", str(tmp_path / "found"),
                *arguments,
            ]
        )  # fmt: skip

    return search


@pytest.fixture
def found(tmp_path):
    return lambda: json.loads((tmp_path / "found" / "trials.json").read_text())["trials"]


@pytest.fixture
def instant(monkeypatch):
    """Trials that take no time; returns the seeds and candidates that they were run with."""
    runs = []

    def run_at_once(candidate, training, reference, effort, seed, on_step):
        runs.append((seed, candidate))
        width = sum(block.filters for block in candidate.shape.blocks)
        latency = Latency(width / 1000, width / 10, 100.0)
        return Outcome((width % 100,), (100,), latency, 4 * width)

    monkeypatch.setattr(trial, "run", run_at_once)
    return runs


def test_real_trials_are_measured_kept_and_drawn(search, found, tmp_path, capsys):
    assert search("--trials", "2") == 0
    first, *others = found()
    assert Candidate.from_dict(first["candidate"]) == Candidate(fruits360.SIDE, SHAPE)
    finished = [row for row in (first, *others) if row["state"] == "finished"]
    assert len(finished) == 2
    for row in finished:
        assert row["parameters"] <= 10_000
        assert row["file_bytes"] > 4 * row["parameters"] * 0.8  # norms are folded away
        assert row["asked"] == [40]
        assert row["accuracy"] == sum(row["correct"]) / 40
        assert row["latency_ratio"] == row["invoke_us"] / row["reference_us"]
        assert row["seconds"] > 0
        assert {"python", "keras", "optuna"} < row["versions"].keys()
        assert row["commit"] == provenance.commit()
    assert any(row["is_on_front"] for row in finished)
    with (tmp_path / "found" / "trials.csv").open(newline="") as file:
        assert [int(row["number"]) for row in csv.DictReader(file)] == [
            row["number"] for row in found()
        ]
    assert (tmp_path / "found" / "accuracy-latency.png").read_bytes()[:8] == PNG
    assert "</svg>" in (tmp_path / "found" / "accuracy-latency.svg").read_text()
    assert "2 trials finished" in capsys.readouterr().out


def test_a_trial_can_be_repeated_from_its_seed(small_dataset):
    training = fruits360.load("Training", small_dataset)
    candidate = Candidate(24, Shape(8, 8, (Block(8, 2),)))
    weights = []
    for seed in (5, 5, 6):
        learnt = np.ones(len(training), bool)
        images = resized(training.images, candidate.side)
        model = trial._trained(
            candidate, images, training.labels, learnt, Effort(2, 1, 1), seed, lambda: None
        )
        weights.append(np.concatenate([each.ravel() for each in model.get_weights()]))
    np.testing.assert_allclose(weights[0], weights[1], rtol=1e-4, atol=1e-6)
    assert np.abs(weights[0] - weights[2]).max() > 0.01


def test_only_the_arcs_that_were_not_learnt_are_asked_about(small_dataset, monkeypatch):
    training = fruits360.load("Training", small_dataset)
    seen = []

    def pretend(candidate, images, labels, learnt, effort, seed, on_step):
        seen.append(learnt)
        raise StopIteration

    monkeypatch.setattr(trial, "_trained", pretend)
    candidate = Candidate(24, Shape(8, 8, (Block(8),)))
    with pytest.raises(StopIteration):
        trial.run(candidate, training, artifact(*REFERENCE), Effort(1, 1, 1), 1)
    (learnt,) = seen
    assert learnt.sum() == 40
    assert set(training.labels[learnt]) == set(training.labels[~learnt]) == set(range(20))


def test_turns_that_are_too_short_for_a_fold_are_refused(search, small_dataset, monkeypatch):
    monkeypatch.setattr(trial, "_trained", lambda *arguments: None)
    monkeypatch.setattr(trial, "_correct", lambda *arguments: 0)
    training = fruits360.load("Training", small_dataset)
    candidate = Candidate(24, Shape(8, 8, (Block(8),)))
    with pytest.raises(fruits360.DatasetError, match="too short to hold out fold 1"):
        trial.run(candidate, training, artifact(*REFERENCE), Effort(1, 2, 1), 1)


def test_what_is_over_the_budget_is_never_trained(search, found, instant, capsys):
    assert search("--trials", "8", "--max-parameters", "6000") == 0
    rows = found()
    finished = [row for row in rows if row["state"] == "finished"]
    rejected = [row for row in rows if row["state"] == "rejected"]
    assert len(instant) == len(finished) == 8
    assert all(row["parameters"] <= 6000 for row in finished)
    assert rejected
    for row in rejected:
        assert row["parameters"] > 6000
        assert row["reason"] == "over the budget of 6,000 parameters"
    # Each trial's seed follows from its number.
    assert [seed for seed, _ in instant] == [360 + row["number"] for row in finished]
    assert [row["seed"] for row in finished] == [seed for seed, _ in instant]


def test_it_goes_on_where_it_stopped(search, found, instant):
    assert search("--trials", "3") == 0
    before = found()
    assert search("--trials", "5") == 0
    assert len(instant) == 5
    assert len({str(candidate) for _, candidate in instant}) == 5
    # What is on the front may change.
    for one, other in zip(before, found(), strict=False):
        assert one | {"is_on_front": None} == other | {"is_on_front": None}


@pytest.mark.usefixtures("ctrl_c")
def test_ctrl_c_keeps_the_finished_trials_in_one_line(search, found, instant, monkeypatch, capsys):
    at_once = trial.run

    def interrupt_third(*arguments):
        if len(instant) == 2:
            signal.raise_signal(signal.SIGINT)
        return at_once(*arguments)

    monkeypatch.setattr(trial, "run", interrupt_third)
    assert search("--trials", "9") == 130
    *_, line = capsys.readouterr().err.strip().splitlines()
    assert line.startswith("interrupted; finished trials are kept in ")
    monkeypatch.setattr(trial, "run", at_once)
    assert search("--trials", "3") == 0
    assert [row["state"] for row in found()].count("finished") == 3
    assert len(instant) == 3


def test_time_that_is_up(search, found, instant):
    assert search("--max-minutes", "1e-9") == 0
    assert [row["state"] for row in found()] == ["waiting"]
    assert instant == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--max-parameters", "100"], "the smallest network of the search space has"),
        (["--storage", "nosuchdatabase://host/x"], "cannot be used as a search's storage"),
        (["--storage", __file__], "is not a search's journal"),
        (["--fruits360", "/nowhere"], "python -m models download"),
    ],
)
def test_bad_input_is_one_line(search, instant, capsys, arguments, message):
    assert search(*arguments) == 1
    err = capsys.readouterr().err
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert message in err


@pytest.mark.parametrize(
    "arguments",
    [["--trials", "0"], ["--folds", "6"], ["--max-minutes", "nan"], ["--max-parameters", "-5"]],
)
def test_nonsense_is_bad_usage(search, capsys, arguments):
    with pytest.raises(SystemExit) as stopped:
        search(*arguments)
    assert stopped.value.code == 2
    assert repr(arguments[1]) in capsys.readouterr().err


def test_a_study_with_another_effort_is_refused(search, instant, capsys):
    assert search("--trials", "1") == 0
    assert search("--trials", "1", "--epochs", "2") == 1
    assert "begun with epochs 1 in place of 2" in capsys.readouterr().err
    assert search("--trials", "1", "--epochs", "2", "--study", "other") == 0


def test_other_commands_do_not_import_the_search():
    code = (
        "import sys; from models.__main__ import main; main(['list'])\n"
        "loaded = {name.partition('.')[0] for name in sys.modules}\n"
        "assert not loaded & {'optuna', 'psutil', 'tensorflow', 'matplotlib'}\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True)


def test_trials_are_not_committed():
    ignored = (DIRECTORY.parent / ".gitignore").read_text().splitlines()
    assert f"{DIRECTORY.name}/" in ignored


class TestFront:
    @pytest.fixture
    def drawn(self):
        """A study of given (accuracy, latency), as records."""

        def drawn(values):
            left = iter(values)

            def evaluate(proposed, _):
                accuracy, ratio = next(left)
                outcome = Outcome((round(2000 * accuracy),), (2000,), Latency(ratio, 1, 1), 1)
                proposed.set_user_attr("candidate", Candidate(64, SHAPE).to_dict())
                proposed.set_user_attr("parameters", 9000 + proposed.number)
                proposed.set_user_attr("outcome", outcome.to_dict())
                return accuracy, ratio

            study = open_study(optuna.storages.InMemoryStorage(), "s", {"epochs": 1})
            run(
                study, lambda each: each.suggest_int("x", 0, 10**9), evaluate,
                trials=len(values), seed=1,
            )  # fmt: skip
            return records.records(study)

        return drawn

    def test_holds_what_nothing_beats_from_fast_to_accurate(self, drawn):
        rows = drawn([(0.9, 0.2), (0.99, 0.3), (0.9, 0.3), (0.8, 0.1), (0.99, 0.31)])
        assert [row.number for row in records.front(rows)] == [3, 0, 1]

    @pytest.mark.parametrize("values", [[(1.0, 0.2)], [(0.0, 0.2)], [(1.0, 0.1), (0.05, 0.01)]])
    def test_can_be_drawn_at_the_limits(self, drawn, values, tmp_path):
        picture.draw(drawn(values), "reference", [tmp_path / "front.png"])
        assert (tmp_path / "front.png").read_bytes()[:8] == PNG
