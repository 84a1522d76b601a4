# SPDX-License-Identifier: Apache-2.0
"""Plots of quality against cost, with the Pareto front: the points that no other beats in both."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import cycle
from typing import Literal

import altair as alt

from assay.paths import UNCOMPRESSED
from assay.report.figures.plots import COLUMNS, INK, ROWS, Plot, Spec, in_order, skeleton
from assay.report.formatting import numbers
from assay.report.results.summaries import Summary
from assay.report.results.tables import Rows

COLOURS = (
    "#4e79a7", "#e08a2e", "#59a14f", "#c65b6b", "#9c6db0", "#3fa7a3", "#a8793f", "#8a8f98",
    "#1f4e79", "#b5651d", "#2f6b2f", "#8c2d3f", "#5f3a73", "#1d6b68", "#d4a72c", "#d97ba6",
)  # fmt: skip
"""Colours of families or methods."""
SHAPES = (
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
)
"""Shapes of methods; the first is that of the uncompressed model."""
LEAST, MOST = 0.8, 1.1
"""The range of "score kept" that is drawn; points beyond it are drawn at its edge."""


def of_task(summaries: Sequence[Summary], cost: str, title: str, families: Sequence[str]) -> Plot | None:
    """Return the plot of a task's primary metric against a cost (log scale), one point per model and method.

    Args:
        cost: a numeric attribute of Variant, such as ``size_bytes``; its mean over seeds is drawn.
        families: all families of the report, so that a family has the same colour in all plots.
    """
    points = _priced(summaries, cost)
    if not points:
        return None
    methods = sorted({point["method"] for point in points} - {UNCOMPRESSED})
    spec = _scatter(
        title,
        summaries[0].task.primary,
        cost.endswith("bytes"),
        _colours(families, points),
        (UNCOMPRESSED, *methods),
        tuple(_ticks([point["cost"] for point in points])),
    )
    return Plot(spec, points)


def of_all_tasks(
    summaries: Mapping[str, Sequence[Summary]], cost: str, title: str, families: Sequence[str]
) -> Plot | None:
    """Return the uncompressed models' quality against a cost as small multiples, one per task."""
    rows: Rows = []
    for task, mine in summaries.items():
        plain = [each for each in mine if each.method == UNCOMPRESSED]
        unit = 100 if mine and numbers.is_fraction(mine[0].task.primary) else 1
        rows += [{**point, "score": unit * point["score"], "task": task} for point in _priced(plain, cost)]
    if not rows:
        return None
    drawn = list(dict.fromkeys(row["task"] for row in rows))
    spec = _small_multiples(title, cost.endswith("bytes"), _colours(families, rows))
    return Plot(in_order(spec, drawn), rows)


def trade_off(rows: Rows, gain: str, title: str) -> Plot | None:
    """Return the plot of the share of the score that compression keeps against its gain, over all tasks.

    Args:
        rows: the rows of ``compression.compared`` for all tasks, each with ``lost`` and the gain.
        gain: ``size_ratio`` (times smaller) or ``speed_batch1`` (times faster).
    """
    points = [
        {
            "task": row["task"],
            "model": row["model"],
            "method": row["method"],
            "gain": row[gain],
            "kept": 1 - row["lost"],
            "at": min(max(1 - row["lost"], LEAST), MOST),
            "shown": f"{row[gain]:.2f} times",
        }
        for row in rows
        if row[gain] and row["lost"] is not None
    ]
    if not points:
        return None
    _mark_front(points, "gain", "at", cheaper=-1, better=1)
    methods = tuple(sorted({point["method"] for point in points}))
    return Plot(_gains(title, methods), points)


def _priced(summaries: Sequence[Summary], cost: str) -> Rows:
    """Return one point per model and method with both a score and a cost, controls excluded."""
    points: Rows = []
    for summary in summaries:
        metric = summary.task.primary
        score, price = summary.score(metric), summary.cost(cost)
        if score is None or not price or summary.control:
            continue
        points.append(
            {
                "model": summary.model.name,
                "family": summary.model.family,
                "method": summary.method,
                "cost": price,
                "score": score.mean,
                "shown": numbers.score_with_unit(score.mean, metric),
                "priced": numbers.size(price) if cost.endswith("bytes") else f"{price:.4g}",
            }
        )
    sign = 1 if summaries and summaries[0].task.direction == "maximise" else -1
    _mark_front(points, "cost", "score", cheaper=1, better=sign)
    return points


def _mark_front(points: Rows, cost: str, score: str, *, cheaper: int, better: int) -> None:
    """Set ``front`` of each point: whether no other point is as cheap and better, or as good and cheaper."""
    best = -math.inf
    for point in sorted(points, key=lambda point: (cheaper * point[cost], -better * point[score])):
        point["front"] = better * point[score] > best
        best = max(best, better * point[score])


def _ticks(values: Sequence[float]) -> list[float]:
    """Return round numbers for a log axis: powers of ten, with twos and fives where the range is short."""
    first, last = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    steps = (1,) if last - first > 3 else (1, 2, 5)
    return [step * 10.0**power for power in range(first, last + 1) for step in steps]


def _colours(families: Sequence[str], rows: Rows) -> tuple[tuple[str, str], ...]:
    """Return the families of these rows, each with its colour, the same in all plots of the report."""
    used = {row["family"] for row in rows}
    coloured = zip(families, cycle(COLOURS), strict=False)
    return tuple((name, colour) for name, colour in coloured if name in used)


def _priced_axis(title: str, bytes_: bool, ticks: Sequence[float] = ()) -> alt.X:
    axis = alt.Axis(
        format="~s" if bytes_ else ".6~g",
        grid=False,
        labelOverlap=True,
        values=list(ticks) or alt.Undefined,
        tickCount=4,
    )
    return alt.X("cost:Q", title=title, scale=alt.Scale(type="log", nice=False, padding=12), axis=axis)


def _front(x: str, y: str, interpolate: Literal["step-after", "step-before"]) -> alt.Chart:
    chart: alt.Chart = (
        alt.Chart(ROWS)
        .transform_filter("datum.front")
        .mark_line(interpolate=interpolate, strokeWidth=1.2, strokeDash=[4, 3], color=INK)
        .encode(x=alt.X(f"{x}:Q"), y=alt.Y(f"{y}:Q"), order=alt.Order(f"{x}:Q"))
    )
    return chart


@cache
def _scatter(
    title: str,
    metric: str,
    bytes_: bool,
    families: tuple[tuple[str, str], ...],
    methods: tuple[str, ...],
    ticks: tuple[float, ...],
) -> Spec:
    names, colours = zip(*families, strict=True)
    chart = (
        alt.Chart(ROWS)
        .mark_point(filled=True, size=60, opacity=0.9)
        .encode(
            x=_priced_axis(title, bytes_, ticks),
            y=alt.Y(
                "score:Q",
                title=numbers.metric_name(metric),
                scale=alt.Scale(zero=False, padding=10),
                axis=alt.Axis(tickCount=6, format=".1%" if numbers.is_fraction(metric) else alt.Undefined),
            ),
            color=alt.Color(
                "family:N",
                title="family",
                scale=alt.Scale(domain=list(names), range=list(colours)),
                legend=alt.Legend(symbolType="circle", labelLimit=160),
            ),
            shape=alt.Shape(
                "method:N",
                title="method",
                scale=alt.Scale(domain=list(methods), range=list(SHAPES)),
                legend=alt.Legend(symbolFillColor=INK, symbolStrokeWidth=0, labelLimit=160),
            ),
            tooltip=[
                alt.Tooltip("model:N"),
                alt.Tooltip("family:N"),
                alt.Tooltip("method:N"),
                alt.Tooltip("shown:N", title=numbers.metric_name(metric)),
                alt.Tooltip("priced:N", title=title),
            ],
        )
    )
    return skeleton((_front("cost", "score", "step-after") + chart).properties(width=380, height=280))


@cache
def _small_multiples(title: str, bytes_: bool, colours: tuple[tuple[str, str], ...]) -> Spec:
    names, shades = zip(*colours, strict=True)
    points = (
        alt.Chart(ROWS)
        .mark_point(filled=True, size=45, opacity=0.9)
        .encode(
            x=_priced_axis(title, bytes_),
            y=alt.Y(
                "score:Q",
                title=None,
                scale=alt.Scale(zero=False, padding=8),
                axis=alt.Axis(tickCount=4),
            ),
            color=alt.Color(
                "family:N",
                title=None,
                scale=alt.Scale(domain=list(names), range=list(shades)),
                legend=alt.Legend(orient="top", columns=4, labelLimit=160),
            ),
            tooltip=[
                alt.Tooltip("task:N"),
                alt.Tooltip("model:N"),
                alt.Tooltip("family:N"),
                alt.Tooltip("shown:N", title="score"),
                alt.Tooltip("priced:N", title=title),
            ],
        )
    )
    chart = (
        (_front("cost", "score", "step-after") + points)
        .properties(width=200, height=140)
        .facet(
            facet=alt.Facet("task:N", title=None, header=alt.Header(labelFontSize=12, labelLimit=190)),
            columns=COLUMNS,
            spacing=18,
        )
        .resolve_scale(x="independent", y="independent")
    )
    return skeleton(chart)


@cache
def _gains(title: str, methods: tuple[str, ...]) -> Spec:
    points = (
        alt.Chart(ROWS)
        .mark_point(filled=True, size=50, opacity=0.8)
        .encode(
            x=alt.X(
                "gain:Q",
                title=title,
                scale=alt.Scale(type="log", nice=False, padding=12),
                axis=alt.Axis(format=".4~g", tickCount=6, grid=False, labelOverlap=True),
            ),
            y=alt.Y(
                "at:Q",
                title="score kept",
                scale=alt.Scale(zero=False, padding=10),
                axis=alt.Axis(format="~p", tickCount=6),
            ),
            color=alt.Color(
                "method:N",
                title="method",
                scale=alt.Scale(domain=list(methods), range=list(COLOURS)),
                legend=alt.Legend(symbolType="circle", labelLimit=160),
            ),
            shape=alt.Shape(
                "method:N", scale=alt.Scale(domain=list(methods), range=list(SHAPES)), title="method"
            ),
            tooltip=[
                alt.Tooltip("task:N"),
                alt.Tooltip("model:N"),
                alt.Tooltip("method:N"),
                alt.Tooltip("shown:N", title=title),
                alt.Tooltip("kept:Q", title="score kept", format=".2%"),
            ],
        )
    )
    return skeleton((_front("gain", "at", "step-before") + points).properties(width=380, height=280))
