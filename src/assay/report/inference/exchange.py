# SPDX-License-Identifier: Apache-2.0
"""The permutation test of two families: would models that are exchanged between them differ as much?

If the models of two families are exchangeable, every split of them into families of the same sizes is as likely as the
real one. So the share of splits whose probability of improvement is at least as far from that of an average split is a
p-value that holds whatever the models, tasks and runs are like, and for few models too. A bootstrap cannot replace it:
it draws from the two or three models that it has, and when all of one family beat all of the other, each sample says
the same. Only models with results on the same tasks are exchanged: other splits would rest on more or fewer tasks.

Few models have few splits: two against two have six, so that their p-value is 1/3 or more. Such pairs can never be told
apart, and need not be counted in the correction for the others.

Sources: Ernst, "Permutation Methods: A Basis for Exact Inference", Statistical Science 2004; Phipson, Smyth,
"Permutation P-values Should Never Be Zero", 2010; Tarone, "A Modified Bonferroni Method for Discrete Data", Biometrics
1990.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import combinations
from math import comb, prod

import numpy as np
from numpy.typing import NDArray

from assay.report.inference.statistics import Array

MOST_SPLITS = 5_000
"""If there are more, so many are drawn at random."""
ROUNDING = 1e-9


def least_p_value(ours: int, strata: Sequence[int]) -> float:
    """Return the p-value if all models of one family are better than those of the other; 1 if none can be exchanged.

    Args:
        ours: the number of models of the first family, which stand first.
        strata: (K,) equal numbers for models that can be exchanged.
    """
    return min(2 / _num_splits(ours, strata), 1.0)


def p_value(won: Array, ours: int, strata: Sequence[int]) -> float:
    """Return the two-sided p-value under the hypothesis that the models of both families are exchangeable.

    Args:
        won: (T, K, K) the share of pairs of runs that a model wins against another one, by task; nan without results.
        ours: the number of models of the first family, which stand first.
        strata: (K,) equal numbers for models that can be exchanged.
    """
    shares = _shares(won, _splits(ours, strata))
    far = np.abs(shares - shares.mean())
    as_far = int((far >= far[0] - ROUNDING).sum())
    return as_far / len(far)


def _num_splits(ours: int, strata: Sequence[int]) -> int:
    first, all_ = Counter(strata[:ours]), Counter(strata)
    return prod(comb(number, first[stratum]) for stratum, number in all_.items())


def _splits(ours: int, strata: Sequence[int]) -> Array:
    """Return splits (S, K): 1 for a model of the first family, 0 for others; the real split first."""
    real = np.arange(len(strata)) < ours
    drawn = _num_splits(ours, strata) > MOST_SPLITS
    splits = np.tile(real.astype(float), (MOST_SPLITS + 1 if drawn else 1, 1))
    rng = np.random.default_rng(0)
    for stratum in dict.fromkeys(strata):
        places = np.flatnonzero(np.array(strata) == stratum)  # ours stand first
        if drawn:
            splits[1:, places] = rng.permuted(splits[1:, places], axis=1)
        else:
            splits = _exchanged(splits, places, int(real[places].sum()))
    return splits


def _exchanged(splits: Array, places: NDArray[np.intp], number: int) -> Array:
    """Return each split (S, K) with every choice of a number of these places, the first ones first."""
    chosen = list(combinations(places, number))
    found = splits.repeat(len(chosen), axis=0).reshape(len(splits), len(chosen), -1)
    found[:, :, places] = 0
    for row, each in enumerate(chosen):
        found[:, row, list(each)] = 1
    return found.reshape(-1, splits.shape[1])


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
