# SPDX-License-Identifier: Apache-2.0
"""Numbers as a reader wants them: accuracy as a percentage, bytes and seconds in a fitting unit."""

from __future__ import annotations

FRACTIONS = (
    "accuracy",
    "precision_macro",
    "recall_macro",
    "f1_macro",
    "auroc",
    "calibration_error",
    "top_5_accuracy",
    "mean_reciprocal_rank",
    "entity_f1",
    "entity_precision",
    "entity_recall",
    "surface_f1",
    "exact_match",
    "rouge_l",
    "rouge_1",
    "rouge_2",
)
"""Metrics in [0, 1] that are shown as percentages, in reading order, as are those of one class or
task, ``f1_<class>`` and ``accuracy_<task>``; others are shown as they are."""

NAMES = {
    "precision_macro": "precision (macro)",
    "recall_macro": "recall (macro)",
    "f1_macro": "F1 (macro)",
    "auroc": "AUROC",
    "entity_f1": "entity F1",
    "surface_f1": "surface F1",
    "rmse": "RMSE",
    "standardised_rmse": "RMSE in standard deviations",
    "mae": "mean absolute error",
    "r2": "R\N{SUPERSCRIPT TWO}",
    "bits_per_character": "bits a character",
    "bleu": "BLEU",
    "chrf": "chrF",
    "rouge_l": "ROUGE-L",
    "rouge_1": "ROUGE-1",
    "rouge_2": "ROUGE-2",
}
NOTHING = "\N{EN DASH}"


def metric_name(metric: str) -> str:
    return NAMES.get(metric, metric.replace("_", " "))


def is_fraction(metric: str) -> bool:
    return metric in FRACTIONS or metric.startswith(("f1_", "accuracy_"))


def metric_unit(metric: str) -> str:
    return "%" if is_fraction(metric) else ""


def score_with_unit(value: float | None, metric: str) -> str:
    """``0.98534`` of accuracy is ``98.53%``."""
    return score(value, metric) + ("" if value is None else metric_unit(metric))


def score(value: float | None, metric: str) -> str:
    """``0.98534`` of accuracy is ``98.53``; the unit stands in the column's head."""
    if value is None:
        return NOTHING
    return f"{100 * value:.2f}" if is_fraction(metric) else f"{value:.4g}"


def deviation(value: float, metric: str) -> str:
    return f"{100 * value:.2f}" if is_fraction(metric) else f"{value:.2g}"


def difference(value: float | None, metric: str) -> str:
    """A signed difference of two scores, in points where the metric is a percentage."""
    if value is None:
        return NOTHING
    text = f"{100 * value:+.2f}" if is_fraction(metric) else f"{value:+.3g}"
    return text.replace("-", "\N{MINUS SIGN}")


def amount(value: float, metric: str) -> str:
    """The size of a difference with its unit: ``0.0123`` of accuracy is ``1.23 points``."""
    return f"{100 * value:.2f} points" if is_fraction(metric) else f"{value:.3g}"


def count(value: float | None) -> str:
    return NOTHING if value is None else f"{value:,.0f}"


def size(value: float | None) -> str:
    """Bytes in kB or MB (powers of ten)."""
    if value is None:
        return NOTHING
    for factor, unit in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if value >= factor:
            return f"{value / factor:.3g} {unit}"
    return f"{value:.0f} B"


def seconds(value: float | None) -> str:
    if value is None:
        return NOTHING
    if value < 60:
        return f"{value:.2f} s" if value < 10 else f"{value:.1f} s"
    minutes, rest = divmod(round(value), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def milliseconds(value: float | None) -> str:
    if value is None:
        return NOTHING
    return f"{value:.3f}" if value < 1 else f"{value:.2f}"


def ratio(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.2f}\N{MULTIPLICATION SIGN}"
