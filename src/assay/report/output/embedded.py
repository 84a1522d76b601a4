# SPDX-License-Identifier: Apache-2.0
"""The data of the page's script: the rows of all variants, the proofs of their numbers, and the plots.

A row or a proof becomes markup only when a reader opens it, so a thousand variants add little to the page.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from assay.report.figures.plots import CONFIG, Chart
from assay.report.formatting import numbers
from assay.report.output import proof
from assay.report.results.collect import Task, Variant
from assay.report.results.summaries import Summary

Number = tuple[str, float | None]
"""The text that is shown and the value to sort by."""


def data(
    suite: str, variants: Sequence[Variant], tasks: Mapping[str, Task], charts: Sequence[Chart]
) -> dict[str, Any]:
    """Return the data as one JSON value."""
    return {
        "variants": [_row(each, tasks[each.task].primary) for each in variants],
        "proofs": proof.proofs(suite, variants),
        "config": CONFIG,
        "charts": {chart.key: chart.plot.packed() for chart in charts},
    }


def places(variants: Sequence[Variant]) -> Callable[[Summary], str]:
    """Return a function from a summary to the positions of its rows in ``variants``, for the script."""
    rows = {_key(each): place for place, each in enumerate(variants)}
    return lambda summary: " ".join(str(rows[_key(each)]) for each in summary.variants)


def _key(each: Variant) -> tuple[str, str, str, str]:
    return each.task, each.model, each.seed, each.method


def _row(each: Variant, metric: str) -> list[Any]:
    """Return model, task, method, seed and status as text, then score, size, training, memory and latencies."""
    score = each.metrics.get("test", {}).get(metric)
    values: list[Number] = [
        (numbers.score_with_unit(score, metric), score),
        (numbers.size(each.size_bytes), each.size_bytes),
        (numbers.seconds(each.train_seconds), each.train_seconds),
        (numbers.size(each.peak_memory_bytes), each.peak_memory_bytes),
        (numbers.milliseconds(each.latency_ms_batch1), each.latency_ms_batch1),
        (numbers.milliseconds(each.latency_ms_batch64), each.latency_ms_batch64),
    ]
    return [each.model, each.task, each.method, each.seed, each.status, *values]
