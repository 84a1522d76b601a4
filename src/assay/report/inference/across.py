# SPDX-License-Identifier: Apache-2.0
"""Models across tasks: mean ranks, how far these must lie apart to mean something, and who tends to win.

Sources: Demšar, "Statistical Comparisons of Classifiers over Multiple Data Sets", JMLR 2006,
https://jmlr.org/papers/v7/demsar06a.html (Friedman's test, Nemenyi's critical difference); Agarwal et al., "Deep
Reinforcement Learning at the Edge of the Statistical Precipice", NeurIPS 2021, https://arxiv.org/abs/2108.13264
(probability of improvement, with a bootstrap over runs within tasks, as its library rliable does).
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
"""By model or family, by task: the primary metric of each run, turned so that more is better."""


@dataclass(frozen=True)
class Ranking:
    """The mean ranks of models over tasks that all of them have results on; 1 is the best rank."""

    tasks: tuple[str, ...]
    models: tuple[str, ...]
    """The best mean rank first."""
    ranks: tuple[float, ...]
    """Of each model, the mean over the tasks; equal means share a rank."""
    p: float | None
    """Of Friedman's test that all are alike; None of two models, for which there is no such test."""
    critical_difference: float
    """Mean ranks that lie less far apart are not told apart, at 0.05 for all pairs together."""
    cliques: tuple[tuple[str, ...], ...]
    """The largest sets of models that are not told apart, those of one model alone left out."""
    left_out: tuple[str, ...]
    """Models that have no result on some of the tasks."""


@dataclass(frozen=True)
class Improvement:
    """How likely a run of one is better than a run of the other, the mean over tasks; a draw is half a win."""

    better: str
    worse: str
    probability: float
    """0.5 or more."""
    low: float | None
    """The ends of its 95% interval over runs; None where each has one run a task, so that there is none."""
    high: float | None
    tasks: tuple[str, ...]


@dataclass(frozen=True)
class Across:
    """What is said of all tasks together; controls and compressed models are left out."""

    rankings: tuple[Ranking, ...]
    """One a group of tasks that ask the same models."""
    models: tuple[Improvement, ...]
    """Of each ranking, each model beside the next one."""
    families: tuple[Improvement, ...]
    """Of all pairs of families that meet on a task."""


def compare(summaries: Sequence[Summary]) -> Across:
    """Compare models and families across tasks, by the primary metric on the test items."""
    plain = [each for each in summaries if each.method == UNCOMPRESSED and not each.control]
    models: dict[str, dict[str, Array]] = defaultdict(dict)
    families: dict[str, dict[str, Array]] = defaultdict(dict)
    asked: dict[str, set[str]] = defaultdict(set)
    for each in plain:
        asked[each.task.name].add(each.model.name)
        found = _runs(each)
        if len(found):
            models[each.model.name][each.task.name] = found
            family = families[each.model.family]
            family[each.task.name] = np.concatenate([family.get(each.task.name, found[:0]), found])
    groups: dict[frozenset[str], list[str]] = defaultdict(list)
    for task, names in asked.items():
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
    """Return the primary metric of each finished run (R,), turned so that more is better."""
    task = summary.task
    sign = 1 if task.direction == "maximise" else -1
    found = (variant.metrics.get("test", {}).get(task.primary) for variant in summary.finished)
    return np.array([sign * value for value in found if value is not None])


def rank(scores: Scores, tasks: Sequence[str]) -> Ranking | None:
    """Return the mean ranks over these tasks of the models that have scores on all of them; None where there are
    fewer than two tasks or two such models."""
    whole = [name for name, of_tasks in scores.items() if all(task in of_tasks for task in tasks)]
    if len(whole) < 2 or len(tasks) < 2:
        return None
    means = np.array([[scores[name][task].mean() for name in whole] for task in tasks])  # (tasks, models)
    ranks = stats.rankdata(-means, axis=1)
    mean = ranks.mean(axis=0)
    order = np.argsort(mean, kind="stable")
    models = tuple(whole[place] for place in order)
    limit = critical_difference(len(whole), len(tasks))
    return Ranking(
        tuple(tasks),
        models,
        tuple(mean[order].tolist()),
        float(stats.friedmanchisquare(*ranks.T).pvalue) if len(whole) > 2 and np.ptp(ranks) else None,
        limit,
        _cliques(models, mean[order], limit),
        tuple(name for name in scores if name not in whole),
    )


def critical_difference(num_models: int, num_tasks: int) -> float:
    """Return by how much two mean ranks must differ, at 0.05 for all pairs together (Nemenyi)."""
    quantile = stats.studentized_range.ppf(1 - LEVEL, num_models, np.inf) / np.sqrt(2)
    return float(quantile * np.sqrt(num_models * (num_models + 1) / (6 * num_tasks)))


def _cliques(models: Sequence[str], ranks: Array, limit: float) -> tuple[tuple[str, ...], ...]:
    """Return the largest runs of models, in the order of their mean ranks, that lie within the limit."""
    ends = np.searchsorted(ranks, ranks + limit, side="left")
    found = [
        tuple(models[start:end])
        for start, end in enumerate(ends.tolist())
        if end - start > 1 and (start == 0 or end > ends[start - 1])
    ]
    return tuple(found)


def improvement(
    scores: Scores, one: str, other: str, tasks: Sequence[str], rng: np.random.Generator
) -> Improvement:
    """Return how likely a run of one is better than one of the other, over tasks that both have runs on.

    Args:
        rng: which runs are drawn for the interval.
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
    """Return the share of pairs of runs that ours win, by Mann and Whitney's statistic."""
    return float(stats.mannwhitneyu(ours, theirs, method="asymptotic").statistic / (len(ours) * len(theirs)))


def _drawn_wins(ours: Array, theirs: Array, rng: np.random.Generator) -> Array:
    """Return the same (B,) of bootstrap samples of the runs."""
    won = (np.sign(ours[:, None] - theirs) + 1) / 2
    first, second = (rng.multinomial(len(x), np.full(len(x), 1 / len(x)), DRAWS) for x in (ours, theirs))
    found: Array = np.einsum("bi,ij,bj->b", first, won, second) / won.size
    return found
