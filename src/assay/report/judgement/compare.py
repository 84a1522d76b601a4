# SPDX-License-Identifier: Apache-2.0
"""The changes between two runs: scores beyond noise or within it, new, removed and broken models, and costs.

Every score that changed is tested, with Holm's correction for all of them. If both runs have at least two seeds, it is
Welch's t-test over seeds. If either has one, or the seed has no effect, the predictions of both for the same test items
are compared: by McNemar's exact test if they are correct or not, else by a paired bootstrap of the items or of the
task's units of independence; this does not include the variation between seeds. If no test is possible, the change has
the reason.
"""

from __future__ import annotations

import json
import math
import statistics
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from assay import paths
from assay.provenance import dvc_lock
from assay.report.inference import same_items
from assay.report.inference.statistics import holm
from assay.report.results.runs import Run, last, of_record
from assay.report.results.summaries import better
from assay.tasks.metric import PrimaryMetric, read_columns

LEVEL = 0.05
"""The level of all tests of a comparison together."""
ROUNDING = 1e-6
"""The relative tolerance at which scores are the same: the order of sums depends on the machine."""
FACTORS = {
    "size_bytes": (1.02, 0.0),
    "train_seconds": (1.25, 1.0),
    "peak_memory_bytes": (1.25, 0.0),
    "latency_ms_batch1": (1.25, 0.0),
    "latency_ms_batch64": (1.25, 0.0),
}
"""A cost changed if it is larger or smaller by at least this factor, and differs by more than the second number."""
HOST_INDEPENDENT = ("size_bytes",)
"""Costs that do not depend on the host; the others are compared only if both runs had the same host."""
KINDS = ("broken", "worse", "better", "fixed", "gone", "new", "untested", "within noise", "cost", "same")
"""The kinds of changes, those that need attention first."""

Key = tuple[str, str, str, str, str]
"""Suite, task, dataset, model, method."""
MetricOf = Callable[[str], PrimaryMetric | None]
"""From a task's name to its primary metric; None for an unknown task."""


@dataclass(frozen=True)
class Change:
    """One line of a comparison: a model and method, its primary metric or one of its costs."""

    kind: str
    suite: str
    task: str
    dataset: str
    model: str
    method: str
    measure: str
    """The primary metric, or the cost's column."""
    before: float | None
    now: float | None
    """Means over seeds."""
    seeds_before: int
    seeds_now: int
    p: float | None = None
    """Corrected for all tests of the comparison; None without a test."""
    why: str = ""
    """The test, or why there is none."""


@dataclass(frozen=True)
class Comparison:
    """The changes between two runs."""

    before: str
    now: str
    changes: tuple[Change, ...]
    other_hosts: int
    """The number of models and methods whose times are not compared because the runs' hosts differ."""

    @property
    def counts(self) -> dict[str, int]:
        """The number of changes of each kind, in the order of ``KINDS``."""
        return {kind: sum(each.kind == kind for each in self.changes) for kind in KINDS}


@dataclass(frozen=True)
class Group:
    """A run's results of a model and method, by seed: the primary metric on test, and the status."""

    values: Mapping[str, float]
    ended: Mapping[str, str]

    @property
    def mean(self) -> float | None:
        return statistics.fmean(self.values.values()) if self.values else None

    @property
    def varies(self) -> bool:
        return len(set(self.values.values())) > 1

    @property
    def endings(self) -> str:
        return ", ".join(sorted(set(self.ended.values()) - {"ok"}))


def compare(before: Run, now: Run, metric_of: MetricOf) -> Comparison:
    """Return the changes from one run to the other, those that need attention first."""
    costs, other_hosts = _costs(before, now)
    changes = [*_corrected(list(_scores(before, now, metric_of))), *costs]
    changes.sort(key=lambda each: (KINDS.index(each.kind), each.suite, each.task, each.model, each.method))
    return Comparison(_named(before), _named(now), tuple(changes), other_hosts)


def since_last(results: str, costs: str, now: Run, metric_of: MetricOf) -> Comparison | str:
    """Return the changes since DVC's newest record of other results, or the reason why they are unknown, in one line.

    Args:
        results: the text of this run's results.csv.
        costs: the text of its costs.csv.
    """
    try:
        record = last(results, costs)
        return compare(of_record(record), now, metric_of) if record else no_earlier()
    except ValueError as error:
        return str(error)


def no_earlier() -> str:
    """Return the line that reports that there is no earlier run to compare with."""
    more = " This is a shallow clone: git fetch --unshallow." if dvc_lock.is_shallow() else ""
    return f"There is no earlier run to compare with: dvc.lock and its commits hold no other results.{more}"


def _named(run: Run) -> str:
    suites = sorted({row["suite"] for row in run.results})
    return f"{run.name}, suite {', '.join(suites) or 'unknown'}"


def _groups(run: Run) -> dict[Key, Group]:
    values: dict[Key, dict[str, float]] = defaultdict(dict)
    ended: dict[Key, dict[str, str]] = defaultdict(dict)
    for row in run.results:
        key = (row["suite"], row["task"], row["dataset"], row["model"], row["method"])
        ended[key][row["seed"]] = row["status"]
        primary = run.judged.get(row["task"], ("", ""))[0]
        if row["split"] == "test" and row["metric"] == primary and row["value"]:
            values[key][row["seed"]] = float(row["value"])
    return {key: Group(values[key], endings) for key, endings in ended.items()}


def _scores(before: Run, now: Run, metric_of: MetricOf) -> Iterator[Change]:
    """Yield one change per model and method; tested ones are better or worse before the correction."""
    old, new = _groups(before), _groups(now)
    nothing = Group({}, {})
    for key in dict.fromkeys([*old, *new]):
        first, second = old.get(key, nothing), new.get(key, nothing)
        known = [run.judged[key[1]] for run in (now, before) if key[1] in run.judged]
        measure, direction = known[0] if known else ("", "maximise")
        means = first.mean, second.mean
        base = Change("same", *key, measure, *means, len(first.values), len(second.values))
        if not first.values or not second.values:
            yield from _one_sided(base, first, second)
        elif known[0] != known[-1]:
            yield replace(
                base, kind="untested", before=None, why=f"the primary metric was {known[-1][0]} before"
            )
        else:
            yield _both_sided(base, first, second, before, now, direction, metric_of)


def _one_sided(base: Change, first: Group, second: Group) -> Iterator[Change]:
    """Yield the change of a model and method without a score on one side; nothing if it is not worth reporting."""
    if first.values:
        kind, why = ("broken", f"{second.endings} now") if second.ended else ("gone", "")
    elif second.values:
        kind, why = ("fixed", f"{first.endings} before") if first.ended else ("new", "")
    elif second.ended and not first.ended and second.endings != "skipped":
        kind, why = "new", f"{second.endings} now"
    else:
        return
    yield replace(base, kind=kind, why=why)


def _both_sided(
    base: Change, first: Group, second: Group, before: Run, now: Run, direction: str, metric_of: MetricOf
) -> Change:
    """Return the change of a model and method with scores on both sides, tested if they differ."""
    common = [seed for seed in first.values if seed in second.values]
    moved = [
        seed for seed in common if not math.isclose(first.values[seed], second.values[seed], rel_tol=ROUNDING)
    ]
    if common and not moved:
        others = len(first.values) != len(second.values)
        return replace(base, why="at the seeds that both have" if others else "")
    assert base.before is not None
    assert base.now is not None
    kind = "better" if better(base.now, base.before, direction) else "worse"
    folders = [_folder(base, seed) for seed in (moved or common)[:1]]
    if any(_data(before, folder) != _data(now, folder) for folder in folders):
        return replace(base, kind="untested", why="the data differ: no test possible")
    if min(len(first.values), len(second.values)) > 1 and (first.varies or second.varies):
        return replace(base, kind=kind, p=welch(first, second), why="Welch's t-test over seeds")
    if not folders:
        return replace(base, kind="untested", why="changed, one run, no seed in common: no test possible")
    p, why = _by_items(before, now, folders[0], metric_of(base.task))
    return replace(base, kind="untested" if p is None else kind, p=p, why=why)


def welch(first: Group, second: Group) -> float:
    """Return the two-sided p-value of the difference of two means over seeds."""
    facts: list[float] = []
    for values in (first.values.values(), second.values.values()):
        facts += [statistics.fmean(values), statistics.stdev(values), len(values)]
    return float(stats.ttest_ind_from_stats(*facts, equal_var=False).pvalue)


def _folder(change: Change, seed: str) -> Path:
    names = {"suite": change.suite, "task": change.task, "model": change.model, "method": change.method}
    return Path(paths.EVALUATED.format(seed=seed, **names))


def _data(run: Run, folder: Path) -> Any:
    """Return the digests of the prepared data that a variant was evaluated on; None if they are unknown."""
    record = run.read(folder / paths.STATUS)
    return json.loads(record).get("data") if record else None


def _by_items(before: Run, now: Run, folder: Path, metric: PrimaryMetric | None) -> tuple[float | None, str]:
    """Return the p-value of two runs' predictions for the same items and the test's name, or None and the reason."""
    if metric is None:
        return None, "changed, one run, and the task is unknown here: no test possible"
    tables = []
    for run in (before, now):
        data = run.read(folder / "predictions.parquet")
        if data is None:
            return None, f"changed, one run, and predictions of {run.name} are not here: no test possible"
        table = pd.read_parquet(BytesIO(data))
        if lacking := [column for column in read_columns(metric) if column not in table]:
            return (
                None,
                f"changed, one run, and predictions of {run.name} lack {lacking[0]}: no test possible",
            )
        tables.append(table[read_columns(metric)])
    if not tables[0]["item"].equals(tables[1]["item"]):
        return None, "changed, one run, and the test items differ: no test possible"
    p, test = same_items.p_value(tables[0], tables[1], metric)
    if math.isnan(p):
        return (
            None,
            f"changed, one run, and {metric.name} is undefined on parts of its items: no test possible",
        )
    return p, f"{test}, one run each"


def _corrected(changes: Sequence[Change]) -> list[Change]:
    """Return the changes with p-values corrected for their number; those not significant are within noise."""
    tested = [each.p for each in changes if each.p is not None]
    corrected = iter(holm(np.array(tested)))
    corrected_changes = []
    for each in changes:
        if each.p is not None:
            p = float(next(corrected))
            each = replace(each, p=p, kind=each.kind if p < LEVEL else "within noise")
        corrected_changes.append(each)
    return corrected_changes


def _costs(before: Run, now: Run) -> tuple[list[Change], int]:
    """Return the costs that changed, and the number of models and methods whose times are not compared."""
    old, new = _measured(before), _measured(now)
    changes, other_hosts = [], 0
    for key in (key for key in old if key in new):
        first, second = old[key], new[key]
        same_host = {row["host"] for row in first} == {row["host"] for row in second}
        other_hosts += not same_host
        for column, (factor, least) in FACTORS.items():
            if column not in HOST_INDEPENDENT and not same_host:
                continue
            values = [[float(row[column]) for row in rows if row[column]] for rows in (first, second)]
            if not all(values):
                continue
            earlier, later = (statistics.fmean(each) for each in values)
            if min(earlier, later) <= 0 or abs(later - earlier) <= least:
                continue
            if max(earlier / later, later / earlier) >= factor:
                counts = len(values[0]), len(values[1])
                why = f"{later / earlier:.2f} times"
                changes.append(Change("cost", *key, column, earlier, later, *counts, why=why))
    return changes, other_hosts


def _measured(run: Run) -> dict[Key, list[Mapping[str, str]]]:
    """Return the rows of costs.csv by model and method, without those of variants without a model."""
    datasets = {(row["suite"], row["task"]): row["dataset"] for row in run.results}
    rows: dict[Key, list[Mapping[str, str]]] = defaultdict(list)
    for row in run.costs:
        if row["size_bytes"]:
            dataset = datasets.get((row["suite"], row["task"]), "")
            rows[row["suite"], row["task"], dataset, row["model"], row["method"]].append(row)
    return rows
