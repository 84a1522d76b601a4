# SPDX-License-Identifier: Apache-2.0
"""The effects of compression on a task: each variant compared with its uncompressed model, and the settings tried.

Like is compared with like: a method that writes an ONNX graph replaces PyTorch by ONNX Runtime, which alone may be
several times faster. So size and speed are given relative to the same runtime at full precision first (the row of a
method such as ``onnx``, which only changes the runtime), and relative to the uncompressed model second.
"""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

from assay.config import registry
from assay.paths import UNCOMPRESSED
from assay.report.results.collect import Task, Variant
from assay.report.results.summaries import Summary, mean


@dataclass(frozen=True)
class Equivalence:
    """Whether a compressed model stays within its budget, by :mod:`assay.report.inference.equivalence`."""

    name: Literal["within", "beyond", "undecided"]
    drop: float
    """The relative drop of the mean score; negative for a gain."""
    budget: float
    p: float
    """The p-value of the test in whose direction the drop lies (inside or outside), with Holm's correction."""
    needed_items: int | None = None
    """How many test items, or units, would decide with 80% power if the drop is as measured; None if it is decided, or
    even very many would not suffice."""
    needed_seeds: int | None = None
    """How many seeds would; None also for a single run."""


Rows = list[dict[str, Any]]
NOT_TESTED: Mapping[tuple[str, str], Equivalence] = MappingProxyType({})

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
    "verdict",
    "verdict_p",
    "needed_items",
    "needed_seeds",
    "baseline",
    "size_ratio_same_runtime",
    "speed_batch1_same_runtime",
    "speed_batch64_same_runtime",
    "gain",
)
SPEEDS = tuple(name for name in COLUMNS if name.startswith("speed_") and "runtime" not in name)
RUNTIMES = {
    "onnx": "ONNX Runtime",
    "onnx_steps": "ONNX Runtime",
    "openvino": "OpenVINO",
    "skops": "scikit-learn",
}
"""What runs a model of each format; PyTorch runs the others."""
NO_GAIN = "no gain"
GAIN = 1.1
"""A model is smaller or faster if it is so by at least this factor; less is lost in the noise of timing."""
SETTING = ("score", "lost", "tuned_score", "tuned_lost")
"""The keys of a trial other than the setting that was tried."""


def compared(
    summaries: Sequence[Summary], task: Task, budgets: Mapping[tuple[str, str], Equivalence] = NOT_TESTED
) -> Rows:
    """Return one row per model and method that compares the compressed model with the uncompressed one.

    Differences and ratios are means over the seeds for which both are ok, so that they are paired.

    Args:
        budgets: by model and method, the verdict on the budget; without one nothing is said about it.
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
            rows.append(_compared(each, pairs, budgets.get((each.model.name, each.method))))
    beside_runtime(rows, {each.method for each in summaries if is_full_precision(each)})
    return rows


def is_full_precision(summary: Summary) -> bool:
    """Return whether a method only changes the runtime of the uncompressed model."""
    for variant in summary.finished:
        target = str(variant.phases[-2].spec.get("target") or "") if len(variant.phases) > 2 else ""
        method = registry.METHODS.get(target.partition(":")[0].rpartition(".")[2])
        return bool(method and method.full_precision) and variant.source in ("", UNCOMPRESSED)
    return False


def beside_runtime(rows: Rows, full_precision: Collection[str]) -> None:
    """Add to a task's rows how they compare with the same runtime at full precision.

    ``baseline`` is the method of the row that they are compared with: ``none`` if the runtime is that of the
    uncompressed model, "" if no method of this run gives its runtime at full precision. ``gain`` says what is better
    by at least ``GAIN``: size, speed, both, or ``no gain``.

    Args:
        full_precision: the methods that only change the runtime.
    """
    plain = {
        (row["model"], _runtime(row["format_after"])): row for row in rows if row["method"] in full_precision
    }
    for row in rows:
        runtime = _runtime(row["format_after"])
        beside = plain.get((row["model"], runtime))
        same = runtime == _runtime(row["format_before"])
        is_baseline = beside is row
        row["baseline"] = UNCOMPRESSED if same or is_baseline else beside["method"] if beside else ""
        for key in ("size_ratio", "speed_batch1", "speed_batch64"):
            row[f"{key}_same_runtime"] = None if is_baseline else _over(row, beside, key, same)
        row["gain"] = "" if is_baseline else _gain(row, beside, same)


def _runtime(form: str) -> str:
    return RUNTIMES.get(form, "PyTorch")


def _over(
    row: Mapping[str, Any], beside: Mapping[str, Any] | None, key: str, same: bool, against: str = ""
) -> float | None:
    """Return a ratio of a row over that of its baseline; None if either is unknown.

    Args:
        same: whether the baseline is the uncompressed model, over which all ratios are.
        against: the baseline's key, if it is another one.
    """
    ratio: float | None = row[key]
    if same or ratio is None:
        return ratio
    below = beside[against or key] if beside else None
    return ratio / below if below else None


def _gain(row: Mapping[str, Any], beside: Mapping[str, Any] | None, same: bool) -> str:
    sizes = [_over(row, beside, key, same) for key in ("size_ratio", "zipped_ratio")]
    faster = [
        median is not None and median >= GAIN and (worst is None or worst > 1)
        for key in ("speed_batch1", "speed_batch64")
        for median in [_over(row, beside, key, same)]
        for worst in [_over(row, beside, f"{key}_low", same, f"{key}_high")]
    ]
    if all(size is None for size in sizes) and not any(faster):
        return ""
    smaller = any(size is not None and size >= GAIN for size in sizes)
    return (
        " and ".join(name for name, is_so in (("size", smaller), ("speed", any(faster))) if is_so) or NO_GAIN
    )


def _compared(
    summary: Summary, pairs: Sequence[tuple[Variant, Variant]], budget: Equivalence | None
) -> dict[str, Any]:
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
        "over_budget": budget is not None and budget.name == "beyond",
        **_sizes("size", [(old.size_bytes, new.size_bytes) for old, new in pairs]),
        **_sizes("zipped", [(old.compressed_bytes, new.compressed_bytes) for old, new in pairs]),
        **{name: mean(new.speed.get(name) for _, new in pairs) for name in SPEEDS},
        "items_per_second": 64_000 / latency if latency else None,
        "cold_start_ms_before": mean(old.cold_start_ms for old, _ in pairs),
        "cold_start_ms_after": mean(new.cold_start_ms for _, new in pairs),
        "peak_memory_bytes": mean(new.inference_memory_bytes for _, new in pairs),
        "verdict": budget.name if budget else None,
        "verdict_p": budget.p if budget else None,
        "needed_items": budget.needed_items if budget else None,
        "needed_seeds": budget.needed_seeds if budget else None,
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
