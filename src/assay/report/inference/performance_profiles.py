# SPDX-License-Identifier: Apache-2.0
"""Performance profiles: the share of a family's runs whose normalised score is above a threshold, over tasks.

Where one curve lies above another at every threshold, runs of that family are better in distribution. Families are
drawn together on the tasks on which all of them have results and whose scale is known (``normalised.py``); each task
counts the same, and on it each model. The bands are pointwise 95% intervals of the hierarchical bootstrap of
``task_scores.py``, over tasks, models, runs and test items: each by itself, at one threshold. Nothing is said of fewer
than ``FEWEST_TASKS`` tasks or of families with fewer than ``FEWEST_MODELS`` models.

Source: Agarwal et al., "Deep Reinforcement Learning at the Edge of the Statistical Precipice", NeurIPS 2021,
https://arxiv.org/abs/2108.13264 (section 4.2; as its run-score distributions, with a bootstrap of more levels).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from assay.report.inference import task_scores
from assay.report.inference.normalised import Scale
from assay.report.inference.statistics import LEVEL, Array
from assay.report.inference.task_scores import FEWEST_MODELS, FEWEST_TASKS, Scores

THRESHOLDS = np.linspace(0, 1, 41)
"""Normalised scores: 0 is the best control, 1 the best score that is known to be possible."""


@dataclass(frozen=True)
class Profile:
    """A family's curve: at each of the thresholds the share of runs above it, with its pointwise interval."""

    family: str
    models: tuple[str, ...]
    shares: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


@dataclass(frozen=True)
class Profiles:
    """The curves of families on their common tasks."""

    tasks: tuple[str, ...]
    families: tuple[Profile, ...]


def profiles(
    scores: Scores, drawn: Scores, families: Mapping[str, Sequence[str]], scales: Mapping[str, Scale]
) -> tuple[Profiles, ...]:
    """Return the profiles of each largest set of families with enough common tasks.

    Args:
        drawn: by model, by task: bootstrap samples of the runs (B, R).
        families: their models.
        scales: of the tasks with normalised scores.
    """
    found: dict[tuple[str, ...], tuple[tuple[str, ...], dict[str, tuple[str, ...]]]] = {}
    for tasks in _common_tasks(scores, families, scales):
        members = {
            family: tuple(name for name in models if any(task in scores[name] for task in tasks))
            for family, models in families.items()
            if set(tasks) <= _tasks(scores, models)
        }
        members = {family: models for family, models in members.items() if len(models) >= FEWEST_MODELS}
        if len(members) > 1:
            found.setdefault(tuple(members), (tasks, members))
    return tuple(
        Profiles(
            tasks,
            tuple(
                _profile(scores, drawn, family, models, tasks, scales) for family, models in members.items()
            ),
        )
        for tasks, members in found.values()
    )


def _common_tasks(
    scores: Scores, families: Mapping[str, Sequence[str]], scales: Mapping[str, Scale]
) -> list[tuple[str, ...]]:
    """Return the different sets of enough tasks that two families have in common, larger ones first."""
    found: dict[tuple[str, ...], None] = {}
    for one, other in combinations(families.values(), 2):
        common = _tasks(scores, one) & _tasks(scores, other)
        tasks = tuple(task for task in scales if task in common)
        if len(tasks) >= FEWEST_TASKS:
            found[tasks] = None
    return sorted(found, key=len, reverse=True)


def _tasks(scores: Scores, models: Sequence[str]) -> set[str]:
    return {task for name in models for task in scores[name]}


def _profile(
    scores: Scores,
    drawn: Scores,
    family: str,
    models: Sequence[str],
    tasks: Sequence[str],
    scales: Mapping[str, Scale],
) -> Profile:
    rng = np.random.default_rng(0)
    weights = task_scores.draw_models(len(models), rng)  # (B, K)
    once = np.ones((1, len(models)))
    shares = np.stack(
        [_above(scores, models, task, scales[task], once)[0] for task in tasks]
    )  # (T, thresholds)
    samples = np.stack([_above(drawn, models, task, scales[task], weights) for task in tasks])
    samples = np.where(np.isnan(samples), shares[:, None], samples)  # (T, B, thresholds)
    freedom = max(min(len(tasks), len(models)) - 1, 1)
    mean = shares.mean(axis=0)
    ends = [
        task_scores.interval(float(share), samples[:, :, place], freedom, LEVEL, rng)
        for place, share in enumerate(mean)
    ]
    low, high = zip(*ends, strict=True)
    return Profile(family, tuple(models), tuple(mean.tolist()), low, high)


def _above(scores: Scores, models: Sequence[str], task: str, scale: Scale, weights: Array) -> Array:
    """Return the share (B, thresholds) of the models' runs above each threshold; nan if none of them is in a sample.

    Args:
        scores: of runs (R,), for B = 1, or of bootstrap samples of them (B, R); larger is better.
        weights: (B, K) how often each model counts.
    """
    sign = 1 if scale.one > scale.zero else -1
    bounds = sign * (scale.zero + THRESHOLDS * (scale.one - scale.zero))
    total, number = np.zeros((len(weights), len(THRESHOLDS))), np.zeros((len(weights), 1))
    for place, name in enumerate(models):
        if task not in scores[name]:
            continue
        runs = np.atleast_2d(scores[name][task])
        above = np.stack([(runs > bound).mean(axis=1) for bound in bounds], axis=1)
        total += weights[:, place, None] * above
        number += weights[:, place, None]
    return np.where(number > 0, total / np.maximum(number, 1), np.nan)
