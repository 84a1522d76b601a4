# SPDX-License-Identifier: Apache-2.0
"""Numbers formatted for readers: accuracy as a percentage, bytes and seconds in a suitable unit."""

from __future__ import annotations

from functools import cache

from assay.config import registry

NOTHING = "\N{EN DASH}"
_ANY = "{}"


def metric_name(metric: str) -> str:
    return _label(metric)[0]


def is_fraction(metric: str) -> bool:
    return metric_unit(metric) == "%"


def metric_unit(metric: str) -> str:
    return _label(metric)[1]


def reading_order(metric: str) -> tuple[int, str]:
    """Return the sort key of a metric: in the order in which tasks declare them, then by name."""
    order = list(registry.METRICS)
    name = declared_as(metric)
    return (order.index(name) if name else len(order), metric)


@cache
def declared_as(metric: str) -> str | None:
    """Return the key of ``registry.METRICS`` that declares a metric, such as ``f1_{}``; None if no task does."""
    if metric in registry.METRICS:
        return metric
    patterns = (name for name in registry.METRICS if name.endswith(_ANY) and name != _ANY)
    return next((name for name in patterns if metric.startswith(name.removesuffix(_ANY))), None)


def _label(metric: str) -> tuple[str, str]:
    """Return a metric's label and unit; the label is its name if no task declares it."""
    name = declared_as(metric)
    if name is None:
        return metric.replace("_", " "), ""
    label, unit = registry.METRICS[name]
    return label.format(metric.removeprefix(name.removesuffix(_ANY)).replace("_", " ")), unit


def score_with_unit(value: float | None, metric: str) -> str:
    """Format a score with its unit: an accuracy of ``0.98534`` is ``98.53%``."""
    return score(value, metric) + ("" if value is None else metric_unit(metric))


def score(value: float | None, metric: str) -> str:
    """Format a score without its unit: an accuracy of ``0.98534`` is ``98.53``; the column's header has the unit."""
    if value is None:
        return NOTHING
    return f"{100 * value:.2f}" if is_fraction(metric) else f"{value:.4g}"


def deviation(value: float, metric: str) -> str:
    return f"{100 * value:.2f}" if is_fraction(metric) else f"{value:.2g}"


def difference(value: float | None, metric: str) -> str:
    """Format a signed difference of two scores, in percentage points if the metric is a percentage."""
    if value is None:
        return NOTHING
    text = f"{100 * value:+.2f}" if is_fraction(metric) else f"{value:+.3g}"
    return text.replace("-", "\N{MINUS SIGN}")


def amount(value: float, metric: str) -> str:
    """Format the size of a difference with its unit: ``0.0123`` of accuracy is ``1.23 points``."""
    return f"{100 * value:.2f} points" if is_fraction(metric) else f"{value:.3g}"


def count(value: float | None) -> str:
    return NOTHING if value is None else f"{value:,.0f}"


def size(value: float | None) -> str:
    """Format bytes in kB, MB or GB (powers of ten)."""
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
