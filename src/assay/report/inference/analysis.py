# SPDX-License-Identifier: Apache-2.0
"""How sure a task's numbers are, which models the data can tell apart, and what compression changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.paths import UNCOMPRESSED
from assay.report.inference import answers, statistics
from assay.report.inference.answers import Answers, Key, key
from assay.report.inference.statistics import Array, Spread, Variance
from assay.report.results.collect import Task
from assay.report.results.summaries import Summary
from assay.tasks.metric import PrimaryMetric, SummedMetric, ratio

MCNEMAR, BOOTSTRAP, JACKKNIFE = "McNemar", "paired bootstrap", "paired jackknife"
Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class Estimate:
    """The mean of the primary metric over seeds and its 95% interval."""

    mean: float
    low: float | None
    """None, as is ``high``, of a score that cannot vary, such as the AUROC of a constant."""
    high: float | None
    seeds: int
    over: str
    """What the interval is over: ``seeds and items``, or whatever the unit of independence is in place of items; of one
    run ``items``, which is all there is of a model that does not depend on the seed and says nothing of other seeds of
    one that does; ``nothing`` of a single unit, and where there is no interval."""
    items_variance: float
    """Variance of the mean over test items, or units, alone; 0 where there is no interval."""


@dataclass(frozen=True)
class Compared:
    """Two models, or a model and what compression made of it, on the same test items."""

    better: str
    worse: str
    difference: float
    """In the metric's own unit, 0 or more."""
    low: float | None
    """The ends of its 95% interval, not corrected for the number of comparisons; None where it does not vary."""
    high: float | None
    p: float
    p_holm: float
    separable: bool
    """Whether ``p_holm`` is below 0.05."""
    test: str
    needed_items: int | None = None
    """How many test items, or units, would tell them apart with 80% power, if the difference is what was measured; None
    where they are told apart, or where even very many would not."""
    needed_seeds: int | None = None
    """Likewise of seeds of each model that depends on it and has several."""


@dataclass(frozen=True)
class Analysis:
    """What is said of one task."""

    estimates: Mapping[tuple[str, str], Estimate]
    """By model and method."""
    ranks: Mapping[str, int]
    """Of the uncompressed models, controls included: 1 + the number of models that are significantly better."""
    ties: Mapping[str, tuple[str, ...]]
    """The models that each cannot be told apart from."""
    neighbours: tuple[Compared, ...]
    """Each uncompressed model with the next worse one by mean, best first."""
    compressed: Mapping[tuple[str, str], Compared]
    """By model and method, beside the uncompressed model (``none``) of the same seeds."""
    reasons: Mapping[Key, str]
    """By model, method and seed, why predictions could not be used; the model and method then have no estimate."""
    num_items: int = 0
    """How many test items most variants answered."""
    num_units: int = 0
    """How many units of independence these are of."""


@dataclass(frozen=True)
class _Runs:
    """All usable runs of a task, those of a summary together."""

    summaries: tuple[Summary, ...]
    runs: Numbers
    """How many runs each summary has."""
    places: Mapping[Key, int]
    """Where each run is."""
    arrays: tuple[NDArray[Any], ...]
    """(V, U) or (V, N) each: what the metric reads."""
    values: Array
    """(V,)"""
    drawn: Array
    """(V, B)"""
    summed: bool
    """Whether the metric comes from sums over items."""
    binary: bool
    """Whether a unit is an item that is right or wrong, and the metric is the share of right ones."""
    num_units: int

    @property
    def test(self) -> str:
        """How runs are compared that McNemar's test is not for."""
        return BOOTSTRAP if self.summed else JACKKNIFE

    @property
    def undefined(self) -> list[Key]:
        """The runs whose metric is no number on some of the drawn units."""
        return [name for name, place in self.places.items() if not np.isfinite(self.drawn[place]).all()]

    def right(self, places: Sequence[int] | Numbers) -> NDArray[np.float32]:
        """Return which items these runs have right, (P, N); sums of them are whole numbers."""
        found: NDArray[np.float32] = self.arrays[0][np.asarray(places, int)].astype(np.float32)
        return found


@dataclass(frozen=True)
class _Tests:
    """P comparisons of a first with a second."""

    difference: Array
    """Above 0 where the first one's metric is the larger."""
    variance: Variance
    exact: NDArray[np.bool_]
    """Whether ``p`` is McNemar's."""
    p: Array
    p_holm: Array
    level: float
    """Of the next test by Holm: 0.05 over the number of those that are not told apart."""

    def of(self, rows: Numbers) -> _Tests:
        """Return some of the comparisons."""
        return _Tests(
            self.difference[rows],
            self.variance.take(rows),
            self.exact[rows],
            self.p[rows],
            self.p_holm[rows],
            self.level,
        )


def analyse(summaries: Sequence[Summary], task: Task) -> Analysis:
    """Analyse the primary metric of one task on its test items; the same files give the same numbers.

    Args:
        summaries: of all models and methods; those of other tasks are left out.
    """
    assert task.metric is not None
    mine = [each for each in summaries if each.task == task and each.finished]
    found, reasons = answers.read([variant for each in mine for variant in each.finished], task.metric)
    while usable := _usable(mine, reasons):
        runs = _resample(usable, found, task.metric)
        if not runs.undefined:
            break
        what = f"test {task.metric.unit}s"
        why = f"{task.metric.name} is not defined on some draws of the {what}, so that it has no interval"
        reasons |= dict.fromkeys(runs.undefined, why)
    else:
        return Analysis({}, {}, {}, (), {}, reasons)
    spread = statistics.spread(runs.values, runs.drawn, runs.runs, runs.num_units)
    ranks, ties, neighbours = _rank(runs, spread, task.metric)
    return Analysis(
        _estimate(runs, spread, task.metric),
        ranks,
        ties,
        neighbours,
        _compare_compressed(runs, task.metric),
        reasons,
        len(found.units),
        found.num_units,
    )


def _usable(summaries: Sequence[Summary], reasons: Mapping[Key, str]) -> list[Summary]:
    """Return the summaries of which all runs can be used."""
    return [each for each in summaries if not any(key(variant) in reasons for variant in each.finished)]


def _resample(usable: Sequence[Summary], found: Answers, metric: PrimaryMetric) -> _Runs:
    names = [key(variant) for each in usable for variant in each.finished]
    rows = {name: row for row, name in enumerate(found.keys)}
    order = [rows[name] for name in names]
    arrays = tuple(each[order] for each in found.arrays)
    rng = np.random.default_rng(0)
    if isinstance(metric, SummedMetric):
        values, drawn = statistics.resample(arrays, metric.of_sums, rng)
        binary = metric.of_sums is ratio and bool((arrays[1] == 1).all()) and arrays[0].dtype == np.uint8
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


def _estimate(runs: _Runs, spread: Spread, metric: PrimaryMetric) -> dict[tuple[str, str], Estimate]:
    low, high = statistics.interval(spread.mean, statistics.alone(spread), metric.highest, summed=runs.summed)
    items, units = spread.items, f"{metric.unit}s"
    found = {}
    for row, each in enumerate(runs.summaries):
        known = bool(np.isfinite(low[row]))
        over = f"seeds and {units}" if runs.runs[row] > 1 else units if runs.num_units > 1 else "nothing"
        found[each.model.name, each.method] = Estimate(
            float(spread.mean[row]),
            float(low[row]) if known else None,
            float(high[row]) if known else None,
            int(runs.runs[row]),
            over if known else "nothing",
            float(items[row]) if known else 0.0,
        )
    return found


def _rank(
    runs: _Runs, spread: Spread, metric: PrimaryMetric
) -> tuple[dict[str, int], dict[str, tuple[str, ...]], tuple[Compared, ...]]:
    """Return ranks, ties and neighbours of the uncompressed models."""
    plain = np.array([row for row, each in enumerate(runs.summaries) if each.method == UNCOMPRESSED], int)
    names = [runs.summaries[row].model.name for row in plain]
    first, second = np.triu_indices(len(plain), 1)
    tests = _test_pairs(runs, spread, plain, first, second)
    told = tests.p_holm <= statistics.LEVEL
    first_is_better = (tests.difference > 0) == (metric.direction == "maximise")
    beaten = np.bincount(np.where(first_is_better, second, first)[told], minlength=len(plain))
    tied, pair = np.zeros((len(plain), len(plain)), bool), np.zeros((len(plain), len(plain)), int)
    for one, other in ((first, second), (second, first)):
        tied[one, other] = ~told
        pair[one, other] = np.arange(len(first))
    order = np.argsort([-metric.rank(value) for value in spread.mean[plain]], kind="stable")
    neighbours = [(names[one], names[other]) for one, other in pairwise(order)]
    return (
        {name: 1 + int(count) for name, count in zip(names, beaten, strict=True)},
        {
            name: tuple(names[other] for other in np.flatnonzero(row))
            for name, row in zip(names, tied, strict=True)
        },
        _compared(tests.of(pair[order[:-1], order[1:]]), neighbours, runs.test),
    )


def _test_pairs(runs: _Runs, spread: Spread, plain: Numbers, first: Numbers, second: Numbers) -> _Tests:
    """Compare each first with each second of the summaries in these rows."""
    part = spread.take(plain)
    difference = part.mean[first] - part.mean[second]
    variance = statistics.apart(part, first, second)
    exact = runs.binary & (variance.runs == 1).all(axis=1)
    p = statistics.p_values(difference, variance)
    if exact.any():
        right = runs.right((runs.runs.cumsum() - runs.runs)[plain])  # (G, N), of the first run of each
        together = right @ right.T
        alone = np.diagonal(together)[:, None] - together  # (G, G), that the row has right and the column not
        p[exact] = statistics.mcnemar(alone[first, second], alone[second, first])[exact]
    return _tested(difference, variance, exact, p)


def _compare_compressed(runs: _Runs, metric: PrimaryMetric) -> dict[tuple[str, str], Compared]:
    """Compare each compressed model with the uncompressed one, run by run of the seeds that both have."""
    pairs: dict[tuple[str, str], list[tuple[int, int]]] = {}
    for (model, method, seed), place in runs.places.items():
        before = runs.places.get((model, UNCOMPRESSED, seed))
        if method != UNCOMPRESSED and before is not None:
            pairs.setdefault((model, method), []).append((place, before))  # where the two runs are
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
    variance = statistics.of_differences(spread)
    exact = runs.binary & (number == 1)
    p = statistics.p_values(spread.mean, variance)
    firsts = (number.cumsum() - number)[exact]
    ours, theirs = runs.right(after[firsts]), runs.right(before[firsts])
    p[exact] = statistics.mcnemar((ours * (1 - theirs)).sum(axis=1), (theirs * (1 - ours)).sum(axis=1))
    tests = _tested(spread.mean, variance, exact, p)
    names = [
        (method, UNCOMPRESSED) if metric.rank(difference) > 0 else (UNCOMPRESSED, method)
        for (_, method), difference in zip(pairs, spread.mean, strict=True)
    ]
    return dict(zip(pairs, _compared(tests, names, runs.test), strict=True))


def _tested(difference: Array, variance: Variance, exact: NDArray[np.bool_], p: Array) -> _Tests:
    """Correct the p-values of all comparisons of a kind."""
    corrected = statistics.holm(p)
    level = statistics.LEVEL / max(int((corrected > statistics.LEVEL).sum()), 1)
    return _Tests(difference, variance, exact, p, corrected, level)


def _compared(tests: _Tests, names: Sequence[tuple[str, str]], test: str) -> tuple[Compared, ...]:
    """Return comparisons with what would be needed, each with the names of (better, worse).

    Args:
        test: by which those are compared that McNemar's is not for.
    """
    told = tests.p_holm <= statistics.LEVEL
    reach = tests.variance.reach(statistics.LEVEL)
    varies = reach > statistics.CONSTANT * np.abs(tests.difference)
    items: dict[int, int | None] = {}
    seeds: dict[int, int | None] = {}
    rows = np.flatnonzero(~told & varies)
    if len(rows):
        asked = tests.difference[rows], tests.variance.take(rows), tests.level
        items = dict(zip(rows.tolist(), statistics.needed_items(*asked), strict=True))
        seeds = dict(zip(rows.tolist(), statistics.needed_runs(*asked), strict=True))
    return tuple(
        Compared(
            better,
            worse,
            float(size),
            float(size - reach[row]) if varies[row] else None,
            float(size + reach[row]) if varies[row] else None,
            float(tests.p[row]),
            float(tests.p_holm[row]),
            bool(told[row]),
            MCNEMAR if tests.exact[row] else test,
            items.get(row),
            seeds.get(row),
        )
        for row, ((better, worse), size) in enumerate(zip(names, np.abs(tests.difference), strict=True))
    )
