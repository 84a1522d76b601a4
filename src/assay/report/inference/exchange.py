# SPDX-License-Identifier: Apache-2.0
"""The permutation test of two families: would models that are exchanged between them differ as much?

If the models of two families are exchangeable, every split of them into families of the same sizes is as likely as the
real one. So the share of splits whose probability of improvement is at least as far from 0.5 is a p-value that holds
whatever the models, tasks and runs are like, and for few models too. A bootstrap cannot replace it: it draws from the
two or three models that it has, and when all of one family beat all of the other, each sample says the same.

Few models have few splits: two against two have six, so that their p-value is 1/3 or more. Such pairs can never be told
apart, and need not be counted in the correction for the others.

Sources: Ernst, "Permutation Methods: A Basis for Exact Inference", Statistical Science 2004; Phipson, Smyth,
"Permutation P-values Should Never Be Zero", 2010; Tarone, "A Modified Bonferroni Method for Discrete Data", Biometrics
1990.
"""

from __future__ import annotations

from itertools import combinations
from math import comb

import numpy as np
from numpy.typing import NDArray

from assay.report.inference.statistics import Array

MOST_SPLITS = 5_000
"""If there are more, so many are drawn at random."""
ROUNDING = 1e-9


def least_p_value(ours: int, theirs: int) -> float:
    """Return the p-value of families of so many models if all of one are better than all of the other."""
    return 2 / comb(ours + theirs, ours)


def p_value(won: Array, ours: int) -> float:
    """Return the two-sided p-value under the hypothesis that the models of both families are exchangeable.

    Args:
        won: (T, K, K) the share of pairs of runs that a model wins against another one, by task; nan without results.
        ours: the number of models of the first family, which stand first.
    """
    splits = _splits(ours, won.shape[1])
    far = np.abs(_shares(won, splits) - 0.5)
    as_far = int((far >= far[0] - ROUNDING).sum())
    return as_far / len(splits)


def _splits(ours: int, models: int) -> NDArray[np.float64]:
    """Return splits (S, K): 1 for a model of the first family, 0 for others; the real split first."""
    if comb(models, ours) <= MOST_SPLITS:
        chosen = np.array(list(combinations(range(models), ours)))
    else:
        rng = np.random.default_rng(0)
        drawn = rng.permuted(np.tile(np.arange(models), (MOST_SPLITS, 1)), axis=1)[:, :ours]
        chosen = np.concatenate([np.arange(ours)[None], drawn])
    splits = np.zeros((len(chosen), models))
    np.put_along_axis(splits, chosen, 1, axis=1)
    return splits


def _shares(won: Array, splits: Array) -> Array:
    """Return the share (S,) that the first family of each split wins, averaged over the tasks of both."""
    known = ~np.isnan(won)
    total, number = np.zeros(len(splits)), np.zeros(len(splits))
    for share, is_known in zip(np.where(known, won, 0), known, strict=True):
        wins = ((splits @ share) * (1 - splits)).sum(axis=1)
        pairs = ((splits @ is_known) * (1 - splits)).sum(axis=1)
        total += np.where(pairs > 0, wins / np.maximum(pairs, 1), 0)
        number += pairs > 0
    return np.where(number > 0, total / np.maximum(number, 1), 0.5)
