# SPDX-License-Identifier: Apache-2.0
"""Vega-Lite specifications of learning curves, sensitivity and confusion, and the style of every plot.

Every spec is plain data made from plain data: fixed names, no counters, so equal input gives equal bytes.
The page's style sheet sets the colours of text and lines, so that one plot serves light mode, dark mode and print.
Altair takes some 30 ms per plot, so specs are cached and what differs between plots of one kind is inserted later.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import altair as alt

from assay.report.formatting import numbers
from assay.report.results.collect import Epoch
from assay.report.results.summaries import Summary
from assay.report.results.tables import Rows, confusion_of

Spec = dict[str, Any]

INK, ERROR, FIRST, SECOND = "#6b7280", "#d9480f", "#3b6ea5", "#d9822b"
ROWS = alt.NamedData("rows")
"""The placeholder for a chart's rows."""
COLUMNS = 4
"""Small multiples per row; the page adapts it to its width."""
MOST_NAMED = 25
"""The most classes whose names are legible on the axes of confusion matrices."""
POINTS = 60
"""The most points of a learning curve: more cannot be distinguished at its size in pixels."""


@dataclass(frozen=True)
class Plot:
    """A Vega-Lite specification without its data, and the rows that it draws, which all have the same keys."""

    spec: Spec
    rows: Rows

    def packed(self) -> Spec:
        """Return it for the page: rows as lists with the keys stored once, numbers with five digits."""
        columns = list(self.rows[0]) if self.rows else []
        rows = [[_short(row[name]) for name in columns] for row in self.rows]
        return {"spec": self.spec, "columns": columns, "rows": rows}

    def standalone(self) -> Spec:
        """Return it as a self-contained specification, on a white background."""
        return {**self.spec, "config": {**CONFIG, "background": "white"}, "data": {"values": self.rows}}


@dataclass(frozen=True)
class Chart:
    """A figure: its key in the page, title, caption and plot."""

    key: str
    title: str
    caption: str
    plot: Plot


def _short(value: Any) -> Any:
    return float(f"{value:.5g}") if isinstance(value, float) else value


def skeleton(chart: alt.Chart | alt.LayerChart | alt.FacetChart) -> Spec:
    """Return a chart as plain data without its rows."""
    spec: Spec = chart.to_dict(validate=False)
    return {key: value for key, value in spec.items() if key not in ("data", "config")}


def in_order(spec: Spec, panels: Sequence[str]) -> Spec:
    """Return small multiples with their panels in this order."""
    return {**spec, "facet": {**spec["facet"], "sort": list(panels)}}


def curves(summaries: Sequence[Summary], metric: str) -> list[tuple[str, str, Plot]]:
    """Return (name, title, plot) of a task's learning curves: the loss and the watched validation metric."""
    losses: Rows = []
    watched: Rows = []
    for summary in summaries:
        for variant in summary.variants:
            base = {"model": variant.model, "seed": variant.seed}
            for epoch in _thinned(variant.history):
                at = {**base, "epoch": epoch.epoch}
                losses.append({**at, "split": "train", "value": epoch.train_loss})
                losses.append({**at, "split": "validation", "value": epoch.validation_loss})
                watched.append({**at, "split": "validation", "value": epoch.watched})
    found = []
    if any(row["value"] is not None for row in losses):
        plot = _of_models(_multiples("loss", "independent", (".3~f", ".4f")), losses)
        found.append(("loss", "Loss by epoch", plot))
    if any(row["value"] is not None for row in watched):
        name = numbers.metric_name(metric)
        styles = (".1%", ".2%") if numbers.is_fraction(metric) else (".3~f", ".4f")
        plot = _of_models(_multiples(name, "shared", styles), watched)
        found.append(("watched", f"Validation {name} by epoch", plot))
    return found


def _thinned(history: Sequence[Epoch]) -> Sequence[Epoch]:
    """Return at most about ``POINTS`` evenly spaced epochs, including the last one."""
    step = -(-len(history) // POINTS)
    return history if step < 2 else [*history[:-1:step], history[-1]]


def _of_models(spec: Spec, rows: Rows) -> Plot:
    models = list(dict.fromkeys(row["model"] for row in rows))
    return Plot(in_order(spec, models), [row for row in rows if row["value"] is not None])


@cache
def _multiples(title: str, scale: str, styles: tuple[str, str]) -> Spec:
    """One small plot per model, one line per seed and split; ``styles`` are the formats of axis and tooltip."""
    chart = (
        alt.Chart(ROWS)
        .mark_line(strokeWidth=1.4, opacity=0.85, point=alt.OverlayMarkDef(size=9, filled=True))
        .encode(
            x=alt.X("epoch:Q", title="epoch", axis=alt.Axis(tickMinStep=1, tickCount=5, grid=False)),
            y=alt.Y(
                "value:Q",
                title=title,
                scale=alt.Scale(zero=False, nice=True),
                axis=alt.Axis(tickCount=4, format=styles[0]),
            ),
            color=alt.Color(
                "split:N",
                title=None,
                scale=alt.Scale(domain=["train", "validation"], range=[FIRST, SECOND]),
                legend=alt.Legend(orient="top", symbolType="stroke") if scale == "independent" else None,
            ),
            detail="seed:N",
            tooltip=[
                alt.Tooltip("model:N"),
                alt.Tooltip("seed:N"),
                alt.Tooltip("split:N"),
                alt.Tooltip("epoch:Q"),
                alt.Tooltip("value:Q", title=title, format=styles[1]),
            ],
        )
        .properties(width=200, height=110)
        .facet(
            facet=alt.Facet("model:N", title=None, header=alt.Header(labelFontSize=12, labelLimit=190)),
            columns=COLUMNS,
            spacing=18,
        )
        .resolve_scale(y=scale, x="independent")
    )
    return skeleton(chart)


def sensitivity(rows: Rows, metric: str) -> Plot:
    """Return small multiples of the score against a method's setting, one plot per method.

    Args:
        rows: the rows of ``compression.trials``.
    """
    panels = [{**row, "panel": f"{row['method']}: {row['setting']}"} for row in rows]
    return Plot(_settings(metric), panels)


@cache
def _settings(metric: str) -> Spec:
    fraction = numbers.is_fraction(metric)
    chart = (
        alt.Chart(ROWS)
        .mark_line(strokeWidth=1.4, point=alt.OverlayMarkDef(size=26, filled=True))
        .encode(
            x=alt.X("strength:Q", title=None, scale=alt.Scale(zero=False), axis=alt.Axis(grid=False)),
            y=alt.Y(
                "score:Q",
                title=numbers.metric_name(metric),
                scale=alt.Scale(zero=False),
                axis=alt.Axis(tickCount=4, format=".0%" if fraction else ".3~f"),
            ),
            color=alt.Color(
                "kind:N",
                title=None,
                scale=alt.Scale(domain=["as compressed", "after further training"], range=[FIRST, SECOND]),
                legend=alt.Legend(orient="top", symbolType="stroke"),
            ),
            detail="seed:N",
            tooltip=[
                alt.Tooltip("method:N"),
                alt.Tooltip("setting:N"),
                alt.Tooltip("strength:Q"),
                alt.Tooltip("seed:N"),
                alt.Tooltip("kind:N", title="network"),
                alt.Tooltip(
                    "score:Q", title=numbers.metric_name(metric), format=".2%" if fraction else ".4f"
                ),
            ],
        )
        .properties(width=200, height=130)
        .facet(
            facet=alt.Facet("panel:N", title=None, header=alt.Header(labelFontSize=12)),
            columns=COLUMNS,
            spacing=18,
        )
        .resolve_scale(x="independent")
    )
    return skeleton(chart)


def lines(rows: Rows, metric: str, is_fraction: bool) -> Plot:
    """Return one line per model: the expected best score against the number of trials.

    Args:
        rows: each with model, trials, value.
        metric: the name of the score.
    """
    return Plot(_by_trials(metric, is_fraction), rows)


@cache
def _by_trials(metric: str, is_fraction: bool) -> Spec:
    chart = (
        alt.Chart(ROWS)
        .mark_line(strokeWidth=1.6, point=alt.OverlayMarkDef(size=20, filled=True))
        .encode(
            x=alt.X("trials:Q", title="trials", axis=alt.Axis(tickMinStep=1, grid=False)),
            y=alt.Y(
                "value:Q",
                title=metric,
                scale=alt.Scale(zero=False),
                axis=alt.Axis(tickCount=5, format=".1%" if is_fraction else ".3~f"),
            ),
            color=alt.Color("model:N", title=None),
            tooltip=[
                alt.Tooltip("model:N"),
                alt.Tooltip("trials:Q"),
                alt.Tooltip("value:Q", title=metric, format=".2%" if is_fraction else ".4f"),
            ],
        )
        .properties(width=420, height=220)
    )
    return skeleton(chart)


def confusions(summaries: Sequence[Summary], classes: Sequence[str]) -> Plot | None:
    """Return the confusion matrices of a task's uncompressed models as small multiples.

    The diagonal (correct predictions) and the errors have different hues; each deepens with the share of the true
    class, the errors on their own scale because they are rare.
    """
    cells = _shares(summaries, classes)
    if not cells:
        return None
    models = list(dict.fromkeys(cell["model"] for cell in cells))
    num_classes = max(len(confusion_of(summary)) for summary in summaries)
    order = [class_name(classes, place) for place in range(num_classes)]
    side = max(110, min(16 * len(order), 480))
    legible = len(order) <= MOST_NAMED
    chart = (
        alt.Chart(ROWS)
        .mark_rect()
        .encode(
            x=alt.X(
                "predicted:N",
                scale=alt.Scale(domain=order),
                title="predicted",
                axis=alt.Axis(labelLimit=70, labelAngle=-90, labels=legible, ticks=legible),
            ),
            y=alt.Y(
                "true:N",
                scale=alt.Scale(domain=order),
                title="true",
                axis=alt.Axis(labelLimit=70, labels=legible, ticks=legible),
            ),
            color=alt.Color(
                "correct:N", scale=alt.Scale(domain=[True, False], range=[FIRST, ERROR]), legend=None
            ),
            opacity=alt.Opacity("strength:Q", scale=alt.Scale(domain=[0, 1], range=[0, 1]), legend=None),
            tooltip=[
                alt.Tooltip("model:N"),
                alt.Tooltip("true:N", title="true class"),
                alt.Tooltip("predicted:N"),
                alt.Tooltip("count:Q", title="items (all seeds)", format=","),
                alt.Tooltip("share:Q", title="share of the true class", format=".2%"),
            ],
        )
        .properties(width=side, height=side)
        .facet(
            facet=alt.Facet(
                "model:N", title=None, sort=models, header=alt.Header(labelFontSize=12, labelLimit=side)
            ),
            columns=COLUMNS,
            spacing=18,
        )
    )
    return Plot(skeleton(chart), cells)


def _shares(summaries: Sequence[Summary], classes: Sequence[str]) -> Rows:
    """Return one row per model and non-zero entry of its confusion matrix, controls excluded."""
    cells: Rows = []
    for summary in summaries:
        matrix = confusion_of(summary)
        if summary.control or not matrix:
            continue
        for i, row in enumerate(matrix):
            for j, number in enumerate(row):
                if not number:
                    continue
                share = number / sum(row)
                cells.append(
                    {
                        "model": summary.model.name,
                        "true": class_name(classes, i),
                        "predicted": class_name(classes, j),
                        "count": number,
                        "share": round(share, 4),
                        "correct": i == j,
                        "strength": round(0.75 * share if i == j else 0.9 * min(1.0, share * 5) ** 0.5, 4),
                    }
                )
    return cells


def class_name(classes: Sequence[str], index: int) -> str:
    return str(classes[index]) if index < len(classes) else str(index)


CONFIG: Spec = {
    "background": "transparent",
    "font": "system-ui, sans-serif",
    "view": {"stroke": None},
    "axis": {
        "labelColor": INK,
        "titleColor": INK,
        "domainColor": INK,
        "tickColor": INK,
        "gridColor": INK,
        "gridOpacity": 0.18,
        "domainOpacity": 0.5,
        "tickOpacity": 0.5,
        "titleFontWeight": "normal",
        "labelFontSize": 11,
        "titleFontSize": 11,
    },
    "header": {"labelColor": INK, "labelFontWeight": 600},
    "legend": {
        "labelColor": INK,
        "titleColor": INK,
        "titleFontWeight": "normal",
        "labelFontSize": 11,
        "titleFontSize": 11,
    },
}
