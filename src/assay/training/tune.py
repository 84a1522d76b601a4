# SPDX-License-Identifier: Apache-2.0
"""The search for hyperparameters, with Optuna and a journal from which a killed search resumes.

A setting depends only on the seed, its number and the scores before it, so that a resumed search draws what an
unbroken one would have drawn.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, TrialState

from assay.config.tuning import Range, TuningParams
from assay.provenance.records import EndsAs

MOST_AT_RANDOM = 10
"""The most settings that TPE draws at random before it uses scores."""
DIRECTIONS: dict[str, Literal["maximize", "minimize"]] = {"maximise": "maximize", "minimise": "minimize"}
FINISHED = (TrialState.COMPLETE, TrialState.PRUNED)
REASON = "reason"

Setting = dict[str, Any]
"""Values by key of the search's space."""


@dataclass(frozen=True)
class Trial:
    """A setting that was tried."""

    setting: Setting
    score: float | None
    """The validation score; None if the trial failed."""
    reason: str = ""
    """Why it failed."""


def search(
    tuning: TuningParams,
    score: Callable[[Setting], float],
    *,
    direction: str,
    seed: int,
    journal: Path,
    identity: str,
) -> list[Trial]:
    """Try settings and return all trials, in order.

    A trial that diverges, or whose values do not fit each other (a ValueError), counts as worse than all others.

    Args:
        score: returns the score of a setting.
        direction: of the score, ``maximise`` or ``minimise``.
        journal: the file that holds finished trials, in an existing folder; no other process may use it.
        identity: names everything that the trials depend on; those of another search in the journal are ignored.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        study_name=identity,
        storage=JournalStorage(_opened(journal)),
        direction=DIRECTIONS[direction],
        load_if_exists=True,
    )
    for interrupted in study.get_trials(states=(TrialState.RUNNING,)):
        study.tell(interrupted.number, state=TrialState.FAIL)
    space = {key: _distribution(values) for key, values in tuning.space.items()}
    for number in range(len(study.get_trials(states=FINISHED)), tuning.trials):
        study.sampler = _sampler(tuning, seed, number)
        trial = study.ask(space)
        found, reason = _tried(score, _setting(tuning, trial.params))
        if found is None:
            trial.set_user_attr(REASON, reason)
            study.tell(trial, state=TrialState.PRUNED)
        else:
            study.tell(trial, found)
    return [_trial(tuning, each) for each in study.get_trials(states=FINISHED)]


def best(trials: list[Trial], direction: str) -> int:
    """Return the number of the best trial, from 0; the first of equals.

    Raises:
        ValueError: every trial failed; one line.
    """
    scored = {number: trial.score for number, trial in enumerate(trials) if trial.score is not None}
    if not scored:
        raise ValueError(f"tuning: all {len(trials)} trials failed; the first: {trials[0].reason}")
    choose = max if direction == "maximise" else min
    return choose(scored, key=scored.__getitem__)


def _opened(journal: Path) -> JournalFileBackend:
    """Open a journal after removing what a killed process left: its lock, and half a line."""
    lock = journal.with_name(f"{journal.name}.lock")
    lock.unlink(missing_ok=True)
    if journal.exists():
        whole = journal.read_bytes()
        journal.write_bytes(whole[: whole.rfind(b"\n") + 1])
    return JournalFileBackend(str(journal))


def _distribution(values: Range | list[Any]) -> BaseDistribution:
    if not isinstance(values, Range):
        return CategoricalDistribution(
            range(len(values))
        )  # a value may be a list, which Optuna does not store
    if isinstance(values.low, int) and isinstance(values.high, int):
        return IntDistribution(values.low, values.high, log=values.log)
    return FloatDistribution(values.low, values.high, log=values.log)


def _sampler(tuning: TuningParams, seed: int, number: int) -> optuna.samplers.BaseSampler:
    """Return a new sampler for each trial: Optuna does not keep the state of its random numbers in the journal."""
    own = int(np.random.SeedSequence([seed, number]).generate_state(1)[0])
    if tuning.sampler == "random":
        return optuna.samplers.RandomSampler(seed=own)
    at_random = min(MOST_AT_RANDOM, math.ceil(tuning.trials / 2))
    return optuna.samplers.TPESampler(seed=own, n_startup_trials=at_random)


def _setting(tuning: TuningParams, drawn: dict[str, Any]) -> Setting:
    return {
        key: drawn[key] if isinstance(values, Range) else values[drawn[key]]
        for key, values in tuning.space.items()
    }


def _tried(score: Callable[[Setting], float], setting: Setting) -> tuple[float | None, str]:
    try:
        found = score(setting)
    except (EndsAs, ValueError) as error:
        return None, " ".join(str(error).split()) or type(error).__name__
    return (found, "") if math.isfinite(found) else (None, f"its score is {found}")


def _trial(tuning: TuningParams, found: FrozenTrial) -> Trial:
    setting = _setting(tuning, found.params)
    return Trial(setting, found.value, str(found.user_attrs.get(REASON, "")))
