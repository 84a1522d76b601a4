# SPDX-License-Identifier: Apache-2.0
"""What the report concludes, for other programs: estimates.csv and tests.csv.

estimates.csv has one row per model, method and task: the mean of the primary metric, its interval, what the interval is
over, and for uncompressed models the ranks that the tests allow. tests.csv has one row per test: which two things it
compares, the difference with its simultaneous interval, the p-value before and after the correction, the number of
comparisons that it is corrected for, and the verdict.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from assay.paths import UNCOMPRESSED
from assay.report.inference.across import Across
from assay.report.inference.analysis import Analysis, Compared
from assay.report.judgement.published_verdicts import Verdict
from assay.report.results.tables import Rows
from assay.report.sections.task import Section

ESTIMATES = (
    "suite",
    "task",
    "dataset",
    "model",
    "method",
    "metric",
    "direction",
    "mean",
    "low",
    "high",
    "coverage",
    "over",
    "seeds",
    "unit",
    "items",
    "units",
    "rank_low",
    "rank_high",
    "correction",
)
"""The columns of estimates.csv. ``coverage`` is that of each interval by itself, and ``correction`` that of the tests
behind the ranks."""
TESTS = (
    "suite",
    "task",
    "question",
    "first",
    "second",
    "method",
    "metric",
    "difference",
    "low",
    "high",
    "interval",
    "test",
    "unit",
    "units",
    "p",
    "p_corrected",
    "correction",
    "comparisons",
    "margin",
    "verdict",
    "needed_items",
    "needed_seeds",
)
"""The columns of tests.csv. ``difference`` is ``first`` minus ``second`` in the metric's own unit, or the relative drop
where the question is the budget, or the probability that ``first`` is better where it is one of families."""
HOLM, STEP_DOWN, BONFERRONI = "Holm", "step-down (Shaffer, Tukey)", "simultaneous 95%"
DIFFERENT, NOT_DIFFERENT = "different", "not significantly different"


def estimates(suite: str, sections: Sequence[Section]) -> Rows:
    """Return the rows of estimates.csv."""
    return [row for section in sections for row in _estimates(suite, section)]


def _estimates(suite: str, section: Section) -> Iterator[dict[str, Any]]:
    task, analysis = section.task, section.analysis
    for (model, method), found in sorted(analysis.estimates.items()):
        ranks = analysis.ranks.get(model) if method == UNCOMPRESSED else None
        yield {
            "suite": suite,
            "task": task.name,
            "dataset": task.dataset,
            "model": model,
            "method": method,
            "metric": task.primary,
            "direction": task.direction,
            "mean": found.mean,
            "low": found.low,
            "high": found.high,
            "coverage": None if found.low is None else 0.95,
            "over": found.over,
            "seeds": found.seeds,
            "unit": task.unit,
            "items": analysis.num_items,
            "units": analysis.num_units,
            "rank_low": ranks[0] if ranks else None,
            "rank_high": ranks[1] if ranks else None,
            "correction": _of_ranks(analysis) if ranks else "",
        }


def _of_ranks(analysis: Analysis) -> str:
    """Return how the tests of all pairs of models are corrected for their number."""
    return HOLM if analysis.folds else STEP_DOWN


def tests(suite: str, sections: Sequence[Section], across: Sequence[Across]) -> Rows:
    """Return the rows of tests.csv."""
    published = sum(each.p is not None for section in sections for each in section.verdicts.values())
    rows = [row for section in sections for row in _tests(suite, section, published)]
    return rows + [
        {
            "suite": suite,
            "question": f"{question}, tuned" if group.tuned else question,
            "first": each.better,
            "second": each.worse,
            "difference": each.probability,
            "low": each.low,
            "high": each.high,
            "units": len(each.tasks),
            "unit": "task",
            "interval": BONFERRONI,
            "test": "bootstrap of the probability of improvement"
            + ("" if each.p is None else ", permutation of models"),
            "p": each.p,
            "comparisons": each.comparisons,
        }
        for group in across
        for question, found in (("models", group.models), ("families", group.families))
        for each in found
    ]


def _tests(suite: str, section: Section, published: int) -> Iterator[dict[str, Any]]:
    """Yield the tests of a task; ``published`` is the number of tests of published values in the whole report."""
    task, analysis = section.task, section.analysis
    base = {
        "suite": suite,
        "task": task.name,
        "metric": task.primary,
        "unit": task.unit,
        "units": analysis.num_units,
    }
    number = len(analysis.ranks)
    for each in analysis.neighbours:
        pairs = number * (number - 1) // 2
        names = {"question": "ranks", "first": each.better, "second": each.worse, "method": UNCOMPRESSED}
        yield base | names | _compared(each, pairs, 1, _of_ranks(analysis))
    for (model, method), each in sorted(analysis.compressed.items()):
        names = {"question": "compression", "first": f"{model}/{method}", "second": model, "method": method}
        better = 1 if each.better == method else -1
        sign = better if task.direction == "maximise" else -better
        yield base | names | _compared(each, len(analysis.compressed), sign, HOLM)
    for (model, method), found in sorted(analysis.budgets.items()):
        yield base | {
            "question": "budget",
            "first": f"{model}/{method}",
            "second": model,
            "method": method,
            "difference": found.drop,
            "test": "two one-sided tests",
            "p_corrected": found.p,
            "correction": HOLM,
            "comparisons": len(analysis.budgets),
            "margin": found.budget,
            "verdict": found.name,
            "needed_items": found.needed_items,
            "needed_seeds": found.needed_seeds,
        }
    for row in section.published:
        verdict = section.verdicts.get(row["model"])
        if verdict:
            yield base | {
                "question": "published",
                "first": row["model"],
                "second": row["source"],
                "method": UNCOMPRESSED,
                "difference": row["difference"],
                **_published(verdict, published),
            }


def _compared(found: Compared, comparisons: int, sign: int, correction: str) -> dict[str, Any]:
    """Return the columns of a comparison, its difference and interval times ``sign``."""
    ends: Sequence[float | None] = (None, None)
    if found.low is not None and found.high is not None:
        ends = sorted((sign * found.low, sign * found.high))
    return {
        "difference": sign * found.difference,
        "low": ends[0],
        "high": ends[1],
        "interval": "" if ends[0] is None else BONFERRONI,
        "test": found.test,
        "p": found.p,
        "p_corrected": found.p_holm,
        "correction": correction,
        "comparisons": comparisons,
        "verdict": DIFFERENT if found.separable else NOT_DIFFERENT,
        "needed_items": found.needed_items,
        "needed_seeds": found.needed_seeds,
    }


def _published(verdict: Verdict, comparisons: int) -> dict[str, Any]:
    is_tested = verdict.p is not None
    return {
        "test": "two one-sided tests" if is_tested else "",
        "p_corrected": verdict.p,
        "correction": HOLM if is_tested else "",
        "comparisons": comparisons if is_tested else None,
        "margin": verdict.margin,
        "verdict": verdict.name,
        "needed_items": verdict.needed_items,
        "needed_seeds": verdict.needed_seeds,
    }
