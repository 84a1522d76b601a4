# SPDX-License-Identifier: Apache-2.0
"""Models and families across tasks: mean ranks, their critical difference, and probabilities of improvement.

A probability of improvement has an interval from a hierarchical bootstrap over tasks, models, runs and test items
(``task_scores.py``); the models of a family are resampled once for all tasks, since a model that is good on one task is
often good on others. The degrees of freedom are one less than there are tasks or, if they are fewer, models. All
statements of a report have 95% coverage together. An interval of two families contains 0.5 unless a permutation test
of their models (``exchange.py``) says that they differ: a bootstrap of few models is too sure where models differ more
than tasks do. Nothing is said of fewer than ``FEWEST_TASKS`` tasks, nor of families with so few models that this test
could not find any difference, and no mean ranks are shown on which Nemenyi's test could not find any.

Rows whose hyperparameters were searched have had more trials than rows with fixed ones, so they are compared among
themselves only.

Sources: Demšar, "Statistical Comparisons of Classifiers over Multiple Data Sets", JMLR 2006,
https://jmlr.org/papers/v7/demsar06a.html (Friedman's test, Nemenyi's critical difference); Agarwal et al., "Deep
Reinforcement Learning at the Edge of the Statistical Precipice", NeurIPS 2021, https://arxiv.org/abs/2108.13264
(probability of improvement).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from types import MappingProxyType

import numpy as np
from scipy import stats

from assay.paths import UNCOMPRESSED
from assay.report.inference import bradley_terry, exchange, performance_profiles, task_scores
from assay.report.inference.bradley_terry import Ratings
from assay.report.inference.normalised import Scale
from assay.report.inference.performance_profiles import Profiles
from assay.report.inference.statistics import DRAWS, LEVEL, Array
from assay.report.inference.task_scores import FEWEST_MODELS, FEWEST_TASKS, UNKNOWN, Items, Scores
from assay.report.results.summaries import Summary

UNSCALED: Mapping[str, Scale] = MappingProxyType({})


@dataclass(frozen=True)
class Ranking:
    """The mean ranks of models over tasks on which all of them have results; 1 is the best rank."""

    tasks: tuple[str, ...]
    models: tuple[str, ...]
    """In the order of their mean ranks, best first."""
    ranks: tuple[float, ...]
    """The mean rank of each model over the tasks; on each, equal means share a rank."""
    p: float | None
    """The p-value of Friedman's test that all are equal; None for two models, for which there is no such test."""
    critical_difference: float
    """Mean ranks that differ by less are not significantly different, at 0.05 for all pairs together."""
    cliques: tuple[tuple[str, ...], ...]
    """The largest sets of at least two models that are not significantly different."""
    left_out: tuple[str, ...]
    """Models without a result on some of the tasks."""


@dataclass(frozen=True)
class Improvement:
    """The probability that a run of a model of one is better than one of the other, averaged over tasks; ties count
    half."""

    better: str
    worse: str
    probability: float
    """0.5 or more."""
    low: float
    """The ends of its simultaneous interval over tasks, models, runs and items: 95% for all statements of its kind."""
    high: float
    tasks: tuple[str, ...]
    comparisons: int
    """How many statements the interval is corrected for."""
    p: float | None = None
    """The p-value of the permutation test of two families, before that correction; None for two models."""

    @property
    def is_even(self) -> bool:
        """Whether the interval contains 0.5."""
        return self.low <= 0.5 <= self.high


@dataclass(frozen=True)
class Across:
    """The comparison over all tasks of rows that are alike in tuning; without controls and compressed models."""

    rankings: tuple[Ranking, ...]
    """One per group of tasks with the same models."""
    models: tuple[Improvement, ...]
    """In each ranking, each model compared with the next one."""
    families: tuple[Improvement, ...]
    """The pairs of families with enough tasks and models."""
    silent: int = 0
    """The number of other pairs of families that share a task: too few tasks or models for a statement."""
    ratings: tuple[Ratings, ...] = ()
    """One per set of models that are connected by enough common tasks."""
    profiles: tuple[Profiles, ...] = ()
    """One per set of families with enough common tasks."""
    tuned: bool = False
    """Whether these are the rows whose hyperparameters were searched, rather than those with fixed ones."""


def compare_apart(
    summaries: Sequence[Summary], items: Items = UNKNOWN, scales: Mapping[str, Scale] = UNSCALED
) -> tuple[Across, ...]:
    """Return the comparison of the rows with fixed hyperparameters, and that of the tuned rows if there are any."""
    groups = ([each for each in summaries if each.tuned == tuned] for tuned in (False, True))
    fixed, tuned = (compare(group, items, scales) for group in groups)
    has_tuned = any(each.tuned for each in summaries)
    return (fixed, replace(tuned, tuned=True)) if has_tuned else (fixed,)


def compare(
    summaries: Sequence[Summary], items: Items = UNKNOWN, scales: Mapping[str, Scale] = UNSCALED
) -> Across:
    """Compare models and families across tasks, by the primary metric on the test items.

    Args:
        items: for the part of the variance that comes from test items; where it is unknown, that part is 0.
        scales: of the tasks with normalised scores.
    """
    plain = [each for each in summaries if each.method == UNCOMPRESSED and not each.control]
    models: dict[str, dict[str, Array]] = defaultdict(dict)
    families: dict[str, list[str]] = defaultdict(list)
    requested: dict[str, set[str]] = defaultdict(set)
    for each in plain:
        requested[each.task.name].add(each.model.name)
        runs = task_scores.runs_of(each)
        if len(runs):
            models[each.model.name][each.task.name] = runs
            if each.model.name not in families[each.model.family]:
                families[each.model.family].append(each.model.name)
    groups: dict[frozenset[str], list[str]] = defaultdict(list)
    for task, names in requested.items():
        groups[frozenset(names)].append(task)
    rankings = [
        ranking
        for names, tasks in groups.items()
        if (ranking := rank({name: models.get(name, {}) for name in sorted(names)}, tasks)) is not None
    ]
    drawn = task_scores.draw_runs(models, items)
    neighbours = [
        Sides(one, other, (one,), (other,), ranking.tasks)
        for ranking in rankings
        for one, other in zip(ranking.models, ranking.models[1:], strict=False)
        if len(ranking.tasks) >= FEWEST_TASKS
    ]
    sides = [
        side
        for one, other in combinations(families, 2)
        if (side := _sides(models, one, families[one], other, families[other])).tasks
    ]
    known = _testable(models, sides)
    return Across(
        tuple(rankings),
        tuple(improvement(models, each, drawn, len(neighbours)) for each in neighbours),
        tuple(improvement(models, each, drawn, len(known)) for each in known),
        len(sides) - len(known),
        bradley_terry.rate(models, drawn),
        performance_profiles.profiles(models, drawn, families, scales),
    )


@dataclass(frozen=True)
class Sides:
    """Two models, or two families, on the tasks on which both have results."""

    one: str
    other: str
    ours: tuple[str, ...]
    """The models of the first."""
    theirs: tuple[str, ...]
    tasks: tuple[str, ...]


def _testable(scores: Scores, sides: Sequence[Sides]) -> list[Sides]:
    """Return the pairs of families that the test could tell apart, corrected for as many pairs (Tarone)."""
    least = [_least_p_value(scores, each) for each in sides]
    for number in range(1, len(sides) + 1):
        kept = [each for each, p in zip(sides, least, strict=True) if p <= LEVEL / number]
        if len(kept) <= number:
            return kept
    return []


def _least_p_value(scores: Scores, sides: Sides) -> float:
    """Return the p-value of two families of which one is better everywhere; 1 if there is too little to compare."""
    if len(sides.tasks) < FEWEST_TASKS or min(len(sides.ours), len(sides.theirs)) < FEWEST_MODELS:
        return 1.0
    return exchange.least_p_value(len(sides.ours), _strata(scores, sides))


def _strata(scores: Scores, sides: Sides) -> list[int]:
    """Return the same number for models with results on the same tasks, ours first."""
    patterns = [frozenset(scores[name]).intersection(sides.tasks) for name in (*sides.ours, *sides.theirs)]
    numbers = {pattern: number for number, pattern in enumerate(dict.fromkeys(patterns))}
    return [numbers[pattern] for pattern in patterns]


def _sides(scores: Scores, one: str, ours: Sequence[str], other: str, theirs: Sequence[str]) -> Sides:
    """Return two families, each with its models that have results on tasks on which both have some."""
    tasks = _shared(scores, ours, theirs)
    mine, others = (
        tuple(name for name in side if any(task in scores[name] for task in tasks)) for side in (ours, theirs)
    )
    return Sides(one, other, mine, others, tasks)


def _shared(scores: Scores, ours: Sequence[str], theirs: Sequence[str]) -> tuple[str, ...]:
    """Return the tasks on which both sides have results."""
    tasks = dict.fromkeys(task for name in ours for task in scores[name])
    return tuple(task for task in tasks if any(task in scores[name] for name in theirs))


def rank(scores: Scores, tasks: Sequence[str]) -> Ranking | None:
    """Return the mean ranks over these tasks of the models that have scores on all of them; None if there are so few
    tasks or models that not even a model that is the best everywhere could be told from one that is the worst."""
    complete = [name for name, of_tasks in scores.items() if all(task in of_tasks for task in tasks)]
    if len(complete) < 2 or critical_difference(len(complete), len(tasks)) >= len(complete) - 1:
        return None
    means = np.array([[scores[name][task].mean() for name in complete] for task in tasks])  # (tasks, models)
    ranks = stats.rankdata(-means, axis=1)
    mean = ranks.mean(axis=0)
    order = np.argsort(mean, kind="stable")
    models = tuple(complete[place] for place in order)
    limit = critical_difference(len(complete), len(tasks))
    return Ranking(
        tuple(tasks),
        models,
        tuple(mean[order].tolist()),
        float(stats.friedmanchisquare(*ranks.T).pvalue) if len(complete) > 2 and np.ptp(ranks) else None,
        limit,
        _cliques(models, mean[order], limit),
        tuple(name for name in scores if name not in complete),
    )


def critical_difference(num_models: int, num_tasks: int) -> float:
    """Return Nemenyi's critical difference of mean ranks, at 0.05 for all pairs together."""
    quantile = stats.studentized_range.ppf(1 - LEVEL, num_models, np.inf) / np.sqrt(2)
    return float(quantile * np.sqrt(num_models * (num_models + 1) / (6 * num_tasks)))


def _cliques(models: Sequence[str], ranks: Array, limit: float) -> tuple[tuple[str, ...], ...]:
    """Return the largest sets of models, consecutive in their mean ranks, whose range is within the limit."""
    ends = np.searchsorted(ranks, ranks + limit, side="left")
    cliques = [
        tuple(models[start:end])
        for start, end in enumerate(ends.tolist())
        if end - start > 1 and (start == 0 or end > ends[start - 1])
    ]
    return tuple(cliques)


def improvement(scores: Scores, sides: Sides, drawn: Scores, comparisons: int) -> Improvement:
    """Return the probability that a run of a model of one side is better than one of the other.

    Args:
        drawn: by model, by task: bootstrap samples of the runs (B, R).
        comparisons: the number of statements that hold together.
    """
    won = _won(scores, sides)
    between = won[:, : len(sides.ours), len(sides.ours) :]
    probability = float(np.mean([task[~np.isnan(task)].mean() for task in between]))
    if probability < 0.5:
        turned = Sides(sides.other, sides.one, sides.theirs, sides.ours, sides.tasks)
        return improvement(scores, turned, drawn, comparisons)
    rng = np.random.default_rng(0)
    weights = [task_scores.draw_models(len(side), rng) for side in (sides.ours, sides.theirs)]
    wins = np.stack([_drawn_wins(drawn, sides, task, weights) for task in sides.tasks])  # (tasks, B)
    members = len(sides.ours) + len(sides.theirs) - 2 or len(sides.tasks)
    freedom = max(min(len(sides.tasks) - 1, members), 1)
    level = LEVEL / max(comparisons, 1)
    low, high = task_scores.interval(probability, wins, freedom, level, rng)
    p = exchange.p_value(won, len(sides.ours), _strata(scores, sides)) if won.shape[1] > 2 else None
    if p is not None and p > level:
        low = min(low, 0.5)
    return Improvement(sides.one, sides.other, probability, low, high, sides.tasks, comparisons, p)


def _won(scores: Scores, sides: Sides) -> Array:
    """Return the share of pairs of runs (T, K, K) that each model wins against each other, by task, ours first; nan
    without results."""
    names = (*sides.ours, *sides.theirs)
    won = np.full((len(sides.tasks), len(names), len(names)), np.nan)
    for place, task in enumerate(sides.tasks):
        for (first, one), (second, other) in combinations(enumerate(names), 2):
            if task in scores[one] and task in scores[other]:
                won[place, first, second] = task_scores.wins(scores[one][task], scores[other][task])
                won[place, second, first] = 1 - won[place, first, second]
    return won


def _drawn_wins(drawn: Scores, sides: Sides, task: str, weights: Sequence[Array]) -> Array:
    """Return the share of pairs (B,) that our side wins on a task, for each bootstrap sample."""
    total, number = np.zeros(DRAWS), np.zeros(DRAWS)
    for place, one in enumerate(sides.ours):
        for other_place, other in enumerate(sides.theirs):
            if task not in drawn[one] or task not in drawn[other]:
                continue
            won = task_scores.drawn_wins(drawn[one][task], drawn[other][task])
            weight = weights[0][:, place] * weights[1][:, other_place]
            total += weight * won
            number += weight
    return np.where(number > 0, total / np.maximum(number, 1), 0.5)
