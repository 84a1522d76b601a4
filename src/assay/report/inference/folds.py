# SPDX-License-Identifier: Apache-2.0
"""Means over the folds of a cross-validation: each run has its own test items, and the runs are not independent.

The models of two folds learn mostly from the same items, so that their scores are correlated, and the variance between
K folds divided by K is too small: an interval from it is too narrow, and a test finds differences that are not there.
Nadeau and Bengio take the correlation as n_test / (n_test + n_train), so that the variance of a mean is

    (1 / K + n_test / n_train) s^2,

where s is the standard deviation over the folds (K - 1 degrees of freedom). Two models are compared by their difference
on each fold. The items on which a model does not learn but chooses, those of validation, are not counted in n_train,
which makes the variance larger.

The correction is an approximation, since no unbiased estimate of this variance exists (Bengio and Grandvalet, JMLR
2004). tests/report/inference/test_folds.py simulates the test: it finds fewer differences by chance than its level, the
uncorrected one more.

Sources: Nadeau, Bengio, "Inference for the Generalization Error", Machine Learning 2003,
https://doi.org/10.1023/A:1024068626366.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from assay.report.inference import item_scores
from assay.report.inference.item_scores import Key, key
from assay.report.inference.statistics import Array
from assay.report.results.collect import FoldItems, Task
from assay.report.results.summaries import Summary


@dataclass(frozen=True)
class FoldScores:
    """The scores of G summaries on K folds."""

    summaries: tuple[Summary, ...]
    values: Array
    """(G, K): the primary metric on the test items of each fold."""
    inflation: float
    """n_test / n_train."""
    num_items: int
    """The number of test items of all folds."""
    num_units: int
    """The number of their units of independence."""

    @property
    def samples(self) -> Array:
        """Numbers (G, K) that vary around the means as bootstrap samples of K units do, with the corrected variance:
        :func:`.statistics.spread` treats them like those."""
        folds = self.values.shape[1]
        mean = self.values.mean(axis=1, keepdims=True)
        scale = np.sqrt((1 / folds + self.inflation) * (folds - 1) / folds)
        samples: Array = mean + scale * (self.values - mean)
        return samples


def run(summaries: Sequence[Summary], task: Task) -> list[str]:
    """Return the seeds of the folds on which a model has finished."""
    finished = {variant.seed for each in summaries for variant in each.finished}
    return [seed for seed in task.folds if seed in finished]


def read(summaries: Sequence[Summary], task: Task) -> tuple[FoldScores | None, dict[Key, str]]:
    """Return the scores of the summaries that have one on each fold on which any has, None if there are none, and the
    reasons why the others are left out.

    Args:
        summaries: those of the task, each with a finished run.
    """
    assert task.metric is not None
    scores: dict[Key, float] = {}
    reasons: dict[Key, str] = {}
    used: list[FoldItems] = []
    items = units = 0
    for seed, fold in task.folds.items():
        variants = [variant for each in summaries for variant in each.finished if variant.seed == seed]
        if not fold.train:
            reasons |= {
                key(each): f"{fold.name}: the number of its items is not recorded" for each in variants
            }
            continue
        found, why = item_scores.read(variants, task.metric)
        reasons |= why
        scores |= {
            name: task.metric.value([each[row] for each in found.arrays])
            for row, name in enumerate(found.keys)
        }
        items, units = items + len(found.units), units + found.num_units
        used += [fold] if found.keys else []
    complete = [each for each in summaries if sum(key(run) in scores for run in each.finished) == len(used)]
    reasons |= _incomplete(summaries, complete, scores, len(used))
    if not complete or not used:
        return None, reasons
    values = np.array(
        [[scores[key(run)] for run in each.finished if key(run) in scores] for each in complete]
    )
    inflation = sum(fold.test for fold in used) / sum(fold.train for fold in used)
    return FoldScores(tuple(complete), values, inflation, items, units), reasons


def _incomplete(
    summaries: Sequence[Summary], complete: Sequence[Summary], scores: Mapping[Key, float], folds: int
) -> dict[Key, str]:
    """Return why summaries without a score on some fold are left out, for each of their scores."""
    return {
        key(
            run
        ): f"its model has scores on {sum(key(other) in scores for other in each.finished)} of {folds} folds"
        for each in summaries
        if each not in complete
        for run in each.finished
        if key(run) in scores
    }
