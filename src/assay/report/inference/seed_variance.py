# SPDX-License-Identifier: Apache-2.0
"""The variance between the runs of a model, estimated from all models of a task together.

Three seeds estimate a model's variance between runs with two degrees of freedom, too few to tell models apart. So the
models of a task share what they know (moderated variances, empirical Bayes, as in the limma package): their variances
vary around a common one like scaled inverse chi-square variables with ``d0`` degrees of freedom, and each is drawn
towards it, the more so the less the models differ from one another.

The common variance may depend on the score, because runs that predict nearly everything correctly vary less: it is
proportional to a power, 0, 1 or 2, of the variance of a single run over test items, plus the interaction of runs and
items, which the items tell. The power, ``d0`` and the common variance are averaged over a grid, weighted by their
likelihood.

A model with one run has no variance of its own. It gets the common one if at least ``COMPARABLE`` models have several
runs; otherwise its variance is unknown. A model that does not depend on the seed has none.

Sources: Smyth, "Linear Models and Empirical Bayes Methods for Assessing Differential Expression in Microarray
Experiments", Statistical Applications in Genetics and Molecular Biology 2004, https://doi.org/10.2202/1544-6115.1027.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import astuple, dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaln

from assay.report.inference.statistics import TINY, Array, Spread, Whole

COMPARABLE = 3
"""The number of models with several runs from which a model with one run may borrow its variance."""
PRIORS = np.array([5.0, 10, 20, 40, 80, 160, 320])
"""Values of ``d0``; fewer degrees would mean that variances of a task commonly differ more than tenfold."""
POWERS = np.array([0.0, 1.0, 2.0])
LIKELY = np.array([4.0, 2, 1])
"""The weights of the powers before the data; models of like scores say little about them."""
STEPS = 60
LEAST_BETWEEN = 0.05
"""The smallest variance between runs, as a share of the interaction: means that are equal are so by chance."""


@dataclass(frozen=True)
class SeedVariance:
    """The variances of G means over runs that are due to the runs, interaction with the items included."""

    variance: Array
    """(G,): 0 for a model that does not depend on the seed, or whose variance is unknown."""
    interaction: Array
    """(G,): the part that more items would reduce."""
    known: NDArray[np.bool_]
    """(G,): False for a model with one run and too few comparable ones."""
    borrowed: NDArray[np.bool_]
    """(G,): True for a model with one run whose variance is that of comparable ones."""
    freedom: Array
    """(G,): the degrees of freedom of the variances: how uncertain they are, the choice of ``d0`` and of the common
    variance included; 0 without a variance."""
    prior: Array
    """(G,): the degrees of freedom, ``d0``, that the common variance adds to those of the runs of each model."""
    pooled: Array
    """(G,): the degrees of freedom of all runs together, which estimate the common variance."""

    def take(self, rows: Whole) -> SeedVariance:
        """Return those of these rows."""
        return SeedVariance(
            self.variance[rows],
            self.interaction[rows],
            self.known[rows],
            self.borrowed[rows],
            self.freedom[rows],
            self.prior[rows],
            self.pooled[rows],
        )


def estimate(found: Spread, seeded: NDArray[np.bool_], comparable: NDArray[np.bool_]) -> SeedVariance:
    """Return the variances of G means.

    Args:
        found: the means and what they vary by.
        seeded: (G,) whether each model depends on the seed.
        comparable: (G,) whether a model informs the common variance. Compressed versions of a model do not, because
            they repeat it.
    """
    freedom = np.where(seeded, found.runs - 1, 0)
    several = freedom > 0
    pool = several & comparable
    if not pool.any():
        pool = several
    single = found.items + found.both * (found.runs - 1)  # the variance of one run over items
    one = seeded & ~several
    borrowed = one & (int(pool.sum()) >= COMPARABLE)
    share = found.both[pool] @ found.runs[pool] / max(single[pool].sum(), TINY)
    interaction = np.where(one, share * single, found.both * found.runs)
    variance, degrees, prior = _moderated(found.between * found.runs, interaction, single, freedom, pool)
    varies = several | borrowed
    return SeedVariance(
        np.where(varies, variance / found.runs, 0),
        np.where(varies, interaction / found.runs, 0),
        ~one | borrowed,
        borrowed,
        np.where(varies, degrees, 0),
        np.full(len(freedom), prior),
        np.full(len(freedom), float(freedom[pool].sum())),
    )


def estimate_by_group(found: Spread, seeded: NDArray[np.bool_], groups: Sequence[str]) -> SeedVariance:
    """Return the variances of G means, each informed by those of its own group; groups of fewer than ``COMPARABLE``
    form one together. The arguments are those of :func:`estimate`."""
    large = {name for name, number in Counter(groups).items() if number >= COMPARABLE}
    group = [name if name in large else None for name in groups]
    places = [
        np.array([row for row, name in enumerate(group) if name == one]) for one in dict.fromkeys(group)
    ]
    parts = [estimate(found.take(rows), seeded[rows], seeded[rows]) for rows in places]
    order = np.argsort(np.concatenate(places))
    columns = zip(*(astuple(part) for part in parts), strict=True)
    return SeedVariance(*(np.concatenate(column)[order] for column in columns))


def _moderated(
    between: Array, interaction: Array, single: Array, freedom: Whole, pool: NDArray[np.bool_]
) -> tuple[Array, Array, float]:
    """Return the variances (G,) between single runs, their degrees of freedom (G,), and ``d0``."""
    own = np.maximum(between, LEAST_BETWEEN * interaction)
    if not own[pool].any():
        return np.zeros_like(own), np.zeros_like(own), 0.0
    own = np.maximum(own, LEAST_BETWEEN * LEAST_BETWEEN * own[pool].mean())
    level = np.maximum(single, TINY)
    shape = (level / np.exp(np.log(level[pool]).mean())) ** POWERS[:, None]  # (powers, G)
    common = np.exp(np.linspace(np.log(3e-3), np.log(300), STEPS)) * own[pool].mean()
    expected = common[:, None] * shape[:, None] + interaction  # (powers, steps, G)
    runs, prior = freedom[pool], PRIORS[:, None, None, None]
    ratio = runs * own[pool] / expected[..., pool] / prior  # (priors, powers, steps, pool)
    logs = (
        runs / 2 * np.log(ratio) - (runs + prior) / 2 * np.log1p(ratio) - betaln(runs / 2, prior / 2)
    ).sum(-1)
    # Uniform in the logarithm of the whole variance, of which the interaction is a part that cannot vanish.
    logs += np.log(common / (common + interaction[pool].mean()))
    logs += np.log(LIKELY)[:, None]
    weights = np.exp(logs - logs.max())
    weights /= weights.sum()
    # The density of F(runs, prior) weighs the grid. At each of its points 1 / variance is a gamma variable.
    squares = prior * expected + freedom * own  # (priors, powers, steps, G)
    precisions = (prior + freedom) / squares
    mean = np.einsum("abc,abcg->g", weights, precisions)
    square = np.einsum("abc,abcg->g", weights, (precisions / mean) ** 2 * (1 + 2 / (prior + freedom)))
    return 1 / mean, 2 / (square - 1), float(1 / (weights.sum(axis=(1, 2)) / PRIORS).sum())
