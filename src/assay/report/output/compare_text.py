# SPDX-License-Identifier: Apache-2.0
"""A comparison as Markdown, fit for a pull request: what ``assay compare`` prints."""

from __future__ import annotations

from collections.abc import Sequence

from assay import paths
from assay.config.params import Params
from assay.provenance import dvc_lock
from assay.report.formatting import numbers
from assay.report.judgement.compare import FACTORS, LEVEL, Change, Comparison, compare, no_earlier
from assay.report.output import markdown
from assay.report.results.runs import COSTS, RESULTS, last, of_record, on_disk
from assay.tasks import loading
from assay.tasks.metric import PrimaryMetric

COST_FORMATS = {
    "size_bytes": numbers.size,
    "train_seconds": numbers.seconds,
    "peak_memory_bytes": numbers.size,
    "latency_ms_batch1": numbers.milliseconds,
    "latency_ms_batch64": numbers.milliseconds,
}


def compare_with(revision: str | None, params: Params) -> str:
    """Return how the current report differs from an earlier run, as Markdown.

    Args:
        revision: a Git revision; None for DVC's newest record of other results.
        params: gives the kind of each task.

    Raises:
        ValueError: there is no report, no such revision, or DVC's cache does not have it; one line.
    """
    now = on_disk(paths.REPORTS)
    if revision is None:
        record = last(*(path.read_text(encoding="utf-8") for path in (RESULTS, COSTS)))
        if record is None:
            raise ValueError(no_earlier())
    else:
        record = dvc_lock.at(revision)

    def metric_of(task: str) -> PrimaryMetric | None:
        row = params.tasks.get(task)
        return loading.load(row.kind, row.metric).primary if row else None

    return render(compare(of_record(record), now, metric_of))


def render(comparison: Comparison) -> str:
    """Return a comparison as Markdown."""
    counts = ", ".join(f"{count} {kind}" for kind, count in comparison.counts.items() if count)
    parts = [
        f"### {markdown.text(comparison.now)}, compared with {markdown.text(comparison.before)}",
        f"{counts or 'Nothing to compare'}.",
    ]
    scores = [each for each in comparison.changes if each.kind not in ("cost", "same")]
    costs = [each for each in comparison.changes if each.kind == "cost"]
    if scores:
        parts += [
            _scores(scores),
            f"p is corrected for all tests of this comparison; better and worse mean p < {LEVEL}.",
        ]
    if costs:
        least = ", ".join(f"{_cost_name(name)} {factor}" for name, (factor, _) in FACTORS.items())
        parts += [_costs(costs), f"Costs are listed if they changed by at least these factors: {least}."]
    if comparison.other_hosts:
        parts.append(
            f"Times and memory of {comparison.other_hosts} models and methods are not compared because the hosts"
            " differ."
        )
    return "\n\n".join(parts)


def _scores(changes: Sequence[Change]) -> str:
    head = ("", "Task", "Model", "Method", "Metric", "Before", "Now", "Change", "p", "Reason")
    return markdown.table(head, [_score(each) for each in changes])


def _score(change: Change) -> list[str]:
    metric = change.measure
    moved = None if change.before is None or change.now is None else change.now - change.before
    return [
        change.kind,
        change.task,
        change.model,
        change.method,
        numbers.metric_name(metric),
        f"{numbers.score_with_unit(change.before, metric)}{_seeds(change.before, change.seeds_before)}",
        f"{numbers.score_with_unit(change.now, metric)}{_seeds(change.now, change.seeds_now)}",
        numbers.difference(moved, metric),
        numbers.NOTHING if change.p is None else f"{change.p:.2g}",
        change.why,
    ]


def _seeds(mean: float | None, seeds: int) -> str:
    return f" ({seeds} seeds)" if mean is not None and seeds > 1 else ""


def _costs(changes: Sequence[Change]) -> str:
    head = ("Task", "Model", "Method", "Cost", "Before", "Now", "Change")
    rows = []
    for each in changes:
        shown = COST_FORMATS[each.measure]
        name = _cost_name(each.measure)
        rows.append([each.task, each.model, each.method, name, shown(each.before), shown(each.now), each.why])
    return markdown.table(head, rows)


def _cost_name(column: str) -> str:
    return column.removesuffix("_bytes").replace("_", " ")
