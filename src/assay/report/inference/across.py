# SPDX-License-Identifier: Apache-2.0
"""Models across tasks: mean ranks, their critical difference, and probabilities of improvement.

Sources: Demšar, "Statistical Comparisons of Classifiers over Multiple Data Sets", JMLR 2006,
https://jmlr.org/papers/v7/demsar06a.html (Friedman's test, Nemenyi's critical difference); Agarwal et al., "Deep
Reinforcement Learning at the Edge of the Statistical Precipice", NeurIPS 2021, https://arxiv.org/abs/2108.13264
(probability of improvement, with a bootstrap over runs within tasks, like its library rliable).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy import stats

from assay.paths import UNCOMPRESSED
from assay.report.inference.statistics import DRAWS, LEVEL, Array
from assay.report.results.summaries import Summary

Scores = Mapping[str, Mapping[str, Array]]
"""By model or family, by task: the primary metric of each run, with its sign changed if less is better."""


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
    """The probability that a run of one is better than a run of the other, averaged over tasks; ties count half."""

    better: str
    worse: str
    probability: float
    """0.5 or more."""
    low: float | None
    """The ends of its 95% interval over runs; None if each has one run per task."""
    high: float | None
    tasks: tuple[str, ...]


@dataclass(frozen=True)
class Across:
    """The comparison over all tasks; without controls and compressed models."""

    rankings: tuple[Ranking, ...]
    """One per group of tasks with the same models."""
    models: tuple[Improvement, ...]
    """In each ranking, each model compared with the next one."""
    families: tuple[Improvement, ...]
    """All pairs of families that share a task."""


def compare(summaries: Sequence[Summary]) -> Across:
    """Compare models and families across tasks, by the primary metric on the test items."""
    plain = [each for each in summaries if each.method == UNCOMPRESSED and not each.control]
    models: dict[str, dict[str, Array]] = defaultdict(dict)
    families: dict[str, dict[str, Array]] = defaultdict(dict)
    requested: dict[str, set[str]] = defaultdict(set)
    for each in plain:
        requested[each.task.name].add(each.model.name)
        runs = _runs(each)
        if len(runs):
            models[each.model.name][each.task.name] = runs
            family = families[each.model.family]
            family[each.task.name] = np.concatenate([family.get(each.task.name, runs[:0]), runs])
    groups: dict[frozenset[str], list[str]] = defaultdict(list)
    for task, names in requested.items():
        groups[frozenset(names)].append(task)
    rankings = [
        ranking
        for names, tasks in groups.items()
        if (ranking := rank({name: models.get(name, {}) for name in sorted(names)}, tasks)) is not None
    ]
    rng = np.random.default_rng(0)
    return Across(
        tuple(rankings),
        tuple(
            improvement(models, one, other, ranking.tasks, rng)
            for ranking in rankings
            for one, other in zip(ranking.models, ranking.models[1:], strict=False)
        ),
        tuple(
            improvement(families, one, other, shared, rng)
            for one, other in combinations(families, 2)
            if (shared := tuple(task for task in families[one] if task in families[other]))
        ),
    )


def _runs(summary: Summary) -> Array:
    """Return the primary metric of each finished run (R,), with its sign changed if less is better."""
    task = summary.task
    sign = 1 if task.direction == "maximise" else -1
    values = (variant.metrics.get("test", {}).get(task.primary) for variant in summary.finished)
    return np.array([sign * value for value in values if value is not None])


def rank(scores: Scores, tasks: Sequence[str]) -> Ranking | None:
    """Return the mean ranks over these tasks of the models that have scores on all of them; None if there are
    fewer than two tasks or two such models."""
    complete = [name for name, of_tasks in scores.items() if all(task in of_tasks for task in tasks)]
    if len(complete) < 2 or len(tasks) < 2:
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


def improvement(
    scores: Scores, one: str, other: str, tasks: Sequence[str], rng: np.random.Generator
) -> Improvement:
    """Return the probability that a run of one is better than a run of the other, over tasks with runs of both.

    Args:
        rng: resamples the runs for the interval.
    """
    pairs = [(scores[one][task], scores[other][task]) for task in tasks]
    probability = float(np.mean([_wins(ours, theirs) for ours, theirs in pairs]))
    if probability < 0.5:
        return improvement(scores, other, one, tasks, rng)
    low, high = None, None
    if any(len(ours) > 1 or len(theirs) > 1 for ours, theirs in pairs):
        drawn = np.mean([_drawn_wins(ours, theirs, rng) for ours, theirs in pairs], axis=0)
        low, high = np.quantile(drawn, [LEVEL / 2, 1 - LEVEL / 2]).tolist()
    return Improvement(one, other, probability, low, high, tuple(tasks))


def _wins(ours: Array, theirs: Array) -> float:
    """Return the share of pairs of runs that ours win, from Mann and Whitney's statistic."""
    return float(stats.mannwhitneyu(ours, theirs, method="asymptotic").statistic / (len(ours) * len(theirs)))


def _drawn_wins(ours: Array, theirs: Array, rng: np.random.Generator) -> Array:
    """Return the same share (B,) for bootstrap samples of the runs."""
    won = (np.sign(ours[:, None] - theirs) + 1) / 2
    first, second = (rng.multinomial(len(x), np.full(len(x), 1 / len(x)), DRAWS) for x in (ours, theirs))
    wins: Array = np.einsum("bi,ij,bj->b", first, won, second) / won.size
    return wins
