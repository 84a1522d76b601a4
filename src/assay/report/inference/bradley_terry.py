# SPDX-License-Identifier: Apache-2.0
"""Ratings of models across tasks: a Bradley-Terry model of which model's run wins on a task, on Elo's scale.

Model i beats model j with probability s_i / (s_i + s_j). Each task counts once for each pair of models: by the share of
pairs of runs that each wins, where a tie is half a win. Ratings are 1000 + 400 log10 of the strengths, which maximise
the likelihood and have the geometric mean 1: 400 points more are odds of 10 to 1. A model that always wins would have
an infinite rating, so each pair that met has also tied ``PRIOR`` of a task.

Only pairs with ``FEWEST_TASKS`` tasks in common are counted, and models have one scale if such pairs connect them.
The bars come from the hierarchical bootstrap of ``task_scores.py`` (tasks, runs, test items), with Student's t around
ratings for which two tied tasks are added, since a bootstrap of a model that always wins would have no width.

Sources: Bradley, Terry, "Rank Analysis of Incomplete Block Designs", Biometrika 1952; Hunter, "MM algorithms for
generalized Bradley-Terry models", Annals of Statistics 2004 (likelihood, and when it has a maximum).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy import stats
from scipy.sparse.csgraph import connected_components
from scipy.special import expit

from assay.report.inference import task_scores
from assay.report.inference.statistics import DRAWS, LEVEL, Array
from assay.report.inference.task_scores import FEWEST_TASKS, Scores

PRIOR = 0.1
"""The tied tasks of each pair that met. A model that wins 5 of 5 tasks is then 802 points above the other."""
TIED = 2
"""The tied tasks that are added for the bars."""
MIDDLE, POINTS = 1000.0, 400 / np.log(10)
"""The rating of a model of strength 1, and points per unit of log strength."""
MOST_STEPS, LONGEST_STEP, PRECISION = 100, 1.0, 1e-9


@dataclass(frozen=True)
class Rating:
    """A model's rating and its 95% interval, by itself; relative to the other models of its ratings."""

    model: str
    rating: float
    low: float
    high: float
    tasks: int
    """The number of tasks on which it met another model."""


@dataclass(frozen=True)
class Ratings:
    """The ratings of models that are connected by pairs with enough tasks in common, best first."""

    tasks: tuple[str, ...]
    models: tuple[Rating, ...]


def rate(scores: Scores, drawn: Scores) -> tuple[Ratings, ...]:
    """Return the ratings of each set of connected models; none for models without ``FEWEST_TASKS`` common tasks.

    Args:
        drawn: by model, by task: bootstrap samples of the runs (B, R).
    """
    names = list(scores)
    met = np.zeros((len(names), len(names)), dtype=bool)
    for first, second in combinations(range(len(names)), 2):
        common = scores[names[first]].keys() & scores[names[second]].keys()
        met[first, second] = met[second, first] = len(common) >= FEWEST_TASKS
    number, labels = connected_components(met, directed=False)
    sets = [np.flatnonzero(labels == label) for label in range(number)]
    return tuple(
        _rate(scores, drawn, [names[place] for place in places], met[np.ix_(places, places)])
        for places in sets
        if len(places) > 1
    )


def strengths(wins: Array) -> Array:
    """Return the logarithms of the strengths (..., K), with mean 0, that maximise the likelihood of wins (..., K, K).

    Every model must be connected with every other one by wins and losses. Newton's method with limited steps; the
    likelihood is concave.
    """
    models = wins.shape[-1]
    played = wins + np.swapaxes(wins, -1, -2)
    found = np.zeros(wins.shape[:-1])
    for _ in range(MOST_STEPS):
        chance = expit(found[..., :, None] - found[..., None, :])
        gradient = (wins - played * chance).sum(axis=-1)
        weight = played * chance * (1 - chance)
        curvature = weight.sum(axis=-1)[..., None] * np.eye(models) - weight + 1 / models
        step = np.linalg.solve(curvature, gradient[..., None])[..., 0]
        longest = np.abs(step).max(axis=-1, keepdims=True)
        found += step * np.minimum(1, LONGEST_STEP / np.maximum(longest, PRECISION))
        if longest.max() < PRECISION:
            break
    centred: Array = found - found.mean(axis=-1, keepdims=True)
    return centred


def _rate(scores: Scores, drawn: Scores, names: Sequence[str], met: Array) -> Ratings:
    tasks = list(dict.fromkeys(task for name in names for task in scores[name]))
    pairs = [(one, other) for one, other in combinations(range(len(names)), 2) if met[one, other]]
    prior = met * PRIOR / 2
    wins = prior + sum(_won(scores, names, pairs, task)[0] for task in tasks)
    point = strengths(wins)
    middle = strengths(wins + TIED / 2 * met)
    pool = len(tasks) + TIED
    rng = np.random.default_rng(0)
    chosen = rng.multinomial(pool, np.full(pool, 1 / pool), DRAWS)  # (B, T + 2)
    resampled = prior + chosen[:, len(tasks) :].sum(axis=1)[:, None, None] / 2 * met
    for place, task in enumerate(tasks):
        resampled = resampled + chosen[:, place, None, None] * _won(drawn, names, pairs, task)
    error = strengths(resampled).std(axis=0, ddof=1) * np.sqrt(pool / (pool - 1))
    numbers = [len(_met_on(scores, names, pairs, place)) for place in range(len(names))]
    reach = stats.t.isf(LEVEL / 2, np.array(numbers) - 1) * error
    low, high = np.minimum(middle - reach, point), np.maximum(middle + reach, point)
    ends = (MIDDLE + POINTS * each for each in (point, low, high))
    found = [
        Rating(name, float(rating), float(lowest), float(highest), number)
        for name, rating, lowest, highest, number in zip(names, *ends, numbers, strict=True)
    ]
    used = {task for place in range(len(names)) for task in _met_on(scores, names, pairs, place)}
    best_first = sorted(found, key=lambda each: (-each.rating, each.model))
    return Ratings(tuple(task for task in tasks if task in used), tuple(best_first))


def _met_on(scores: Scores, names: Sequence[str], pairs: Sequence[tuple[int, int]], place: int) -> set[str]:
    """Return the tasks on which a model met another one."""
    mine = [pair for pair in pairs if place in pair]
    return {task for one, other in mine for task in scores[names[one]].keys() & scores[names[other]].keys()}


def _won(scores: Scores, names: Sequence[str], pairs: Sequence[tuple[int, int]], task: str) -> Array:
    """Return the share of pairs of runs that each model wins against each other on a task, (B, K, K); 0 without any.

    Args:
        scores: of runs (R,), for B = 1, or of bootstrap samples of them (B, R).
    """
    runs = {
        place: np.atleast_2d(scores[name][task]) for place, name in enumerate(names) if task in scores[name]
    }
    draws = max((len(each) for each in runs.values()), default=1)
    found = np.zeros((draws, len(names), len(names)))
    for one, other in pairs:
        if one in runs and other in runs:
            won = task_scores.drawn_wins(runs[one], runs[other])
            found[:, one, other], found[:, other, one] = won, 1 - won
    return found
