# SPDX-License-Identifier: Apache-2.0
"""Models and families across tasks: mean ranks, their critical difference, and probabilities of improvement.

A probability of improvement has an interval from a hierarchical bootstrap: tasks are resampled, then the models of each
family (the same ones on every task, since a model that is good on one task is often good on others), then the runs of
each model, and each run's score varies as it would on other test items. With few tasks a percentile interval is far too
short, and none at all if one side wins everywhere. So the interval is that of Student's t with the bootstrap's standard
error, with one degree of freedom less than there are tasks or, if they are fewer, models, around a mean to which a
task that is won and one that is lost are added (as Agresti and Coull do with a proportion). All statements of a report
have 95% coverage together. Nothing is said of fewer than ``FEWEST_TASKS`` tasks, nor of a family with fewer than
``FEWEST_MODELS`` models, and no mean ranks are shown on which Nemenyi's test could not find any difference.

Sources: Demšar, "Statistical Comparisons of Classifiers over Multiple Data Sets", JMLR 2006,
https://jmlr.org/papers/v7/demsar06a.html (Friedman's test, Nemenyi's critical difference); Agarwal et al., "Deep
Reinforcement Learning at the Edge of the Statistical Precipice", NeurIPS 2021, https://arxiv.org/abs/2108.13264
(probability of improvement); Agresti, Coull, "Approximate is Better than Exact for Interval Estimation of Binomial
Proportions", 1998; Saravanan et al., "Application of the hierarchical bootstrap to multi-level data in neuroscience",
2020.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from assay.paths import UNCOMPRESSED
from assay.report.inference.statistics import DRAWS, LEVEL, Array
from assay.report.results.summaries import Summary

Scores = Mapping[str, Mapping[str, Array]]
"""By model, by task: the primary metric of each run, with its sign changed if less is better."""
Items = Mapping[tuple[str, str], float]
"""By task and model: the variance of a mean score over test items."""
FEWEST_TASKS, FEWEST_MODELS = 5, 2
UNKNOWN: Items = MappingProxyType({})


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

    @property
    def is_even(self) -> bool:
        """Whether the interval contains 0.5."""
        return self.low <= 0.5 <= self.high


@dataclass(frozen=True)
class Across:
    """The comparison over all tasks; without controls and compressed models."""

    rankings: tuple[Ranking, ...]
    """One per group of tasks with the same models."""
    models: tuple[Improvement, ...]
    """In each ranking, each model compared with the next one."""
    families: tuple[Improvement, ...]
    """The pairs of families with enough tasks and models."""
    silent: int = 0
    """The number of other pairs of families that share a task: too few tasks or models for a statement."""


def compare(summaries: Sequence[Summary], items: Items = UNKNOWN) -> Across:
    """Compare models and families across tasks, by the primary metric on the test items.

    Args:
        items: for the part of the variance that comes from test items; where it is unknown, that part is 0.
    """
    plain = [each for each in summaries if each.method == UNCOMPRESSED and not each.control]
    models: dict[str, dict[str, Array]] = defaultdict(dict)
    families: dict[str, list[str]] = defaultdict(list)
    requested: dict[str, set[str]] = defaultdict(set)
    for each in plain:
        requested[each.task.name].add(each.model.name)
        runs = _runs(each)
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
    drawn = _drawn(models, items)
    neighbours = [
        Sides(one, other, (one,), (other,), ranking.tasks)
        for ranking in rankings
        for one, other in zip(ranking.models, ranking.models[1:], strict=False)
        if len(ranking.tasks) >= FEWEST_TASKS
    ]
    sides = [
        Sides(one, other, tuple(families[one]), tuple(families[other]), shared)
        for one, other in combinations(families, 2)
        if (shared := _shared(models, families[one], families[other]))
    ]
    known = [each for each in sides if each.is_enough(models)]
    return Across(
        tuple(rankings),
        tuple(improvement(models, each, drawn, len(neighbours)) for each in neighbours),
        tuple(improvement(models, each, drawn, len(known)) for each in known),
        len(sides) - len(known),
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

    def is_enough(self, scores: Scores) -> bool:
        """Return whether there are enough tasks, and on them enough models of each, for a statement."""
        members = (
            [name for name in side if any(task in scores[name] for task in self.tasks)]
            for side in (self.ours, self.theirs)
        )
        return len(self.tasks) >= FEWEST_TASKS and all(len(each) >= FEWEST_MODELS for each in members)


def _shared(scores: Scores, ours: Sequence[str], theirs: Sequence[str]) -> tuple[str, ...]:
    """Return the tasks on which both sides have results."""
    tasks = dict.fromkeys(task for name in ours for task in scores[name])
    return tuple(task for task in tasks if any(task in scores[name] for name in theirs))


def _runs(summary: Summary) -> Array:
    """Return the primary metric of each finished run (R,), with its sign changed if less is better."""
    task = summary.task
    sign = 1 if task.direction == "maximise" else -1
    values = (variant.metrics.get("test", {}).get(task.primary) for variant in summary.finished)
    return np.array([sign * value for value in values if value is not None])


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
    found = [_won(scores, sides, task) for task in sides.tasks]
    probability = float(np.mean([won[~np.isnan(won)].mean() for won in found]))
    if probability < 0.5:
        turned = Sides(sides.other, sides.one, sides.theirs, sides.ours, sides.tasks)
        return improvement(scores, turned, drawn, comparisons)
    rng = np.random.default_rng(0)
    weights = [
        rng.multinomial(len(side), np.full(len(side), 1 / len(side)), DRAWS)
        for side in (sides.ours, sides.theirs)
    ]
    wins = np.stack([_drawn_wins(drawn, sides, task, weights) for task in sides.tasks])  # (tasks, B)
    number = len(sides.tasks) + 2
    wins = np.concatenate([wins, np.zeros((1, DRAWS)), np.ones((1, DRAWS))])
    chosen = rng.integers(number, size=(number, DRAWS))
    means = np.take_along_axis(wins, chosen, axis=0).mean(axis=0)
    error = means.std(ddof=1) * np.sqrt(number / (number - 1))
    members = len(sides.ours) + len(sides.theirs) - 2 or len(sides.tasks)
    freedom = max(min(len(sides.tasks) - 1, members), 1)
    reach = float(stats.t.isf(LEVEL / max(comparisons, 1) / 2, freedom) * error)
    middle = (probability * len(sides.tasks) + 1) / number
    low, high = max(middle - reach, 0.0), min(max(middle + reach, probability), 1.0)
    return Improvement(sides.one, sides.other, probability, low, high, sides.tasks, comparisons)


def _won(scores: Scores, sides: Sides, task: str) -> Array:
    """Return the share of pairs of runs that each of our models wins against each of theirs; nan without results."""
    return np.array(
        [
            [
                _wins(scores[one][task], scores[other][task])
                if task in scores[one] and task in scores[other]
                else np.nan
                for other in sides.theirs
            ]
            for one in sides.ours
        ]
    )


def _wins(ours: Array, theirs: Array) -> float:
    """Return the share of pairs of runs that ours win; ties count half."""
    return float((np.sign(ours[:, None] - theirs).mean() + 1) / 2)


def _drawn(scores: Scores, items: Items) -> dict[str, dict[str, Array]]:
    """Return bootstrap samples (B, R) of the runs of each model on each task, on other test items."""
    rng = np.random.default_rng(0)
    found: dict[str, dict[str, Array]] = {}
    for model, of_tasks in scores.items():
        found[model] = {}
        for task, runs in of_tasks.items():
            noise = np.sqrt(items.get((task, model), 0.0)) * rng.normal(size=(DRAWS, 1))
            found[model][task] = runs[rng.integers(len(runs), size=(DRAWS, len(runs)))] + noise
    return found


def _drawn_wins(drawn: Scores, sides: Sides, task: str, weights: Sequence[NDArray[np.int64]]) -> Array:
    """Return the share of pairs (B,) that our side wins on a task, for each bootstrap sample."""
    total, number = np.zeros(DRAWS), np.zeros(DRAWS)
    for place, one in enumerate(sides.ours):
        for other_place, other in enumerate(sides.theirs):
            if task not in drawn[one] or task not in drawn[other]:
                continue
            ours, theirs = drawn[one][task], drawn[other][task]
            won = (np.sign(ours[:, :, None] - theirs[:, None]).mean(axis=(1, 2)) + 1) / 2
            weight = weights[0][:, place] * weights[1][:, other_place]
            total += weight * won
            number += weight
    return np.where(number > 0, total / np.maximum(number, 1), 0.5)
