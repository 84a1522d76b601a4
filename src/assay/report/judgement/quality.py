# SPDX-License-Identifier: Apache-2.0
"""Quality checks: the doubts that a sceptic would raise about a number, one small check each.

Each finding has a severity, a line of text and the numbers that it marks.

serious: the number is not what it seems: it cannot be correct, it was obtained in a way that is not allowed, or the
    model learned nothing beyond the control.
warning: the number seems correct, but a conclusion drawn from it may be wrong, or nobody could check it.
note: nothing is wrong, but keep it in mind when comparing or quoting the number.

Each check has a code, which never changes and which ``reports/tests.csv`` and other programs may rely on, the reason
why it matters and the remedy. To add a check, write a function from :class:`Evidence` to findings and an entry in
``CHECKS``; a test asserts that each is seen to fire on a made report and to be silent on a clean one.
"""

from __future__ import annotations

import statistics
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from assay.paths import UNCOMPRESSED
from assay.report.formatting import numbers
from assay.report.inference.analysis import Analysis
from assay.report.inference.noise import LEVEL, Noise
from assay.report.judgement.published_verdicts import Verdict
from assay.report.results import compression
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
FEWEST_UNITS = 100
"""Below this number of test items, or units, an interval of a share is at least some ten points wide."""
MOST_DROPPED = 0.1
"""The share of the items that cleaning may drop without a finding."""
MOST_OF_ONE_CLASS = 0.9
"""The share of one class from which on accuracy says little."""
OVERFITTED = 1.5
"""The last validation loss as a multiple of the lowest."""
STILL_IMPROVING = 0.02
"""The share by which the watched metric changed in the last quarter of the epochs."""
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
    code: str = ""
    """The check's code."""
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
    verdicts: Mapping[str, Verdict] = field(default_factory=dict)
    """The verdicts on published values, by model."""

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


@dataclass(frozen=True)
class Check:
    """One check: what it finds, why that matters, and what to do about it."""

    code: str
    find: Callable[[Evidence], Iterator[Finding]]
    reason: str
    remedy: str


def findings(tasks: Iterable[Evidence]) -> list[Finding]:
    """Return the findings of all checks on all tasks, the most severe first, then by task and check."""
    found = [
        replace(finding, kind=kind, code=check.code, task=evidence.task.name)
        for evidence in tasks
        for kind, check in CHECKS.items()
        for finding in check.find(evidence)
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
        yield Finding("note", f"{of} differences between adjacent models are not significant: {pairs}", at=at)


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
            left = f"{len(each.finished)} of {len(each.variants)} {each.task.run}s finished"
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
        text = f"fewer than {FEWEST_SEEDS} {evidence.task.run}s: {_models(few)}"
        yield Finding("warning", text, at=tuple(few))


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
    """Compressed models whose relative drop on test is significantly larger than allowed."""
    for row in evidence.compression:
        if row["verdict"] == "beyond":
            allowed = f"significantly more than {row['max_relative_drop']:.1%}, which is allowed"
            text = f"lost {row['lost']:.1%} of its test score, {allowed}"
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


def budget_undecided(evidence: Evidence) -> Iterator[Finding]:
    """Compressed models of which these items and seeds cannot say whether they stay within their budget."""
    places = tuple(
        (row["model"], row["method"]) for row in evidence.compression if row["verdict"] == "undecided"
    )
    if places:
        of = f"{len(places)} of {len(evidence.compression)} compressed models"
        yield Finding(
            "note", f"{of} are neither within nor beyond their budget: {_models(places)}", at=places
        )


def no_gain(evidence: Evidence) -> Iterator[Finding]:
    """Compressed models that are neither smaller nor faster than the same runtime at full precision."""
    places = tuple(
        (row["model"], row["method"])
        for row in evidence.compression
        if row["gain"] == compression.NO_GAIN and row["model"] not in evidence.task.controls
    )
    if places:
        names = _some([_named(*place) for place in places])
        yield Finding("note", f"neither smaller nor faster on the same runtime: {names}", at=places)


def no_baseline(evidence: Evidence) -> Iterator[Finding]:
    """Compressed models whose runtime did not run at full precision."""
    places = tuple((row["model"], row["method"]) for row in evidence.compression if row["baseline"] == "")
    if places:
        names = _some([_named(*place) for place in places])
        text = f"their speed includes a change of runtime, which no method of this run measures: {names}"
        yield Finding("note", text, at=places)


def below_published(evidence: Evidence) -> Iterator[Finding]:
    """Models that are worse than a comparable published value by more than its margin."""
    for model, found in evidence.verdicts.items():
        if found.name == "below":
            yield Finding("warning", f"{model}: {found.why}", model=model, method=UNCOMPRESSED)


def few_units(evidence: Evidence) -> Iterator[Finding]:
    """Tasks with few test items, or units of independence."""
    number = evidence.analysis.num_units
    if 0 < number < FEWEST_UNITS:
        yield Finding("warning", f"only {number} test {evidence.task.unit}s: intervals are wide")


def perfect(evidence: Evidence) -> Iterator[Finding]:
    """Models without any error on test, where no optimum is known that would allow it."""
    metric = evidence.task.metric
    if metric is None or metric.highest is None or evidence.task.optimum is not None:
        return
    best = metric.highest if evidence.task.direction == "maximise" else 0.0
    names = [each.model.name for each in evidence.plain if evidence.mean(each) == best]
    if names:
        text = f"a perfect score, {evidence.shown(best)}: {_some(names)}"
        yield Finding("warning", text, at=tuple((name, UNCOMPRESSED) for name in names))


def one_class(evidence: Evidence) -> Iterator[Finding]:
    """Models other than controls that predict the same class for every item."""
    for each in evidence.plain:
        columns = [
            {place for row in variant.confusion for place, number in enumerate(row) if number}
            for variant in each.finished
            if len(variant.confusion) > 1
        ]
        stuck = sum(len(column) == 1 for column in columns)
        if stuck and not each.control:
            text = f"{each.model.name}: {stuck} of {len(columns)} seeds predict one class for every item"
            yield Finding("serious", text, model=each.model.name, method=UNCOMPRESSED)


def overfitted(evidence: Evidence) -> Iterator[Finding]:
    """Models whose validation loss rises far above its lowest value."""
    places = _places(
        variant
        for each in evidence.plain
        for variant in each.finished
        if len(losses := _losses(variant)) > 1 and losses[-1] > OVERFITTED * min(losses)
    )
    if places:
        text = f"validation loss ends {OVERFITTED} times above its lowest value: {_models(places)}"
        yield Finding("note", text, at=places)


def still_improving(evidence: Evidence) -> Iterator[Finding]:
    """Models that were still learning when their training ended."""
    places = _places(
        variant for each in evidence.plain for variant in each.finished if _is_improving(variant)
    )
    if places:
        yield Finding("note", f"still improving when training ended: {_models(places)}", at=places)


def fewer_training_items(evidence: Evidence) -> Iterator[Finding]:
    """Models that were trained on a part of the training items."""
    counts = [
        variant.train_items for each in evidence.plain for variant in each.finished if variant.train_items
    ]
    if counts:
        places = _places(
            variant for each in evidence.plain for variant in each.finished if variant.train_items
        )
        yield Finding("note", f"trained on {max(counts):,} items only: {_models(places)}", at=places)


def class_missing(evidence: Evidence) -> Iterator[Finding]:
    """Classes without an item in a split."""
    for split, counts in (evidence.sheet.prepared.get("class_counts") or {}).items():
        lacking = [place for place, number in enumerate(counts) if not number]
        if lacking:
            classes = evidence.sheet.prepared.get("classes") or []
            names = _some([str(classes[place]) if place < len(classes) else str(place) for place in lacking])
            yield Finding("warning", f"{split} of {evidence.sheet.name} has no item of {names}")


def imbalanced(evidence: Evidence) -> Iterator[Finding]:
    """Accuracy on a test set that is almost all of one class."""
    counts = (evidence.sheet.prepared.get("class_counts") or {}).get("test") or []
    if evidence.task.primary == "accuracy" and sum(counts) and max(counts) > MOST_OF_ONE_CLASS * sum(counts):
        share = max(counts) / sum(counts)
        yield Finding(
            "warning", f"{share:.0%} of the test items are of one class, and the metric is accuracy"
        )


def many_dropped(evidence: Evidence) -> Iterator[Finding]:
    """Cleaning that dropped a large part of a split."""
    counts = evidence.sheet.prepared.get("counts") or {}
    dropped: Counter[str] = Counter()
    for each in evidence.sheet.prepared.get("dropped") or []:
        dropped[str(each["split"])] += int(each["count"])
    for split, number in dropped.items():
        whole = number + int(counts.get(split) or 0)
        if number > MOST_DROPPED * whole:
            text = f"cleaning dropped {number:,} of {whole:,} items of {split} of {evidence.sheet.name}"
            yield Finding("warning", text)


def seeds_without_effect(evidence: Evidence) -> Iterator[Finding]:
    """Models that depend on the seed, but whose seeds all have the same scores on every split."""
    for each in evidence.plain:
        scores = {str(sorted((split, sorted(found.items())) for split, found in variant.metrics.items()))
                  for variant in each.finished}  # fmt: skip
        if each.model.seeded and len(each.finished) > 1 and len(scores) == 1:
            text = f"{each.model.name}: {len(each.finished)} seeds with the same scores"
            yield Finding("warning", text, model=each.model.name, method=UNCOMPRESSED)


def several_versions(evidence: Evidence) -> Iterator[Finding]:
    """Numbers of one task that were made with different versions of packages."""
    found: dict[str, set[str]] = defaultdict(set)
    for variant in evidence.finished:
        for package, number in variant.versions.items():
            found[package].add(number)
    differing = [
        f"{name} {' and '.join(sorted(numbers))}" for name, numbers in found.items() if len(numbers) > 1
    ]
    if differing:
        yield Finding("warning", f"made with different versions: {_some(sorted(differing))}")


def expectation_failed(evidence: Evidence) -> Iterator[Finding]:
    """Expectations that the data do not meet, other than leaks."""
    for each in evidence.sheet.validation.get("expectations") or []:
        if not each.get("success") and each.get("column") not in _LEAKS:
            what = " on ".join(str(each[key]) for key in ("expectation", "column") if each.get(key))
            allowed = f"; allowed: {each['allowed']}" if each.get("allowed") else ""
            yield Finding("serious", f"{evidence.sheet.name}: {what}: {each.get('observed')}{allowed}")


def other_data(evidence: Evidence) -> Iterator[Finding]:
    """Numbers of one task, or of one of its folds, that were measured on different prepared data."""
    folds: dict[str, dict[Place, tuple[tuple[str, str], ...]]] = defaultdict(dict)
    for variant in evidence.finished:
        if variant.phases[-1].data:
            fold = variant.seed if evidence.task.folds else ""
            data = tuple(sorted(variant.phases[-1].data.items()))
            folds[fold][variant.model, variant.method] = data
    other: dict[Place, None] = {}
    for digests in folds.values():
        usual = Counter(digests.values()).most_common(1)[0][0]
        other |= {place: None for place, digest in digests.items() if digest != usual}
    if other:
        places = tuple(other)
        yield Finding("serious", f"measured on other data than the others: {_models(places)}", at=places)


def no_licence(evidence: Evidence) -> Iterator[Finding]:
    """Data whose licence is not recorded."""
    if evidence.sheet.source and not evidence.sheet.source.get("licence"):
        yield Finding("note", f"the licence of {evidence.sheet.name} is not recorded")


CHECKS: Mapping[str, Check] = {
    "not above control": Check(
        "Q01", not_above_control,
        "a model that does not beat a control has learned nothing that its score would show",
        "check the labels and the training, or drop the model",
    ),
    "no control": Check(
        "Q02", no_control,
        "without a control nobody knows which score a model that learns nothing has",
        "add a control of the task to the suite's models",
    ),
    "leak": Check(
        "Q03", leak,
        "a model that has seen a test item scores higher than it would on new ones",
        "remove the items from training, or split by group or by time",
    ),
    "upstream's split unused": Check(
        "Q04", upstream_split_unused,
        "scores on another split cannot be compared with those of others",
        "use the split that the data came with",
    ),
    "beyond optimum": Check(
        "Q05", beyond_optimum,
        "no model can be better than the known optimum: something leaks or is computed wrongly",
        "look for a leak, and check the metric and the optimum",
    ),
    "gap within interval": Check(
        "Q06", gap_within_interval,
        "the order of these models may be chance",
        "do not choose by the score among them; more test items or seeds may decide",
    ),
    "several hosts": Check(
        "Q07", several_hosts,
        "times of different machines cannot be compared",
        "run the task on one machine before comparing times",
    ),
    "failed seeds": Check(
        "Q08", failed_seeds,
        "the mean is over the seeds that finished, which may be the easy ones",
        "see Failures; the next run tries them again",
    ),
    "validation far above test": Check(
        "Q09", validation_far_above_test,
        "choices were overfitted to validation, or the splits differ",
        "check how the splits are drawn; try fewer settings",
    ),
    "few seeds": Check(
        "Q10", few_seeds,
        "one or two runs say little about the variation between seeds",
        f"run at least {FEWEST_SEEDS} seeds",
    ),
    "no predictions": Check(
        "Q11", no_predictions,
        "without predictions there is no interval and no test",
        "run the variant again",
    ),
    "uncommitted changes": Check(
        "Q12", uncommitted,
        "no commit holds the code that made the number",
        "commit, then run again",
    ),
    "several commits": Check(
        "Q13", several_commits,
        "the numbers of one table were made by different code",
        "run again at one commit before quoting them together",
    ),
    "twin": Check(
        "Q14", twin,
        "scores on generated stand-ins say nothing about the real data",
        "run a suite without synthetic twins",
    ),
    "over budget": Check(
        "Q15", over_budget,
        "the compressed model loses more than its method promises",
        "choose a gentler setting, or a larger max_relative_drop if the loss is acceptable",
    ),
    "chosen after test": Check(
        "Q16", chosen_after_test,
        "a setting that was chosen after a test score was seen may be fitted to the test items",
        "choose again on validation items and run again",
    ),
    "not checked at source": Check(
        "Q17", not_checked_at_source,
        "a value that is quoted from elsewhere may be wrong",
        "read it at its source and set seen_at_source",
    ),
    "budget undecided": Check(
        "Q18", budget_undecided,
        "no significant loss is not the same as no loss",
        "see the number of test items or seeds that would decide",
    ),
    "no gain": Check(
        "Q19", no_gain,
        "a method that is neither smaller nor faster costs accuracy and effort for nothing",
        "use the full-precision graph, or drop the method",
    ),
    "no baseline": Check(
        "Q20", no_baseline,
        "a speedup that includes another runtime is not an effect of compression",
        "add the method that writes a full-precision graph for this runtime to the suite",
    ),
    "below published": Check(
        "Q21", below_published,
        "the implementation may be worse than the one that was published",
        "compare settings and budget with the source",
    ),
    "few units": Check(
        "Q22", few_units,
        "with few test items hardly any difference can be found",
        "hold out more items, or use cross-validation",
    ),
    "perfect score": Check(
        "Q23", perfect,
        "a score without any error often comes from a column that gives the target away",
        "look for leaks, and test on harder items",
    ),
    "one class": Check(
        "Q24", one_class,
        "a network that always gives the same answer did not train",
        "lower the learning rate, or check the labels",
    ),
    "overfitted": Check(
        "Q25", overfitted,
        "the last epochs made the model worse on new items",
        "stop earlier, or regularise more",
    ),
    "still improving": Check(
        "Q26", still_improving,
        "a model that was stopped while it was learning is compared below its worth",
        "train for more epochs",
    ),
    "fewer training items": Check(
        "Q27", fewer_training_items,
        "scores of models trained on a part of the data are not those of the whole",
        "remove train_items or train_fraction before quoting the score",
    ),
    "class missing": Check(
        "Q28", class_missing,
        "a class without training items cannot be learned; one without test items is not measured",
        "split by class (stratified), or merge rare classes",
    ),
    "imbalanced": Check(
        "Q29", imbalanced,
        "always giving the most frequent answer is nearly right",
        "judge by AUROC or by macro-averaged F1",
    ),
    "many dropped": Check(
        "Q30", many_dropped,
        "what is left may not be what the data were collected for",
        "read the reasons in the data sheet",
    ),
    "seeds without effect": Check(
        "Q31", seeds_without_effect,
        "equal runs are one run: the interval over seeds is too narrow",
        "check that the seed reaches the model, or declare it as not seeded",
    ),
    "several versions": Check(
        "Q32", several_versions,
        "other versions of a package can change scores by points",
        "run again in one environment",
    ),
    "expectation failed": Check(
        "Q33", expectation_failed,
        "the data are not what they were declared to be",
        "repair the data or the expectation",
    ),
    "other data": Check(
        "Q34", other_data,
        "scores on different items cannot be compared",
        "run the task again",
    ),
    "no licence": Check(
        "Q35", no_licence,
        "without a licence nobody knows whether the data may be used",
        "record the licence in the dataset",
    ),
}  # fmt: skip


def _losses(variant: Variant) -> list[float]:
    return [epoch.validation_loss for epoch in variant.history if epoch.validation_loss is not None]


def _is_improving(variant: Variant) -> bool:
    """Return whether the last epoch is the best and the watched metric still changed in the last quarter."""
    losses = _losses(variant)
    watched = [epoch.watched for epoch in variant.history if epoch.watched is not None]
    if len(losses) < 4 or len(watched) < 4 or losses[-1] > min(losses):
        return False
    before = watched[-1 - len(watched) // 4]
    return abs(watched[-1] - before) > STILL_IMPROVING * abs(before)


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
