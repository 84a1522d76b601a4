# SPDX-License-Identifier: Apache-2.0
"""Scores of runs by model and task, their bootstrap samples, and intervals over tasks.

The bootstrap is hierarchical: tasks are resampled, then models where families are compared, then the runs of each
model, and each run's score varies as it would on other test items. With few tasks a percentile interval is far too
short, and none at all if one side wins everywhere. So the interval is that of Student's t with the bootstrap's standard
error, around a mean to which a task that is won and one that is lost are added (as Agresti and Coull do with a
proportion).

Sources: Agresti, Coull, "Approximate is Better than Exact for Interval Estimation of Binomial Proportions", 1998;
Saravanan et al., "Application of the hierarchical bootstrap to multi-level data in neuroscience", 2020.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from scipy import stats

from assay.report.inference.statistics import DRAWS, Array
from assay.report.results.summaries import Summary

Scores = Mapping[str, Mapping[str, Array]]
"""By model, by task: the primary metric of each run, with its sign changed if less is better."""
Items = Mapping[tuple[str, str], float]
"""By task and model: the variance of a mean score over test items."""
FEWEST_TASKS, FEWEST_MODELS = 5, 2
UNKNOWN: Items = MappingProxyType({})


def runs_of(summary: Summary) -> Array:
    """Return the primary metric of each finished run (R,), with its sign changed if less is better."""
    task = summary.task
    sign = 1 if task.direction == "maximise" else -1
    values = (variant.metrics.get("test", {}).get(task.primary) for variant in summary.finished)
    return np.array([sign * value for value in values if value is not None])


def wins(ours: Array, theirs: Array) -> float:
    """Return the share of pairs of runs (R,) and (S,) that ours win; ties count half."""
    return float((np.sign(ours[:, None] - theirs).mean() + 1) / 2)


def drawn_wins(ours: Array, theirs: Array) -> Array:
    """Return the share of pairs of runs that ours win, for each bootstrap sample (B,) of (B, R) and (B, S)."""
    won: Array = (np.sign(ours[:, :, None] - theirs[:, None]).mean(axis=(1, 2)) + 1) / 2
    return won


def draw_runs(scores: Scores, items: Items) -> dict[str, dict[str, Array]]:
    """Return bootstrap samples (B, R) of the runs of each model on each task, on other test items."""
    rng = np.random.default_rng(0)
    found: dict[str, dict[str, Array]] = {}
    for model, of_tasks in scores.items():
        found[model] = {}
        for task, runs in of_tasks.items():
            noise = np.sqrt(items.get((task, model), 0.0)) * rng.normal(size=(DRAWS, 1))
            found[model][task] = runs[rng.integers(len(runs), size=(DRAWS, len(runs)))] + noise
    return found


def draw_models(number: int, rng: np.random.Generator) -> Array:
    """Return how often each of some models is in each bootstrap sample of them, (B, K)."""
    return rng.multinomial(number, np.full(number, 1 / number), DRAWS).astype(np.float64)


def interval(
    share: float, drawn: Array, freedom: int, level: float, rng: np.random.Generator
) -> tuple[float, float]:
    """Return the ends of the interval of a share, its mean over T tasks, with coverage 1 - ``level``.

    Args:
        drawn: (T, B) the share on each task, in bootstrap samples of the models, runs and items.
        freedom: the degrees of freedom of Student's t.
        rng: samples the tasks.
    """
    tasks, draws = drawn.shape
    number = tasks + 2
    more = np.concatenate([drawn, np.zeros((1, draws)), np.ones((1, draws))])
    means = np.take_along_axis(more, rng.integers(number, size=(number, draws)), axis=0).mean(axis=0)
    error = means.std(ddof=1) * np.sqrt(number / (number - 1))
    reach = float(stats.t.isf(level / 2, freedom) * error)
    middle = (share * tasks + 1) / number
    return max(min(middle - reach, share), 0.0), min(max(middle + reach, share), 1.0)
