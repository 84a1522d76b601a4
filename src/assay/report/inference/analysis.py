# SPDX-License-Identifier: Apache-2.0
"""Intervals of a task's scores, significant differences between models, and the effect of compression."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.paths import UNCOMPRESSED
from assay.report.inference import (
    comparisons,
    equivalence,
    folds,
    item_scores,
    seed_variance,
    simultaneous,
    statistics,
)
from assay.report.inference.comparisons import Differences, Plan
from assay.report.inference.item_scores import ItemScores, Key, key
from assay.report.inference.seed_variance import SeedVariance
from assay.report.inference.statistics import Array, Spread
from assay.report.results.collect import Task
from assay.report.results.compression import Equivalence
from assay.report.results.summaries import Summary
from assay.tasks.metric import PrimaryMetric, SummedMetric, ratio

MCNEMAR, BOOTSTRAP, JACKKNIFE = "McNemar", "paired bootstrap", "paired jackknife"
BY_FOLD = "corrected t-test over folds"
FEWEST_FOLDS = 4
"""With fewer folds, Student's t has too few degrees of freedom to say how lucky the best of several models was."""
Numbers = NDArray[np.int64]
NO_PLAN = Plan(None, None, None)


@dataclass(frozen=True)
class Estimate:
    """The mean of the primary metric over seeds and its 95% interval."""

    mean: float
    low: float | None
    """None, like ``high``, for a score that cannot vary, such as the AUROC of a constant."""
    high: float | None
    seeds: int
    """The number of seeds, or of folds."""
    over: str
    """What the interval is over: ``folds``; ``seeds and items``, or another unit of independence instead of items;
    ``items`` for one run, which covers everything for a model that does not depend on the seed, but not the variation
    between seeds for one that does; ``nothing`` for a single unit, and without an interval. A single run with the seed
    variance of comparable models is over ``seeds and items`` as well."""
    items_variance: float
    """The variance of the mean over only the test items, or units; with folds, over these; 0 without an interval."""


@dataclass(frozen=True)
class Compared:
    """A comparison of two models, or of a compressed model and the uncompressed one, on the same test items."""

    better: str
    worse: str
    difference: float
    """In the metric's own unit, 0 or more."""
    low: float | None
    """The ends of its simultaneous interval: with 95% coverage for all comparisons of its kind in the task together.
    It excludes 0 if and only if the test is significant. None if the difference cannot vary."""
    high: float | None
    p: float
    p_holm: float
    """Corrected for the number of comparisons: by Holm, and for all pairs of models, without folds, by
    :func:`.comparisons.step_down`."""
    separable: bool
    """Whether ``p_holm`` is below 0.05."""
    test: str
    needed_items: int | None = None
    """How many test items, or units, would separate them with 80% power, if the difference is as measured; None if they
    are already separable, or even very many would not suffice."""
    needed_seeds: int | None = None
    """How many seeds would, of each model that depends on the seed and has several."""
    needed_both: tuple[int, int] | None = None
    """Fewer items, or units, and seeds, if there are more of both."""


@dataclass(frozen=True)
class Best:
    """The best mean among the models that are not controls, and what is sure about it."""

    model: str
    rivals: tuple[str, ...]
    """The models that may be the best instead, by comparisons of each with those of better means (Hsu, Dunnett)."""
    estimate: float
    """Its score after selection: the best of several means is too good, because it was chosen for its luck as well."""
    low: float
    """The ends of the 95% interval after selection."""
    high: float


@dataclass(frozen=True)
class Analysis:
    """The analysis of one task."""

    estimates: Mapping[tuple[str, str], Estimate]
    """By model and method."""
    ranks: Mapping[str, tuple[int, int]]
    """By uncompressed model, controls included: the ranks that the tests allow, from 1 + the number of models that are
    significantly better to K - the number of significantly worse ones. A model that depends on the seed and has one run
    has none, unless it borrows the seed variance of comparable models."""
    ties: Mapping[str, tuple[str, ...]]
    """By model: the models that are not significantly different from it."""
    neighbours: tuple[Compared, ...]
    """Each uncompressed model with the next worse one by mean, best first."""
    compressed: Mapping[tuple[str, str], Compared]
    """By model and method: the comparison with the uncompressed model (``none``) of the same seeds."""
    reasons: Mapping[Key, str]
    """By model, method and seed: why predictions could not be used; that model and method then have no estimate."""
    num_items: int = 0
    """The number of test items of most variants; with folds, of all of them."""
    num_units: int = 0
    """The number of their units of independence."""
    best: Best | None = None
    """None if a rank is missing or no model is ranked, or there are fewer than ``FEWEST_FOLDS`` folds."""
    single: tuple[str, ...] = ()
    """The uncompressed models without a rank: one run each, which says nothing of other seeds."""
    borrowed: tuple[str, ...] = ()
    """The uncompressed models with one run that are ranked with the seed variance of the others."""
    budgets: Mapping[tuple[str, str], Equivalence] = field(default_factory=dict)
    """By model and method: whether the compressed model stays within its budget."""
    folds: int = 0
    """The number of folds over which everything is compared (:mod:`.folds`); 0 if it is over test items."""


@dataclass(frozen=True)
class _Runs:
    """All usable runs of a task, grouped by summary; with folds, each mean over them counts as one run."""

    summaries: tuple[Summary, ...]
    runs: Numbers
    """The number of runs of each summary."""
    places: Mapping[Key, int]
    """The index of each run; with folds, the seed of its key is ""."""
    arrays: tuple[NDArray[Any], ...]
    """(V, U) or (V, N) each: the metric's arrays."""
    values: Array
    """(V,)"""
    drawn: Array
    """(V, B)"""
    summed: bool
    """Whether the metric comes from sums over items."""
    binary: bool
    """Whether units are items, predicted correctly or not, and the metric is the share of correct ones."""
    num_units: int
    """The number of units that are resampled; with folds, their number."""
    folds: int = 0
    """The number of folds, which are the units then; 0 without folds."""

    @property
    def test(self) -> str:
        """The test of runs for which McNemar's test does not apply."""
        if self.folds:
            return BY_FOLD
        return BOOTSTRAP if self.summed else JACKKNIFE

    @property
    def undefined(self) -> list[Key]:
        """The runs whose metric is not finite on some samples of the units."""
        return [name for name, place in self.places.items() if not np.isfinite(self.drawn[place]).all()]

    def correct(self, places: Sequence[int] | Numbers) -> NDArray[np.float32]:
        """Return which items these runs predict correctly, (P, N) of 0 and 1."""
        correct: NDArray[np.float32] = self.arrays[0][np.asarray(places, int)].astype(np.float32)
        return correct


@dataclass(frozen=True)
class _Tests:
    """P comparisons of a first model with a second."""

    differences: Differences
    """Above 0 if the first one's metric is larger."""
    exact: NDArray[np.bool_]
    """Whether ``p`` is from McNemar's test."""
    p: Array
    p_holm: Array
    level: float
    """The level at which a comparison is tested if one more than now is significant."""
    level_of_intervals: float
    """0.05 divided by the number of all comparisons of this kind, so that the intervals hold together."""

    def of(self, rows: Numbers) -> _Tests:
        """Return the comparisons of these rows."""
        return _Tests(
            self.differences.take(rows),
            self.exact[rows],
            self.p[rows],
            self.p_holm[rows],
            self.level,
            self.level_of_intervals,
        )


def analyse(summaries: Sequence[Summary], task: Task) -> Analysis:
    """Analyse the primary metric of one task on its test items; deterministic.

    Args:
        summaries: the summaries of all models and methods; those of other tasks are ignored.
    """
    assert task.metric is not None
    mine = [each for each in summaries if each.task == task and each.finished]
    if len(folds.run(mine, task)) > 1:
        return _over_folds(mine, task)
    found, reasons = item_scores.read([variant for each in mine for variant in each.finished], task.metric)
    while usable := _usable(mine, reasons):
        runs = _resample(usable, found, task.metric)
        if not runs.undefined:
            break
        what = f"test {task.metric.unit}s"
        why = f"{task.metric.name} is undefined on some samples of the {what}, so it has no interval"
        reasons |= dict.fromkeys(runs.undefined, why)
    else:
        return Analysis({}, {}, {}, (), {}, reasons)
    return _analysis(runs, task, reasons, len(found.units), found.num_units)


def _over_folds(summaries: Sequence[Summary], task: Task) -> Analysis:
    """Analyse a task of which each run of a model has test items of its own."""
    found, reasons = folds.read(summaries, task)
    if found is None:
        return Analysis({}, {}, {}, (), {}, reasons)
    number = found.values.shape[1]
    runs = _Runs(
        found.summaries,
        np.ones(len(found.summaries), int),
        {(each.model.name, each.method, ""): place for place, each in enumerate(found.summaries)},
        (),
        found.values.mean(axis=1),
        found.samples,
        summed=False,
        binary=False,
        num_units=number,
        folds=number,
    )
    return _analysis(runs, task, reasons, found.num_items, found.num_units)


def _analysis(
    runs: _Runs, task: Task, reasons: Mapping[Key, str], num_items: int, num_units: int
) -> Analysis:
    """Return the analysis of the usable runs; the other arguments are its fields."""
    assert task.metric is not None
    spread = statistics.spread(runs.values, runs.drawn, runs.runs, runs.num_units)
    seeds = _seed_variance(runs, spread)
    ranks, ties, neighbours, best = _rank(runs, spread, seeds, task)
    compressed = _compare_compressed(runs, task.metric)
    plain = [row for row, each in enumerate(runs.summaries) if each.method == UNCOMPRESSED]
    return Analysis(
        _estimate(runs, spread, seeds, task.metric),
        ranks,
        ties,
        neighbours,
        compressed,
        reasons,
        num_items,
        num_units,
        best=best,
        single=tuple(runs.summaries[row].model.name for row in plain if not seeds.known[row]),
        borrowed=tuple(runs.summaries[row].model.name for row in plain if seeds.borrowed[row]),
        budgets=_judge_compressed(runs, task.metric, compressed),
        folds=runs.folds,
    )


def _usable(summaries: Sequence[Summary], reasons: Mapping[Key, str]) -> list[Summary]:
    """Return the summaries whose runs can all be used."""
    return [each for each in summaries if not any(key(variant) in reasons for variant in each.finished)]


def _resample(usable: Sequence[Summary], found: ItemScores, metric: PrimaryMetric) -> _Runs:
    names = [key(variant) for each in usable for variant in each.finished]
    rows = {name: row for row, name in enumerate(found.keys)}
    order = [rows[name] for name in names]
    arrays = tuple(each[order] for each in found.arrays)
    rng = np.random.default_rng(0)
    if isinstance(metric, SummedMetric):
        values, drawn = statistics.resample(arrays, metric.of_sums, rng)
        zero_or_one = arrays[0].dtype == np.uint8 and arrays[0].max(initial=0) <= 1
        binary = metric.of_sums is ratio and bool((arrays[1] == 1).all()) and bool(zero_or_one)
    else:
        values, drawn = statistics.jackknife(arrays, metric.value, rng, units=found.units)
        binary = False
    return _Runs(
        tuple(usable),
        np.array([len(each.finished) for each in usable]),
        {name: place for place, name in enumerate(names)},
        arrays,
        values,
        drawn,
        isinstance(metric, SummedMetric),
        binary,
        found.num_units,
    )


def _seed_variance(runs: _Runs, spread: Spread) -> SeedVariance:
    """Return the seed variances of all summaries, informed by the uncompressed models."""
    declared = np.array([each.model.seeded and not runs.folds for each in runs.summaries])
    plain = np.array([each.method == UNCOMPRESSED for each in runs.summaries])
    return seed_variance.estimate(spread, declared | (spread.between > 0), plain)


def _estimate(
    runs: _Runs, spread: Spread, seeds: SeedVariance, metric: PrimaryMetric
) -> dict[tuple[str, str], Estimate]:
    reach = comparisons.of_means(spread, seeds).reach(statistics.LEVEL)
    low, high = _ends(runs, spread.mean, reach, metric)
    items, units = spread.items, f"{metric.unit}s"
    found = {}
    for row, each in enumerate(runs.summaries):
        known = bool(np.isfinite(low[row]))
        several = runs.runs[row] > 1 or seeds.borrowed[row]
        over = f"seeds and {units}" if several else units if runs.num_units > 1 else "nothing"
        over = "folds" if runs.folds else over
        found[each.model.name, each.method] = Estimate(
            float(spread.mean[row]),
            float(low[row]) if known else None,
            float(high[row]) if known else None,
            runs.folds or int(runs.runs[row]),
            over if known else "nothing",
            float(items[row]) if known else 0.0,
        )
    return found


def _ends(runs: _Runs, mean: Array, reach: Array, metric: PrimaryMetric) -> tuple[Array, Array]:
    """Return the ends of the intervals of means; those over folds are symmetric, as far as the metric goes."""
    if not runs.folds:
        return statistics.bounded(mean, reach, runs.num_units, metric.highest, summed=runs.summed)
    low, high = statistics.bounded(mean, reach, runs.num_units)
    return (low, high) if metric.highest is None else (np.maximum(low, 0), np.minimum(high, metric.highest))


def _rank(
    runs: _Runs, spread: Spread, seeds: SeedVariance, task: Task
) -> tuple[dict[str, tuple[int, int]], dict[str, tuple[str, ...]], tuple[Compared, ...], Best | None]:
    """Return ranks, ties, neighbours and the best of the uncompressed models whose seed variance is known."""
    assert task.metric is not None
    metric = task.metric
    plain = np.array(
        [
            row
            for row, each in enumerate(runs.summaries)
            if each.method == UNCOMPRESSED and bool(seeds.known[row])
        ],
        int,
    )
    names = [runs.summaries[row].model.name for row in plain]
    first, second = np.triu_indices(len(plain), 1)
    tests = _test_pairs(runs, spread, seeds, plain, first, second)
    significant = tests.p_holm <= statistics.LEVEL
    first_is_better = (tests.differences.size > 0) == (metric.direction == "maximise")
    lost = np.bincount(np.where(first_is_better, second, first)[significant], minlength=len(plain))
    won = np.bincount(np.where(first_is_better, first, second)[significant], minlength=len(plain))
    tied, pair = np.zeros((len(plain), len(plain)), bool), np.zeros((len(plain), len(plain)), int)
    for one, other in ((first, second), (second, first)):
        tied[one, other] = ~significant
        pair[one, other] = np.arange(len(first))
    order = np.argsort([-metric.rank(value) for value in spread.mean[plain]], kind="stable")
    neighbours = [(names[one], names[other]) for one, other in pairwise(order)]
    rivals = comparisons.chances_to_be_best(
        tests.p, first_is_better, first, second, len(plain), correlated=not runs.folds
    )
    possible = [
        row
        for row, chance in zip(plain, rivals, strict=True)
        if chance > statistics.LEVEL and not runs.summaries[row].control
    ]
    complete = (not runs.folds or runs.folds >= FEWEST_FOLDS) and all(
        seeds.known[row] or each.control or each.method != UNCOMPRESSED
        for row, each in enumerate(runs.summaries)
    )
    return (
        {
            name: (1 + int(above), len(plain) - int(below))
            for name, above, below in zip(names, lost, won, strict=True)
        },
        {
            name: tuple(names[other] for other in np.flatnonzero(row))
            for name, row in zip(names, tied, strict=True)
        },
        _compared(tests.of(pair[order[:-1], order[1:]]), neighbours, runs),
        _best(runs, spread, seeds, np.array(possible, int), metric) if complete and possible else None,
    )


def _best(runs: _Runs, spread: Spread, seeds: SeedVariance, possible: Numbers, metric: PrimaryMetric) -> Best:
    """Return the best of the models that may be the best."""
    sign = 1 if metric.direction == "maximise" else -1
    row, estimate, low, high = comparisons.best_after_selection(
        spread.take(possible),
        seeds.take(possible),
        sign,
        np.random.default_rng(0),
        freedom=runs.folds - 1 if runs.folds else None,
    )
    names = [runs.summaries[each].model.name for each in possible]
    if metric.highest is not None:
        low, high = max(low, 0.0), min(high, metric.highest)
    return Best(names[row], tuple(name for name in names if name != names[row]), estimate, low, high)


def _test_pairs(
    runs: _Runs, spread: Spread, seeds: SeedVariance, plain: Numbers, first: Numbers, second: Numbers
) -> _Tests:
    """Compare each first with each second of the summaries in these rows."""
    pairs = comparisons.of_pairs(spread.take(plain), seeds.take(plain), first, second)
    exact = runs.binary & pairs.fixed
    p = pairs.p
    if exact.any():
        correct = runs.correct((runs.runs.cumsum() - runs.runs)[plain])  # (G, N), for the first run of each
        together = correct @ correct.T
        alone = np.diagonal(together)[:, None] - together  # (G, G), correct in the row and not in the column
        p[exact] = statistics.mcnemar(alone[first, second], alone[second, first])[exact]
    if runs.folds:
        return _tested(pairs, exact, p)
    corrected = comparisons.step_down(p, len(plain))
    significant = int((corrected <= statistics.LEVEL).sum())
    level = comparisons.next_level(significant + 1, len(plain)) if len(p) else statistics.LEVEL
    return _Tests(pairs, exact, p, corrected, level, statistics.LEVEL / max(len(p), 1))


def _compare_compressed(runs: _Runs, metric: PrimaryMetric) -> dict[tuple[str, str], Compared]:
    """Compare each compressed model with the uncompressed one, over the seeds that both have."""
    pairs = _pairs(runs)
    if not pairs:
        return {}
    after, before = np.array([pair for group in pairs.values() for pair in group]).T
    number = np.array([len(group) for group in pairs.values()])
    spread = statistics.spread(
        runs.values[after] - runs.values[before],
        runs.drawn[after] - runs.drawn[before],
        number,
        runs.num_units,
    )
    seeds = seed_variance.estimate_by_group(spread, spread.between > 0, [method for _, method in pairs])
    found = comparisons.of_means(spread, seeds)
    exact = runs.binary & (number == 1) & found.fixed
    p = found.p
    if exact.any():
        firsts = (number.cumsum() - number)[exact]
        ours, theirs = runs.correct(after[firsts]), runs.correct(before[firsts])
        p[exact] = statistics.mcnemar((ours * (1 - theirs)).sum(axis=1), (theirs * (1 - ours)).sum(axis=1))
    tests = _tested(found, exact, p)
    names = [
        (method, UNCOMPRESSED) if metric.rank(difference) > 0 else (UNCOMPRESSED, method)
        for (_, method), difference in zip(pairs, spread.mean, strict=True)
    ]
    return dict(zip(pairs, _compared(tests, names, runs), strict=True))


def _pairs(runs: _Runs) -> dict[tuple[str, str], list[tuple[int, int]]]:
    """Return the places of each compressed run and of the uncompressed one of the same seed."""
    pairs: dict[tuple[str, str], list[tuple[int, int]]] = {}
    for (model, method, seed), place in runs.places.items():
        before = runs.places.get((model, UNCOMPRESSED, seed))
        if method != UNCOMPRESSED and before is not None:
            pairs.setdefault((model, method), []).append((place, before))
    return pairs


def _judge_compressed(
    runs: _Runs, metric: PrimaryMetric, compared: Mapping[tuple[str, str], Compared]
) -> dict[tuple[str, str], Equivalence]:
    """Judge each compressed model by its budget, over the seeds that both have.

    Beyond its budget is only what is significantly different at all.
    """
    budgets = {(each.model.name, each.method): each.finished[0].max_relative_drop for each in runs.summaries}
    pairs = {names: group for names, group in _pairs(runs).items() if budgets[names] is not None}
    if not pairs:
        return {}
    after, before = np.array([pair for group in pairs.values() for pair in group]).T
    left = equivalence.left(
        (runs.values[before], runs.drawn[before]),
        (runs.values[after], runs.drawn[after]),
        np.array([len(group) for group in pairs.values()]),
        np.array([budgets[names] for names in pairs]),
        [method for _, method in pairs],
        sign=1 if metric.direction == "maximise" else -1,
        num_items=runs.num_units,
        highest=metric.highest if runs.binary else None,
    )
    found = equivalence.judge(left)
    if runs.folds:
        found = [replace(each, needed_items=None, needed_seeds=None) for each in found]
    return {
        names: equivalence.undecided(each, compared[names].needed_items, compared[names].needed_seeds)
        if each.name == "beyond" and not compared[names].separable
        else each
        for names, each in zip(pairs, found, strict=True)
    }


def _tested(differences: Differences, exact: NDArray[np.bool_], p: Array) -> _Tests:
    """Return comparisons of one kind with their p-values corrected by Holm's method."""
    corrected = statistics.holm(p)
    level = statistics.LEVEL / max(int((corrected > statistics.LEVEL).sum()), 1)
    every = statistics.LEVEL / max(len(p), 1)
    return _Tests(differences, exact, p, corrected, level, every)


def _compared(tests: _Tests, names: Sequence[tuple[str, str]], runs: _Runs) -> tuple[Compared, ...]:
    """Return comparisons with the items and seeds that would separate them, and the names of (better, worse).

    With folds nothing is said of how many would: their correlation stays, however many there are.
    """
    significant = tests.p_holm <= statistics.LEVEL
    reach = tests.differences.reach(tests.level_of_intervals)
    sizes = np.abs(tests.differences.size)
    varies = reach > statistics.CONSTANT * sizes
    plans: dict[int, Plan] = {}
    rows = np.flatnonzero(~significant & varies & (not runs.folds))
    if len(rows):
        plans = dict(
            zip(rows.tolist(), comparisons.plan(tests.differences.take(rows), tests.level), strict=True)
        )
    low, high = simultaneous.ends(sizes, reach, significant)
    return tuple(
        Compared(
            better,
            worse,
            float(size),
            float(low[row]) if varies[row] else None,
            float(high[row]) if varies[row] else None,
            float(tests.p[row]),
            float(tests.p_holm[row]),
            bool(significant[row]),
            MCNEMAR if tests.exact[row] else runs.test,
            plans.get(row, NO_PLAN).items,
            plans.get(row, NO_PLAN).seeds,
            plans.get(row, NO_PLAN).both,
        )
        for row, ((better, worse), size) in enumerate(zip(names, sizes, strict=True))
    )
