"""A study: its trials, wherever they are run, and the loop that adds to them.

Source: Akiba et al., "Optuna: A next-generation hyperparameter optimization framework", arXiv
1907.10902, section 3, for studies, storages and how processes share them.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NoReturn, TypeVar

import optuna
import psutil
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, Trial, TrialState

from models.search.errors import SearchError
from models.search.sampler import SeededByNumber

MOST_FAILURES = 3
MOST_REJECTIONS = 300
"""With no measured trial in between; then more proposals will not mend what is wrong."""

START_S = 60
"""By then a trial's process has said who it is."""

Point = TypeVar("Point")


@dataclass(frozen=True)
class Counts:
    """How many trials a study has.

    Attributes:
        finished: were measured.
        rejected: were not worth measuring.
        failed: ended with an error, or with their process.
        running: are being measured now, by any process.
    """

    finished: int
    rejected: int
    failed: int
    running: int

    @classmethod
    def of(cls, study: optuna.Study) -> Counts:
        """Count them."""
        states = [trial.state for trial in study.get_trials(deepcopy=False)]
        return cls(
            states.count(TrialState.COMPLETE),
            states.count(TrialState.PRUNED),
            states.count(TrialState.FAIL),
            states.count(TrialState.RUNNING),
        )


def open_study(storage: BaseStorage, name: str, identity: dict[str, Any]) -> optuna.Study:
    """Open or begin a study, and give up the trials that died with their process.

    Args:
        storage: of `models.search.storage.open_storage`.
        name: of the study within the storage.
        identity: what all its trials have in common, as JSON has it: trials that differ in it
            could not be compared.

    Raises:
        SearchError: the study was begun with another identity, or by another program.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(
        storage=storage,
        study_name=name,
        directions=["maximize", "minimize"],  # accuracy, latency
        load_if_exists=True,
    )
    begun_with = study.user_attrs.get("identity")
    if begun_with is None and not study.get_trials(deepcopy=False):
        study.set_user_attr("identity", identity)
    elif begun_with != identity:
        raise SearchError(
            f"study {name!r} was begun with {_difference(begun_with or {}, identity)}: "
            "give the same again, or another --study or --storage"
        )
    _give_up_abandoned(study)
    return study


def run(
    study: optuna.Study,
    propose: Callable[[Trial], Point],
    evaluate: Callable[[Trial, Point], tuple[float, float]],
    *,
    trials: int,
    seed: int,
    may_begin: Callable[[], bool] = lambda: True,
    on_end: Callable[[FrozenTrial], None] = lambda trial: None,
) -> None:
    """Add trials to the study until it has enough, each kept as soon as it ends.

    Other processes may do the same at the same time. A point that was measured already, or is
    being measured, is rejected. An error of `evaluate` ends its trial only.

    Args:
        study: of `open_study`.
        propose: asks a trial for the values of a point.
        evaluate: returns (accuracy, latency); may call `reject`.
        trials: finished trials that the study shall have in all.
        seed: of the proposals.
        may_begin: asked before each trial.
        on_end: called after each trial, whatever became of it.

    Raises:
        SearchError: only failures or only rejections, many times in a row.
    """

    def objective(trial: Trial) -> tuple[float, float]:
        trial.set_user_attr("process", _this_process())
        point = propose(trial)
        twin = _twin(study, trial)
        if twin is not None:
            reject(trial, f"the same as trial {twin}")
        try:
            return evaluate(trial, point)
        except optuna.TrialPruned:
            raise
        except BaseException as error:
            trial.set_user_attr("reason", f"{type(error).__name__}: {error}".rstrip(": "))
            raise

    study.sampler = SeededByNumber(seed)
    fruitless = _Fruitless()

    def ended(study: optuna.Study, trial: FrozenTrial) -> None:
        fruitless.count(trial)
        on_end(trial)

    while may_begin():
        counts = Counts.of(study)
        if counts.finished + counts.running >= trials:
            break
        study.optimize(objective, n_trials=1, catch=(Exception,), callbacks=[ended])
        fruitless.stop_if_hopeless()


def reject(trial: Trial, reason: str, excess: float | None = None) -> NoReturn:
    """End a trial that is not worth measuring.

    Args:
        trial: it.
        reason: kept with it.
        excess: by how much it exceeds a budget; the sampler learns to keep within.
    """
    trial.set_user_attr("reason", reason)
    if excess is not None:
        trial.set_constraint("budget", excess)
    raise optuna.TrialPruned(reason)


def _twin(study: optuna.Study, trial: Trial) -> int | None:
    states = (TrialState.COMPLETE, TrialState.RUNNING)
    for other in study.get_trials(deepcopy=False, states=states):
        if other.number < trial.number and other.params == trial.params:
            return other.number
    return None


class _Fruitless:
    """Counts the trials since the last one that was measured."""

    def __init__(self) -> None:
        self._failures = self._rejections = 0
        self._reason = ""

    def count(self, trial: FrozenTrial) -> None:
        self._reason = trial.user_attrs.get("reason", "")
        if trial.state == TrialState.FAIL:
            self._failures += 1
        elif trial.state == TrialState.PRUNED:
            self._rejections += 1
        else:
            self._failures = self._rejections = 0

    def stop_if_hopeless(self) -> None:
        if self._failures >= MOST_FAILURES:
            raise SearchError(f"{self._failures} trials in a row failed, the last: {self._reason}")
        if self._rejections >= MOST_REJECTIONS:
            raise SearchError(
                f"{self._rejections} proposals in a row were rejected, the last because it is "
                f"{self._reason}: the space within the budget may be exhausted; "
                "raise --max-parameters"
            )


def _this_process() -> dict[str, Any]:
    process = psutil.Process(os.getpid())
    return {"host": platform.node(), "pid": process.pid, "created": process.create_time()}


def _give_up_abandoned(study: optuna.Study) -> None:
    """End the trials whose process was killed: the sampler would wait for them for ever.

    Of another machine's processes nothing is known here; a database hears their heartbeat.
    """
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        if _is_abandoned(trial):
            study.tell(trial.number, state=TrialState.FAIL, skip_if_finished=True)


def _is_abandoned(trial: FrozenTrial) -> bool:
    process = trial.user_attrs.get("process")
    if process is None:
        started = trial.datetime_start
        return started is not None and (datetime.now() - started).total_seconds() > START_S
    if process["host"] != platform.node():
        return False
    try:
        created = psutil.Process(process["pid"]).create_time()
    except psutil.NoSuchProcess:
        return True
    # Another process may have been given the number since.
    return abs(created - process["created"]) > 1


def _difference(begun_with: dict[str, Any], identity: dict[str, Any]) -> str:
    """Name what differs, and the values where they are short."""
    if not begun_with:
        return "another program"
    differing = [key for key in identity if begun_with.get(key) != identity[key]]
    return " and ".join(
        f"{key} {begun_with.get(key)} in place of {identity[key]}"
        if isinstance(identity[key], (int, float))
        else f"another {key}"
        for key in differing
    )
