"""The study: it goes on where it stopped, is shared, and loses nothing."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

optuna = pytest.importorskip("optuna", reason="Optuna is not installed")

from models.search import study as study_module  # noqa: E402
from models.search.errors import SearchError  # noqa: E402
from models.search.storage import display_name, open_storage  # noqa: E402
from models.search.study import Counts, open_study, reject, run  # noqa: E402

ROOT = Path(__file__).parents[2]
IDENTITY = {"epochs": 8, "search space": {"sides": [50, 64]}}


def propose(trial):
    return trial.suggest_int("x", 0, 1000)


def evaluate(trial, x):
    return x / 1000, 1 + x / 500


@pytest.fixture
def location(tmp_path):
    return str(tmp_path / "journal.log")


@pytest.fixture
def open_again(location):
    """Open the study as a new process would."""
    return lambda **changes: open_study(open_storage(location), "s", {**IDENTITY, **changes})


def _finished(study):
    return study.get_trials(states=(optuna.trial.TrialState.COMPLETE,))


def test_a_search_that_is_run_again_goes_on_and_repeats_nothing(open_again):
    run(open_again(), propose, evaluate, trials=4, seed=1)
    measured = []

    def evaluate_and_note(trial, x):
        measured.append(x)
        return evaluate(trial, x)

    run(open_again(), propose, evaluate_and_note, trials=9, seed=1)
    study = open_again()
    assert len(measured) == 5
    assert len(_finished(study)) == 9
    assert len({trial.params["x"] for trial in _finished(study)}) == 9
    run(study, propose, evaluate_and_note, trials=9, seed=1)
    assert len(measured) == 5


def test_proposals_are_a_function_of_the_seed(tmp_path):
    def proposed(name, seed):
        study = open_study(open_storage(str(tmp_path / name)), "s", IDENTITY)
        run(study, propose, evaluate, trials=3, seed=seed)
        return [trial.params["x"] for trial in study.trials]

    assert proposed("a", 1) == proposed("b", 1) != proposed("c", 2)


def test_a_point_is_measured_once(open_again):
    measured = []

    def evaluate_and_note(trial, x):
        measured.append(x)
        return evaluate(trial, x)

    study = open_again()
    run(study, lambda trial: trial.suggest_int("x", 0, 3), evaluate_and_note, trials=4, seed=1)
    assert sorted(measured) == [0, 1, 2, 3]
    rejected = study.get_trials(states=(optuna.trial.TrialState.PRUNED,))
    assert rejected
    assert all("the same as trial" in trial.user_attrs["reason"] for trial in rejected)


def test_an_exhausted_space_ends_the_search(open_again, monkeypatch):
    monkeypatch.setattr(study_module, "MOST_REJECTIONS", 12)
    with pytest.raises(SearchError, match="12 proposals in a row were rejected"):
        run(open_again(), lambda trial: trial.suggest_int("x", 0, 1), evaluate, trials=3, seed=1)
    assert len(_finished(open_again())) == 2


def test_a_budget_teaches_the_sampler(open_again):
    def within_budget(trial, x):
        if x > 300:
            reject(trial, "over the budget", x - 300)
        return evaluate(trial, x)

    study = open_again()
    run(study, propose, within_budget, trials=30, seed=1)
    assert all(trial.params["x"] <= 300 for trial in _finished(study))
    late = [trial.params["x"] for trial in study.trials[-15:]]
    assert sum(x <= 300 for x in late) > 10  # by chance it would be three in ten


def test_an_error_ends_its_trial_and_is_kept(open_again):
    def fail_once(trial, x):
        if trial.number == 1:
            raise ValueError("no kernel for this")
        return evaluate(trial, x)

    study = open_again()
    run(study, propose, fail_once, trials=3, seed=1)
    assert Counts.of(study) == Counts(finished=3, rejected=0, failed=1, running=0)
    assert study.trials[1].user_attrs["reason"] == "ValueError: no kernel for this"


def test_errors_only_end_the_search(open_again):
    def fail(trial, x):
        raise OSError("disk full")

    with pytest.raises(SearchError, match="3 trials in a row failed, the last: OSError: disk"):
        run(open_again(), propose, fail, trials=9, seed=1)


def test_time_that_is_up_begins_no_trial(open_again):
    study = open_again()
    left = iter([True, True, False])
    run(study, propose, evaluate, trials=9, seed=1, may_begin=lambda: next(left))
    assert len(study.trials) == 2


class TestSeveralProcesses:
    """Real ones, of which each sees the others' trials in the storage only."""

    CODE = """
import sys, time
from tests.search.test_study import IDENTITY, evaluate
from models.search.storage import open_storage
from models.search.study import open_study, run

def propose(trial):
    return trial.suggest_int("x", 0, 10**9)

def slowly(trial, x):
    time.sleep(float(sys.argv[2]))
    return evaluate(trial, x)

study = open_study(open_storage(sys.argv[1]), "s", IDENTITY)
print("ready", flush=True)
run(study, propose, slowly, trials=12, seed=1)
"""

    @pytest.fixture
    def start(self, location):
        processes = []

        def start(seconds, location=location):
            process = subprocess.Popen(
                [sys.executable, "-c", self.CODE, location, str(seconds)],
                cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            )  # fmt: skip
            processes.append(process)
            return process

        yield start
        for process in processes:
            process.kill()
            process.communicate()

    @pytest.mark.parametrize("kind", ["journal", "sqlite"])
    def test_two_share_a_storage(self, start, tmp_path, kind):
        shared = str(tmp_path / "both.log")
        if kind == "sqlite":
            shared = f"sqlite:///{tmp_path}/both.db"
        study = open_study(open_storage(shared), "s", IDENTITY)
        for process in (start(0.2, shared), start(0.2, shared)):
            out = process.communicate(timeout=120)[0]
            assert process.returncode == 0, out
        # Both may see room for one more trial at the same moment.
        assert len(_finished(study)) in (12, 13)
        assert len({trial.user_attrs["process"]["pid"] for trial in study.trials}) == 2
        assert len({trial.params["x"] for trial in _finished(study)}) == len(_finished(study))

    def test_a_killed_process_leaves_nothing_behind_that_disturbs(self, start, open_again):
        study = open_again()
        process = start(60)
        assert process.stdout.readline() == "ready\n"
        running = []
        while not running:
            time.sleep(0.05)
            running = [
                trial
                for trial in study.get_trials(states=(optuna.trial.TrialState.RUNNING,))
                if "x" in trial.params
            ]
        assert Counts.of(open_again()).running == 1  # it lives, and is left alone
        process.kill()
        process.wait()
        study = open_again()
        assert Counts.of(study) == Counts(finished=0, rejected=0, failed=1, running=0)
        run(study, propose, evaluate, trials=2, seed=1)
        assert len(_finished(study)) == 2

    def test_a_process_number_that_was_given_away_again_is_not_mistaken(self, open_again):
        study = open_again()
        mine = study_module._this_process()
        study.ask().set_user_attr("process", mine)
        study.ask().set_user_attr("process", {**mine, "created": mine["created"] - 1000})
        study.ask().set_user_attr("process", {**mine, "host": "elsewhere", "pid": 2**22})
        open_again()
        states = [trial.state.name for trial in study.trials]
        assert states == ["RUNNING", "FAIL", "RUNNING"]


@pytest.mark.usefixtures("ctrl_c")
def test_ctrl_c_keeps_what_has_finished(open_again):
    def interrupt_third(trial, x):
        if trial.number == 2:
            signal.raise_signal(signal.SIGINT)
        return evaluate(trial, x)

    with pytest.raises(KeyboardInterrupt):
        run(open_again(), propose, interrupt_third, trials=9, seed=1)
    study = open_again()
    assert Counts.of(study) == Counts(finished=2, rejected=0, failed=1, running=0)
    assert study.trials[2].user_attrs["reason"] == "KeyboardInterrupt"


class TestWhatIsRefused:
    def test_another_effort_or_space(self, open_again):
        open_again()
        with pytest.raises(SearchError, match="begun with epochs 8 in place of 3"):
            open_again(epochs=3)
        with pytest.raises(SearchError, match="begun with another search space"):
            open_again(**{"search space": {"sides": [100]}})

    def test_a_study_of_another_program(self, location, open_again):
        other = optuna.create_study(
            storage=open_storage(location), study_name="s", directions=["maximize", "minimize"]
        )
        other.ask()
        with pytest.raises(SearchError, match="begun with another program"):
            open_again()

    @pytest.mark.parametrize(
        "content", [b"number,state\n0,finished\n", b"{}\n", b"[1]\n", b"\x89PNG", b'{"op_code": 0']
    )
    def test_a_file_that_is_no_journal_is_not_touched(self, tmp_path, content):
        file = tmp_path / "other"
        file.write_bytes(content)
        with pytest.raises(SearchError, match="is not a search's journal"):
            open_storage(str(file))
        assert file.read_bytes() == content

    @pytest.mark.parametrize(
        "location", ["nosuchdatabase://host/x", "sqlite:////nowhere/at/all.db", "://"]
    )
    def test_a_database_that_is_not_there(self, location):
        with pytest.raises(SearchError, match="cannot be used as a search's storage") as refused:
            open_storage(location)
        assert "\n" not in str(refused.value)

    def test_a_directory_is_no_file(self, tmp_path):
        with pytest.raises(SearchError, match="cannot be used as a search's storage"):
            open_storage(str(tmp_path))


def test_a_line_that_a_crash_left_unfinished_is_cut_off(location, open_again):
    run(open_again(), propose, evaluate, trials=2, seed=1)
    journal = Path(location)
    complete = journal.read_bytes()
    journal.write_bytes(complete + b'{"op_code":4,"work')
    study = open_again()
    assert journal.read_bytes()[: len(complete)] == complete
    run(study, propose, evaluate, trials=3, seed=1)
    assert len(_finished(open_again())) == 3


def test_a_password_is_not_shown():
    assert display_name("postgresql://me:secret@host/name") == "postgresql://host/name"
    assert display_name("a/b@c.log") == "a/b@c.log"
