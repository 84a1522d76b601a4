# SPDX-License-Identifier: Apache-2.0
"""The effects of compression on a task: each variant compared with its uncompressed model, and the settings tried."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from assay.paths import UNCOMPRESSED
from assay.report.results.collect import Task, Variant
from assay.report.results.summaries import Summary, mean

Rows = list[dict[str, Any]]

COLUMNS = (
    "task",
    "model",
    "method",
    "format_before",
    "format_after",
    "seeds",
    "planned",
    "before",
    "after",
    "difference",
    "deviation",
    "lost",
    "max_relative_drop",
    "over_budget",
    "size_before",
    "size_after",
    "size_ratio",
    "zipped_before",
    "zipped_after",
    "zipped_ratio",
    "speed_batch1",
    "speed_batch1_low",
    "speed_batch1_high",
    "speed_batch64",
    "speed_batch64_low",
    "speed_batch64_high",
    "speed_all_cores_batch1",
    "speed_all_cores_batch64",
    "items_per_second",
    "cold_start_ms_before",
    "cold_start_ms_after",
    "peak_memory_bytes",
)
SPEEDS = tuple(name for name in COLUMNS if name.startswith("speed_"))
SETTING = ("score", "lost", "tuned_score", "tuned_lost")
"""The keys of a trial other than the setting that was tried."""


def compared(summaries: Sequence[Summary], task: Task) -> Rows:
    """Return one row per model and method that compares the compressed model with the uncompressed one.

    Differences and ratios are means over the seeds for which both are ok, so that they are paired.
    """
    plain = {
        each.model.name: {variant.seed: variant for variant in each.finished}
        for each in summaries
        if each.task == task and each.method == UNCOMPRESSED
    }
    rows = []
    for each in summaries:
        if each.task != task or each.method == UNCOMPRESSED:
            continue
        pairs = [
            (plain[each.model.name][variant.seed], variant)
            for variant in each.finished
            if variant.seed in plain.get(each.model.name, {})
        ]
        if pairs:
            rows.append(_compared(each, pairs))
    return rows


def _compared(summary: Summary, pairs: Sequence[tuple[Variant, Variant]]) -> dict[str, Any]:
    metric, sign = summary.task.primary, 1 if summary.task.direction == "maximise" else -1
    before = [old.metrics.get("test", {}).get(metric) for old, _ in pairs]
    after = [new.metrics.get("test", {}).get(metric) for _, new in pairs]
    scores = [(a, b) for a, b in zip(before, after, strict=True) if a is not None and b is not None]
    changes = [last - first for first, last in scores]
    lost = mean(sign * (first - last) / abs(first) for first, last in scores if first)
    max_relative_drop = pairs[0][1].max_relative_drop
    latency = mean(new.latency_ms_batch64 for _, new in pairs)
    return {
        "task": summary.task.name,
        "model": summary.model.name,
        "method": summary.method,
        "format_before": pairs[0][0].format,
        "format_after": pairs[0][1].format,
        "seeds": len(pairs),
        "planned": len(summary.variants),
        "before": mean(before),
        "after": mean(after),
        "difference": mean(changes),
        "deviation": statistics.stdev(changes) if len(changes) > 1 else None,
        "lost": lost,
        "max_relative_drop": max_relative_drop,
        "over_budget": lost is not None and max_relative_drop is not None and lost > max_relative_drop,
        **_sizes("size", [(old.size_bytes, new.size_bytes) for old, new in pairs]),
        **_sizes("zipped", [(old.compressed_bytes, new.compressed_bytes) for old, new in pairs]),
        **{name: mean(new.speed.get(name) for _, new in pairs) for name in SPEEDS},
        "items_per_second": 64_000 / latency if latency else None,
        "cold_start_ms_before": mean(old.cold_start_ms for old, _ in pairs),
        "cold_start_ms_after": mean(new.cold_start_ms for _, new in pairs),
        "peak_memory_bytes": mean(new.inference_memory_bytes for _, new in pairs),
    }


def _sizes(name: str, pairs: Sequence[tuple[int | None, int | None]]) -> dict[str, float | None]:
    return {
        f"{name}_before": mean(before for before, _ in pairs),
        f"{name}_after": mean(after for _, after in pairs),
        f"{name}_ratio": mean(before / after if before and after else None for before, after in pairs),
    }


def left_out(summaries: Sequence[Summary], task: Task) -> Rows:
    """Return the compressed variants without a result, one row per method, status and reason.

    Cells whose training failed are not included: the report shows them once, under failures.
    """
    groups: dict[tuple[str, str, str], dict[str, int]] = defaultdict(dict)
    for each in summaries:
        if each.task != task or each.method == UNCOMPRESSED:
            continue
        for variant in each.variants:
            if not variant.ok and variant.phase != "train":
                models = groups[variant.method, variant.status, variant.reason]
                models[variant.model] = models.get(variant.model, 0) + 1
    return [
        {"method": method, "status": status, "reason": reason, "models": models}
        for (method, status, reason), models in groups.items()
    ]


def trials(summaries: Sequence[Summary], task: Task) -> Rows:
    """Return the settings that each method tried on validation items for the task's best compressed model; all seeds.

    Returns:
        rows of model, method, seed, setting (its name), strength (its value), score, and kind: the network as
        compressed, or after further training.
    """
    sign = 1 if task.direction == "maximise" else -1
    scores: dict[str, float] = {}
    found: dict[str, Rows] = defaultdict(list)
    for each in summaries:
        if each.task != task:
            continue
        if each.method == UNCOMPRESSED and (score := each.score(task.primary)):
            scores[each.model.name] = sign * score.mean
        for variant in each.finished:
            for trial in variant.trials:
                found[each.model.name] += _tried(variant, trial)
    best = max((model for model in found if model in scores), key=scores.__getitem__, default=None)
    return found[best] if best else []


def _tried(variant: Variant, trial: Mapping[str, float]) -> Rows:
    setting, strength = next((name, value) for name, value in trial.items() if name not in SETTING)
    base = {
        "model": variant.model,
        "method": variant.method,
        "seed": variant.seed,
        "setting": setting,
        "strength": strength,
    }
    kinds = {"score": "as compressed", "tuned_score": "after further training"}
    return [{**base, "score": trial[key], "kind": kind} for key, kind in kinds.items() if key in trial]
