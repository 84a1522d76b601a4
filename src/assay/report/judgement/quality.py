# SPDX-License-Identifier: Apache-2.0
"""Quality checks: the doubts that a sceptic would raise about a number, one small check each.

Each finding has a severity, a line of text and the numbers that it marks.

serious: the number is not what it seems: it cannot be correct, it was obtained in a way that is not allowed, or the
    model learned nothing beyond the control.
warning: the number seems correct, but a conclusion drawn from it may be wrong, or nobody could check it.
note: nothing is wrong, but keep it in mind when comparing or quoting the number.

To add a check, write a function from :class:`Evidence` to findings and a line in ``CHECKS``.
"""

from __future__ import annotations

import statistics
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from assay.paths import UNCOMPRESSED
from assay.report.formatting import numbers
from assay.report.inference.analysis import Analysis
from assay.report.inference.noise import LEVEL, Noise
from assay.report.results.collect import UNCOMMITTED, Sheet, Task, Variant
from assay.report.results.published import Published
from assay.report.results.summaries import Summary, best_of, better
from assay.report.results.trials import Tuning

Severity = Literal["serious", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("serious", "warning", "note")
Place = tuple[str, str]
"""The model and method of a number; ("", "") means the whole task."""

FEWEST_SEEDS = 3
MARGIN = 0.02
"""How much better validation may be than test, as a share of the test score: a model chosen on validation scores
slightly better there."""
SHOWN = 3
_LEAKS = {
    "splits_with_hash": "items of {} occur in two splits",
    "splits_with_group": "groups of {} occur in two splits",
    "held_out_before": "training items of {} are not earlier than those held out",
}
"""By the column of the validation record that shows it."""


@dataclass(frozen=True)
class Finding:
    """One line of the quality section."""

    severity: Severity
    text: str
    kind: str = ""
    """The check's name in ``CHECKS``."""
    task: str = ""
    model: str = ""
    """"" if the finding concerns several models or none; ``at`` lists them."""
    method: str = ""
    seed: str = ""
    at: tuple[Place, ...] = ()
    """The marked numbers, if they belong to several models or methods."""

    @property
    def places(self) -> tuple[Place, ...]:
        """Return the model and method of each marked number."""
        return self.at or ((self.model, self.method),)


@dataclass(frozen=True)
class Evidence:
    """The input of the checks, for one task."""

    task: Task
    sheet: Sheet
    summaries: Sequence[Summary]
    """The summaries of this task, including compressed models."""
    analysis: Analysis
    published: Mapping[str, Published]
    """The dataset's published values, by model."""
    compression: Sequence[Mapping[str, Any]]
    """As returned by :func:`assay.report.results.compression.compared`."""
    tuning: Sequence[Tuning] = ()
    """The hyperparameter settings that were tried on this task."""

    @property
    def plain(self) -> list[Summary]:
        """Return the uncompressed models."""
        return [each for each in self.summaries if each.method == UNCOMPRESSED]

    @property
    def finished(self) -> list[Variant]:
        """Return every variant with numbers."""
        return [variant for each in self.summaries for variant in each.finished]

    def mean(self, summary: Summary) -> float | None:
        """Return a model's mean of the primary metric on test."""
        score = summary.score(self.task.primary)
        return score.mean if score else None

    def shown(self, value: float) -> str:
        """Return a value of the primary metric as text."""
        return numbers.score_with_unit(value, self.task.primary)


Check = Callable[[Evidence], Iterator[Finding]]


def findings(tasks: Iterable[Evidence]) -> list[Finding]:
    """Return the findings of all checks on all tasks, the most severe first, then by task and check."""
    found = [
        replace(finding, kind=kind, task=evidence.task.name)
        for evidence in tasks
        for kind, check in CHECKS.items()
        for finding in check(evidence)
    ]
    return sorted(found, key=lambda finding: SEVERITIES.index(finding.severity))


def marks(found: Iterable[Finding]) -> dict[tuple[str, str, str], list[Finding]]:
    """Return the findings of each marked number, by (task, model, method); (task, "", "") is the task's heading."""
    marked: dict[tuple[str, str, str], list[Finding]] = defaultdict(list)
    for finding in found:
        for model, method in finding.places:
            marked[finding.task, model, method].append(finding)
    return dict(marked)


def not_above_control(evidence: Evidence) -> Iterator[Finding]:
    """A model that does not beat the best control, by its mean or significantly."""
    task = evidence.task
    controls = _controls(evidence)
    limit = best_of(controls.values(), task.direction)
    for each in evidence.plain:
        name, mean = each.model.name, evidence.mean(each)
        if limit is None or mean is None or each.control:
            continue
        alike = [control for control in controls if control in evidence.analysis.ties.get(name, ())]
        if not better(mean, limit, task.direction):
            best = next(control for control, score in controls.items() if score == limit)
            text = f"{evidence.shown(mean)} is not better than the control {best}, {evidence.shown(limit)}"
            yield Finding("serious", f"{name}: {text}", model=name, method=UNCOMPRESSED)
        elif alike:
            text = f"{evidence.shown(mean)} is not significantly better than {_some(alike)}"
            yield Finding("warning", f"{name}: {text}", model=name, method=UNCOMPRESSED)


def no_control(evidence: Evidence) -> Iterator[Finding]:
    """A task without a finished control to compare with."""
    if evidence.finished and not _controls(evidence):
        yield Finding(
            "warning", "no control has finished, so the score of a model that learns nothing is unknown"
        )


def leak(evidence: Evidence) -> Iterator[Finding]:
    """Items or groups that occur in two splits, as the dataset's validation and its preparation record them."""
    checks = {
        each.get("column"): each
        for each in evidence.sheet.validation.get("expectations") or []
        if each.get("column") in _LEAKS
    }
    if "splits_with_hash" not in checks:
        yield Finding("warning", f"no record says whether items of {evidence.sheet.name} occur in two splits")
    for column, each in checks.items():
        if not each.get("success"):
            text = _LEAKS[column].format(evidence.sheet.name)
            yield Finding("serious", f"{text}: {each.get('observed')}")
    for each in evidence.sheet.prepared.get("dropped") or []:
        if str(each["reason"]).startswith("also in "):
            text = f"{each['count']:,} items of {each['split']} were dropped: {each['reason']}"
            yield Finding("note", f"{evidence.sheet.name} leaks as published; {text}")


def upstream_split_unused(evidence: Evidence) -> Iterator[Finding]:
    """Items that upstream holds out and that are trained on, or held out in a different split."""
    named = (evidence.sheet.prepared.get("split") or {}).get("items") or {}
    for split in ("validation", "test"):
        for used, count in (named.get(split) or {}).items():
            if used != split and count:
                text = f"{count:,} of upstream's {split} items of {evidence.sheet.name}"
                trained = used == "train"
                yield Finding(
                    "serious" if trained else "warning",
                    f"{text} are trained on" if trained else f"{text} are in {used}",
                )


def beyond_optimum(evidence: Evidence) -> Iterator[Finding]:
    """A score better than the known optimum by more than its interval."""
    optimum = evidence.task.optimum
    if optimum is None:
        return
    for (model, method), estimate in evidence.analysis.estimates.items():
        if estimate.low is None or estimate.high is None:
            continue
        nearest = estimate.low if evidence.task.direction == "maximise" else estimate.high
        if better(nearest, optimum, evidence.task.direction):
            interval = f"{evidence.shown(estimate.low)} to {evidence.shown(estimate.high)}"
            text = f"{interval} is better than the known optimum, {evidence.shown(optimum)}"
            yield Finding("serious", f"{_named(model, method)}: {text}", model=model, method=method)


def gap_within_interval(evidence: Evidence) -> Iterator[Finding]:
    """Adjacent models that are not significantly different and whose gap is smaller than either half-interval."""
    estimates = evidence.analysis.estimates
    close = [
        pair
        for pair in evidence.analysis.neighbours
        if not pair.separable
        and any(
            pair.difference < (estimate.high - estimate.low) / 2
            for name in (pair.better, pair.worse)
            if (estimate := estimates.get((name, UNCOMPRESSED)))
            and estimate.low is not None
            and estimate.high is not None
        )
    ]
    if close:
        of = f"{len(close)} of {len(evidence.analysis.neighbours)}"
        pairs = _some([f"{pair.better} over {pair.worse}" for pair in close])
        at = tuple((pair.better, UNCOMPRESSED) for pair in close)
        yield Finding(
            "note", f"{of} gaps between adjacent models are smaller than their intervals: {pairs}", at=at
        )


def several_hosts(evidence: Evidence) -> Iterator[Finding]:
    """Times of one task that were measured on different hosts."""
    hosts = Counter(each.host for each in evidence.finished if each.host)
    if len(hosts) > 1:
        (usual, _), *others = hosts.most_common()
        places = _places(each for each in evidence.finished if each.host and each.host != usual)
        text = (
            f"times were measured on {len(hosts)} hosts; {_models(places)} not on the most common one but on"
        )
        yield Finding("warning", f"{text} {_some([host for host, _ in others])}", at=places)


def failed_seeds(evidence: Evidence) -> Iterator[Finding]:
    """Seeds without a result: the mean is over the others.

    For a compressed model only failures of compression or evaluation count: those of training are reported once.
    """
    for each in evidence.summaries:
        lost = [
            variant
            for variant in each.variants
            if not variant.ok
            and variant.status != "skipped"
            and (each.method == UNCOMPRESSED or variant.phase != "train")
        ]
        if lost:
            name = _named(each.model.name, each.method)
            why = _some([f"seed {variant.seed} {variant.status}" for variant in lost])
            left = f"{len(each.finished)} of {len(each.variants)} seeds finished"
            seed = lost[0].seed if len(lost) == 1 else ""
            text = f"{name}: {left}; {why}"
            yield Finding("warning", text, model=each.model.name, method=each.method, seed=seed)


def validation_far_above_test(evidence: Evidence) -> Iterator[Finding]:
    """Validation better than test by more than ``MARGIN`` and chance: overfitted choices, or splits that differ.

    The gap is a mean over seeds; its variance is the variance over seeds plus the variance over the items of both
    splits. Student's t, one-sided (see :mod:`assay.report.inference.noise`).
    """
    task = evidence.task
    counts = evidence.sheet.prepared.get("counts") or {}
    sign = 1 if task.direction == "maximise" else -1
    for each in evidence.plain:
        score = each.score(task.primary)
        estimate = evidence.analysis.estimates.get((each.model.name, UNCOMPRESSED))
        gaps = [
            sign * (variant.metrics["validation"][task.primary] - variant.metrics["test"][task.primary])
            for variant in each.finished
            if all(task.primary in variant.metrics.get(split, {}) for split in ("validation", "test"))
        ]
        if not score or not estimate or not gaps or not counts.get("validation"):
            continue
        seeds = statistics.variance(gaps) / len(gaps) if len(gaps) > 1 else 0.0
        items = estimate.items_variance * (1 + counts["test"] / counts["validation"])
        if not seeds + items:
            continue
        chance = Noise(seeds, max(1, len(gaps) - 1), items)
        gap, margin = statistics.fmean(gaps), MARGIN * abs(score.mean)
        if chance.chance_above(gap - margin) < LEVEL:
            text = f"validation is {numbers.amount(gap, task.primary)} better than test"
            beyond = f"more than {numbers.amount(margin, task.primary)} plus chance"
            yield Finding(
                "warning",
                f"{each.model.name}: {text}, {beyond}",
                model=each.model.name,
                method=UNCOMPRESSED,
            )


def few_seeds(evidence: Evidence) -> Iterator[Finding]:
    """Models that depend on the seed, with too few seeds to estimate the variation."""
    few = [
        (each.model.name, UNCOMPRESSED)
        for each in evidence.plain
        if each.model.seeded and 0 < len(each.finished) < FEWEST_SEEDS
    ]
    if few:
        yield Finding("warning", f"fewer than {FEWEST_SEEDS} seeds: {_models(few)}", at=tuple(few))


def no_predictions(evidence: Evidence) -> Iterator[Finding]:
    """Numbers without an interval and a rank, because the predictions on the test items could not be used."""
    reasons = evidence.analysis.reasons
    if reasons:
        places = tuple(dict.fromkeys((model, method) for model, method, _ in reasons))
        why = _some(list(dict.fromkeys(reasons.values())))
        yield Finding("warning", f"no interval and no rank: {_models(places)}; {why}", at=places)


def uncommitted(evidence: Evidence) -> Iterator[Finding]:
    """Numbers that no commit can reproduce."""
    places = _places(
        each for each in evidence.finished if any(commit.endswith(UNCOMMITTED) for commit in each.commits)
    )
    if places:
        yield Finding("warning", f"made with uncommitted changes: {_models(places)}", at=places)


def several_commits(evidence: Evidence) -> Iterator[Finding]:
    """Numbers of one task that were made at different states of the code."""
    commits = Counter(commit for each in evidence.finished for commit in sorted(each.commits))
    if len(commits) > 1:
        names = _some([commit for commit, _ in commits.most_common()])
        yield Finding("note", f"results come from {len(commits)} states of the code: {names}")


def twin(evidence: Evidence) -> Iterator[Finding]:
    """Numbers from a synthetic twin instead of the real data."""
    if evidence.sheet.twin:
        text = "is a synthetic twin: these numbers say nothing about the models' quality on the real data"
        yield Finding("warning", f"{evidence.sheet.name} {text}")


def over_budget(evidence: Evidence) -> Iterator[Finding]:
    """Compressed models whose relative drop on test is larger than allowed."""
    for row in evidence.compression:
        if row["over_budget"]:
            text = f"lost {row['lost']:.1%} of its test score; {row['max_relative_drop']:.1%} is allowed"
            name = _named(row["model"], row["method"])
            yield Finding("warning", f"{name}: {text}", model=row["model"], method=row["method"])


def chosen_after_test(evidence: Evidence) -> Iterator[Finding]:
    """Rows whose settings were chosen after one of their test scores had been seen."""
    seen = [(each.model, each.method) for each in evidence.tuning if each.is_choice_after_test]
    if seen and not evidence.sheet.twin:
        text = "settings were chosen after a test score had been seen; see docs/tuning.csv"
        yield Finding("warning", f"{_models(seen)}: {text}", at=tuple(seen))


def not_checked_at_source(evidence: Evidence) -> Iterator[Finding]:
    """Models whose published value was not read at its source."""
    quoted = [
        (each.model.name, UNCOMPRESSED)
        for each in evidence.plain
        if (value := evidence.published.get(each.model.name))
        and value.metric == evidence.task.primary
        and not value.seen_at_source
    ]
    if quoted:
        yield Finding(
            "note", f"published values not checked at their source: {_models(quoted)}", at=tuple(quoted)
        )


CHECKS: Mapping[str, Check] = {
    "not above control": not_above_control,
    "no control": no_control,
    "leak": leak,
    "upstream's split unused": upstream_split_unused,
    "beyond optimum": beyond_optimum,
    "gap within interval": gap_within_interval,
    "several hosts": several_hosts,
    "failed seeds": failed_seeds,
    "validation far above test": validation_far_above_test,
    "few seeds": few_seeds,
    "no predictions": no_predictions,
    "uncommitted changes": uncommitted,
    "several commits": several_commits,
    "twin": twin,
    "over budget": over_budget,
    "chosen after test": chosen_after_test,
    "not checked at source": not_checked_at_source,
}


def _controls(evidence: Evidence) -> dict[str, float]:
    """Return the mean score of each control that has one."""
    means = {each.model.name: evidence.mean(each) for each in evidence.plain if each.control}
    return {name: mean for name, mean in means.items() if mean is not None}


def _named(model: str, method: str) -> str:
    return model if method == UNCOMPRESSED else f"{model}, {method}"


def _places(variants: Iterable[Variant]) -> tuple[Place, ...]:
    return tuple(dict.fromkeys((each.model, each.method) for each in variants))


def _models(places: Iterable[Place]) -> str:
    return _some(list(dict.fromkeys(model for model, _ in places)))


def _some(names: Sequence[str]) -> str:
    """Return the first names and the number of further ones."""
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
