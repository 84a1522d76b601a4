# SPDX-License-Identifier: Apache-2.0
"""Tests of the difference between two models on the same test items, from one run of each.

If the unit of independence is not the item, units replace items: a metric's counts are summed over each unit first, and
a metric that is not a sum is computed without whole units. McNemar's test is only for single items.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from assay.report.inference import statistics
from assay.tasks.metric import PrimaryMetric, SummedMetric, units

DRAWS = 2000
"""Bootstrap samples of the units."""
BATCH = 100
"""The number of samples computed at a time, which bounds the memory."""


def p_value(first: pd.DataFrame, second: pd.DataFrame, metric: PrimaryMetric) -> tuple[float, str]:
    """Return the two-sided p-value of a metric's difference, and the name of the test; nan if the metric is undefined
    on the units that the test samples.

    Args:
        first: predictions, one row per item.
        second: the other model's predictions for the same items in the same order.
        metric: the metric and its unit of independence.
    """
    if not isinstance(metric, SummedMetric):
        return jackknife(first, second, metric), f"paired jackknife over {metric.unit}s"
    counts = metric.unit_counts(first), metric.unit_counts(second)
    if all(_is_binary(each) for each in counts):
        return mcnemar(counts[0][:, 0], counts[1][:, 0]), f"McNemar's test over {metric.unit}s"
    return bootstrap(*counts, metric), f"paired bootstrap over {metric.unit}s"


def _is_binary(counts: NDArray[Any]) -> bool:
    """Return whether counts (U, S) are those of single items: correct or not, and 1."""
    return counts.shape[1] == 2 and bool(np.isin(counts[:, 0], (0, 1)).all() and (counts[:, 1] == 1).all())


def mcnemar(first: NDArray[Any], second: NDArray[Any]) -> float:
    """Return the exact p-value from whether each of two models is correct on each item, (N,)."""
    lost, won = int((first > second).sum()), int((second > first).sum())
    return float(stats.binomtest(lost, lost + won).pvalue) if lost + won else 1.0


def bootstrap(first: NDArray[Any], second: NDArray[Any], metric: SummedMetric) -> float:
    """Return the p-value from the metric's counts of each unit, (U, S) per model; 1 for a single unit.

    The difference divided by its bootstrap standard deviation is compared with Student's t.
    """
    if len(first) == 1:
        return 1.0

    def difference(drawn: NDArray[np.int64]) -> float:
        sums = (counts[drawn].sum(axis=0, dtype=np.float64) for counts in (first, second))
        before, after = (float(metric.of_sums(each)) for each in sums)
        return after - before

    every = np.arange(len(first))
    observed = difference(every)
    drawn = stats.bootstrap(
        (every,),
        difference,
        n_resamples=DRAWS,
        batch=BATCH,
        vectorized=False,
        method="percentile",
        rng=np.random.default_rng(0),
    )
    if drawn.standard_error == 0:
        return 1.0 if observed == 0 else 0.5 ** (len(every) - 1)  # the sign test: all units agree
    return float(2 * stats.t.sf(abs(observed) / drawn.standard_error, len(every) - 1))


def jackknife(first: pd.DataFrame, second: pd.DataFrame, metric: PrimaryMetric) -> float:
    """Return the p-value of a metric that is computed from all items at once."""
    pairs = zip(metric.arrays(first), metric.arrays(second), strict=True)
    arrays = [np.stack(pair) for pair in pairs]
    of = units(first, metric)
    values, drawn = statistics.jackknife(arrays, metric.value, np.random.default_rng(0), units=of)
    if not np.isfinite(drawn).all():
        return math.nan
    both = statistics.spread(values, drawn, np.array([1, 1]), int(of.max()) + 1)
    variance = np.square(both.noise[0] - both.noise[1]).sum(keepdims=True) / (both.noise.shape[1] - 1)
    return float(statistics.p_values(values[:1] - values[1:], variance, both.num_items).item())
