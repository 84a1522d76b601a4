"""Vega-Lite specifications of the report's plots, and the same plots as SVG files.

Every spec is plain data made from plain data: fixed names, no counters, so equal input gives equal bytes.
Colours of text and lines are set by the page's style sheet, so that one plot serves light, dark and print.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import vl_convert

from assay.layout import UNCOMPRESSED
from assay.report import formats
from assay.report.summaries import Summary
from assay.report.tables import Rows, confusion_of

Spec = dict[str, Any]

INK, ERROR, FIRST, SECOND = "#6b7280", "#d9480f", "#3b6ea5", "#d9822b"
ROWS = alt.NamedData("rows")
"""Stands in a chart for its rows until ``_finished`` puts them there."""
FAMILY_COLOURS = [
    "#4e79a7",
    "#e08a2e",
    "#59a14f",
    "#c65b6b",
    "#9c6db0",
    "#3fa7a3",
    "#a8793f",
    "#8a8f98",
]
SHAPES = [
    "circle",
    "square",
    "triangle-up",
    "diamond",
    "cross",
    "triangle-down",
    "triangle-right",
    "triangle-left",
    "M0,-1L.22,-.31H.95L.36,.12L.59,.81L0,.38L-.59,.81L-.36,.12L-.95,-.31H-.22Z",  # a star
    "M-1,-1H1L-1,1H1Z",  # an hourglass
    "M-1,-1V1L1,-1V1Z",  # a bow tie
    "M-1,-.35H1V.35H-1Z",  # a bar
    "M-.35,-1V1H.35V-1Z",
    "M-1,-1H-.3V.3H1V1H-1Z",  # an angle
    "M1,-1H.3V.3H-1V1H1Z",
    "M-.5,-.9H.5L1,0L.5,.9H-.5L-1,0Z",  # a hexagon
    "M-1,-1H1V-.4H.3V1H-.3V-.4H-1Z",  # a T
    "M-1,1H1V.4H.3V-1H-.3V.4H-1Z",
]
"""Of methods; the first is the uncompressed model's."""
COLUMNS = 4
"""Small multiples in a row; the page fits it to its width."""


def curves(summaries: Sequence[Summary], metric: str) -> list[tuple[str, str, Spec]]:
    """Return (name, title, spec) of the learning curves of a task: loss, and the metric watched on validation."""
    losses: Rows = []
    watched: Rows = []
    for summary in summaries:
        for variant in summary.variants:
            base = {"model": variant.model, "seed": variant.seed}
            for epoch in variant.history:
                at = {**base, "epoch": epoch.epoch}
                losses.append({**at, "split": "train", "value": epoch.train_loss})
                losses.append({**at, "split": "validation", "value": epoch.validation_loss})
                watched.append({**at, "split": "validation", "value": epoch.watched})
    found = []
    if any(row["value"] is not None for row in losses):
        found.append(("loss", "Loss by epoch", _multiples(losses, "loss", "independent", (".3~f", ".4f"))))
    if any(row["value"] is not None for row in watched):
        name = formats.metric_name(metric)
        numbers = (".1%", ".2%") if formats.is_fraction(metric) else (".3~f", ".4f")
        spec = _multiples(watched, name, "shared", numbers)
        found.append(("watched", f"Validation {name} by epoch", spec))
    return found


def _multiples(rows: Rows, title: str, scale: str, numbers: tuple[str, str]) -> Spec:
    """One small plot a model, one line a seed and split; ``numbers`` are the formats of axis and tooltip."""
    models = list(dict.fromkeys(row["model"] for row in rows))
    chart = (
        alt.Chart(ROWS)
        .mark_line(strokeWidth=1.4, opacity=0.85, point=alt.OverlayMarkDef(size=9, filled=True))
        .encode(
            x=alt.X("epoch:Q", title="epoch", axis=alt.Axis(tickMinStep=1, tickCount=5, grid=False)),
            y=alt.Y(
                "value:Q",
                title=title,
                scale=alt.Scale(zero=False, nice=True),
                axis=alt.Axis(tickCount=4, format=numbers[0]),
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
                alt.Tooltip("value:Q", title=title, format=numbers[1]),
            ],
        )
        .properties(width=200, height=110)
        .facet(
            facet=alt.Facet(
                "model:N", title=None, sort=models, header=alt.Header(labelFontSize=12, labelLimit=190)
            ),
            columns=COLUMNS,
            spacing=18,
        )
        .resolve_scale(y=scale, x="independent")
    )
    return _finished(chart, [row for row in rows if row["value"] is not None])


def quality_cost(summaries: Sequence[Summary], cost: str, title: str) -> Spec | None:
    """Return the scatter of the primary metric against a cost (log scale), one point a model and method.

    Args:
        cost: a numeric attribute of Variant, such as ``size_bytes``; in the plot, a mean over seeds.
    """
    points = _priced(summaries, cost)
    if not points:
        return None
    metric = summaries[0].task.primary
    methods = [
        UNCOMPRESSED,
        *sorted({point["method"] for point in points if point["method"] != UNCOMPRESSED}),
    ]
    families = list(dict.fromkeys(point["family"] for point in points))
    fraction = formats.is_fraction(metric)
    chart = (
        alt.Chart(ROWS)
        .mark_point(filled=True, size=60, opacity=0.9)
        .encode(
            x=alt.X(
                "cost:Q",
                title=title,
                scale=alt.Scale(type="log", nice=False, padding=12),
                axis=alt.Axis(
                    format="~s" if cost.endswith("bytes") else "~g",
                    values=_ticks([point["cost"] for point in points]),
                    grid=False,
                    labelOverlap=True,
                ),
            ),
            y=alt.Y(
                "score:Q",
                title=formats.metric_name(metric),
                scale=alt.Scale(zero=False, padding=10),
                axis=alt.Axis(format=".1%" if fraction else "~g", tickCount=6),
            ),
            color=alt.Color(
                "family:N",
                title="family",
                scale=alt.Scale(domain=families, range=FAMILY_COLOURS),
                legend=alt.Legend(symbolType="circle", labelLimit=160),
            ),
            shape=alt.Shape(
                "method:N",
                title="method",
                scale=alt.Scale(domain=methods, range=SHAPES),
                legend=alt.Legend(symbolFillColor=INK, symbolStrokeWidth=0, labelLimit=160),
            ),
            tooltip=[
                alt.Tooltip("model:N"),
                alt.Tooltip("method:N"),
                alt.Tooltip("shown:N", title=formats.metric_name(metric)),
                alt.Tooltip("priced:N", title=title),
            ],
        )
    )
    front = (
        alt.Chart(ROWS)
        .transform_filter("datum.front")
        .mark_line(interpolate="step-after", strokeWidth=1.2, strokeDash=[4, 3], color=INK)
        .encode(x=alt.X("cost:Q"), y=alt.Y("score:Q"), order=alt.Order("cost:Q"))
    )
    return _finished((front + chart).properties(width=380, height=280), points)


def sensitivity(rows: Rows, metric: str) -> Spec:
    """Return small multiples of the score against a method's setting, one plot a method.

    Args:
        rows: of ``compression.trials``.
    """
    fraction = formats.is_fraction(metric)
    chart = (
        alt.Chart(ROWS)
        .mark_line(strokeWidth=1.4, point=alt.OverlayMarkDef(size=26, filled=True))
        .encode(
            x=alt.X("strength:Q", title=None, scale=alt.Scale(zero=False), axis=alt.Axis(grid=False)),
            y=alt.Y(
                "score:Q",
                title=formats.metric_name(metric),
                scale=alt.Scale(zero=False),
                axis=alt.Axis(tickCount=4, format=".0%" if fraction else ".3~f"),
            ),
            color=alt.Color(
                "kind:N",
                title=None,
                scale=alt.Scale(domain=["as compressed", "trained on"], range=[FIRST, SECOND]),
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
                    "score:Q", title=formats.metric_name(metric), format=".2%" if fraction else ".4f"
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
    return _finished(chart, [{**row, "panel": f"{row['method']}: {row['setting']}"} for row in rows])


def _priced(summaries: Sequence[Summary], cost: str) -> Rows:
    """Return one point a model and method that has both a score and a cost; controls are left out."""
    points: Rows = []
    for summary in summaries:
        score, price = summary.score(summary.task.primary), summary.cost(cost)
        if score is None or not price or summary.control:
            continue
        points.append(
            {
                "model": summary.model.name,
                "family": summary.model.family,
                "method": summary.method,
                "cost": price,
                "score": score.mean,
                "shown": formats.score(score.mean, summary.task.primary)
                + formats.metric_unit(summary.task.primary),
                "priced": formats.size(price) if cost.endswith("bytes") else f"{price:.4g}",
            }
        )
    sign = 1 if summaries and summaries[0].task.direction == "maximise" else -1
    best = -math.inf
    for point in sorted(points, key=lambda point: (point["cost"], -sign * point["score"])):
        point["front"] = sign * point["score"] > best
        best = max(best, sign * point["score"])
    return points


def _ticks(values: Sequence[float]) -> list[float]:
    """Return round numbers for a log axis: powers of ten, with twos and fives where the range is short."""
    first, last = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    steps = (1,) if last - first > 3 else (1, 2, 5)
    return [step * 10.0**power for power in range(first, last + 1) for step in steps]


def confusions(summaries: Sequence[Summary], classes: Sequence[str]) -> Spec | None:
    """Return the confusion matrices of a task's uncompressed models as small multiples.

    The diagonal (right answers) and the errors have two hues; each deepens with the share of the true class,
    the errors on a scale of their own, since they are rare.
    """
    cells = _shares(summaries, classes)
    if not cells:
        return None
    models = list(dict.fromkeys(cell["model"] for cell in cells))
    num_classes = max(len(confusion_of(summary)) for summary in summaries)
    order = [class_name(classes, place) for place in range(num_classes)]
    side = max(110, min(16 * len(order), 480))
    chart = (
        alt.Chart(ROWS)
        .mark_rect()
        .encode(
            x=alt.X(
                "predicted:N",
                scale=alt.Scale(domain=order),
                title="predicted",
                axis=alt.Axis(labelLimit=70, labelAngle=-90),
            ),
            y=alt.Y("true:N", scale=alt.Scale(domain=order), title="true", axis=alt.Axis(labelLimit=70)),
            color=alt.Color(
                "right:N", scale=alt.Scale(domain=[True, False], range=[FIRST, ERROR]), legend=None
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
    return _finished(chart, cells)


def _shares(summaries: Sequence[Summary], classes: Sequence[str]) -> Rows:
    """Return one row a model and pair of classes that it took for each other; controls are left out."""
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
                        "right": i == j,
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


def _finished(chart: alt.Chart | alt.FacetChart, rows: Rows) -> Spec:
    """Return the chart as plain data, transparent and in the page's letters, with its rows."""
    spec: Spec = chart.to_dict(validate=False)
    return spec | {"config": CONFIG, "data": {"values": rows}}


def to_svg(spec: Mapping[str, Any]) -> str:
    """Return a spec drawn as SVG on white, for reports that take pictures."""
    config = {**spec["config"], "background": "white"}
    return vl_convert.vegalite_to_svg({**spec, "config": config})
