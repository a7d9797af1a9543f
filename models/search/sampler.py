"""Optuna's sampler, seeded anew for each trial.

A sampler that is seeded once begins again from its first proposal in each process; then a search
that is continued, or that two processes begin at once, proposes what was proposed already.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, TPESampler
from optuna.trial import FrozenTrial, TrialState

STARTUP_TRIALS = 24
"""Proposed at random, before the sampler has anything to go by."""


class SeededByNumber(BaseSampler):
    """A tree-structured Parzen estimator whose proposals follow from the seed, the trial's number
    and the trials before.

    Sources: Watanabe, "Tree-structured Parzen estimator", arXiv 2304.11127; Ozaki et al.,
    "Multiobjective tree-structured Parzen estimator", JAIR 73 (2022).
    """

    def __init__(self, seed: int):
        self._seed = seed
        self._sampler: BaseSampler = _estimator(seed, 0)

    def before_trial(self, study: optuna.Study, trial: FrozenTrial) -> None:
        """Seed the sampler for this trial."""
        self._sampler = _estimator(self._seed, trial.number)

    def infer_relative_search_space(
        self, study: optuna.Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """Ask the sampler of this trial."""
        return self._sampler.infer_relative_search_space(study, trial)

    def sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Ask the sampler of this trial."""
        return self._sampler.sample_relative(study, trial, search_space)

    def sample_independent(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """Ask the sampler of this trial."""
        return self._sampler.sample_independent(study, trial, param_name, param_distribution)

    def after_trial(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        state: TrialState,
        values: Sequence[float] | None,
    ) -> None:
        """Tell the sampler of this trial."""
        self._sampler.after_trial(study, trial, state, values)


def _estimator(seed: int, number: int) -> TPESampler:
    with warnings.catch_warnings():
        # That `group` may change is a reason to pin Optuna, which is done.
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return TPESampler(
            seed=int(np.random.SeedSequence([seed, number]).generate_state(1)[0]),
            n_startup_trials=STARTUP_TRIALS,
            multivariate=True,
            group=True,  # a shallow network has no width of a fifth block
            constant_liar=True,  # keeps away from what other processes are measuring
        )
