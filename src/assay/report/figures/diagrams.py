# SPDX-License-Identifier: Apache-2.0
"""Plots over many tasks: critical differences, probabilities of improvement, ratings, profiles, families, costs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cache

import altair as alt

from assay.report.figures.pareto import COLOURS
from assay.report.figures.plots import FIRST, INK, ROWS, SECOND, Plot, Spec, skeleton
from assay.report.formatting import numbers
from assay.report.results.tables import Rows

LINE, BAR = 1.0, 0.55
"""Spacing of a critical-difference diagram, in lines: between two names, and between two bars."""
SHOWN = (-0.25, 1.25)
"""The range of normalised scores that is drawn; scores beyond it are drawn at its edge."""


def critical_difference(ranks: Mapping[str, float], groups: Sequence[Sequence[str]]) -> Plot:
    """Return the diagram of Demsar, JMLR 7, 2006: mean ranks on a line, a bar over those not significantly different.

    Args:
        ranks: mean rank of each model, 1 is best.
        groups: models that are not significantly different; the ranks of a group are adjacent.
    """
    order = sorted(ranks, key=lambda name: (ranks[name], name))
    half = (len(order) + 1) // 2
    first, last = (
        math.floor(ranks[order[0]]),
        max(math.ceil(ranks[order[-1]]), math.floor(ranks[order[0]]) + 1),
    )
    top = 1 + BAR * len(groups)
    rows: Rows = []
    for place, name in enumerate(order):
        left = place < half
        y = top + LINE * (place if left else len(order) - 1 - place)
        common = {"kind": "model", "model": name, "rank": ranks[name], "side": "left" if left else "right"}
        rows.append({**common, "x": ranks[name], "x2": first if left else last, "y": y})
    for number, group in enumerate(groups):
        ends = sorted(ranks[name] for name in group)
        common = {"kind": "group", "model": ", ".join(group), "rank": None, "side": ""}
        rows.append({**common, "x": ends[0] - 0.03, "x2": ends[-1] + 0.03, "y": 0.6 + BAR * number})
    return Plot(_ranked(first, last, top + LINE * half), rows)


@cache
def _ranked(first: int, last: int, depth: float) -> Spec:
    margin = 0.02 * (last - first)
    x = alt.X(
        "x:Q",
        title="mean rank, 1 is best",
        scale=alt.Scale(domain=[first - margin, last + margin], nice=False),
        axis=alt.Axis(orient="top", grid=False, tickMinStep=1, format="d"),
    )
    y = alt.Y("y:Q", scale=alt.Scale(domain=[depth, 0], nice=False), axis=None)
    tooltip = [alt.Tooltip("model:N"), alt.Tooltip("rank:Q", title="mean rank", format=".2f")]
    models = alt.Chart(ROWS).transform_filter("datum.kind == 'model'")
    drop = models.mark_rule(color=INK, opacity=0.6).encode(x=x, y=y, y2=alt.Y2Datum(0))
    across = models.mark_rule(color=INK, opacity=0.6).encode(x=x, x2="x2:Q", y=y)
    groups = alt.Chart(ROWS).transform_filter("datum.kind == 'group'")
    bars = groups.mark_rule(strokeWidth=5, color=FIRST, strokeCap="round").encode(
        x=x, x2="x2:Q", y=y, tooltip=[alt.Tooltip("model:N", title="not significantly different")]
    )
    dots = models.mark_point(filled=True, size=36, color=FIRST).encode(x=x, y=y, tooltip=tooltip)
    names = [
        models.transform_filter(f"datum.side == '{side}'")
        .mark_text(align="right" if side == "left" else "left", dx=-8 if side == "left" else 8, limit=150)
        .encode(x=alt.X("x2:Q"), y=y, text="model:N", tooltip=tooltip)
        for side in ("left", "right")
    ]
    chart = alt.layer(drop, across, bars, dots, *names).properties(width=520, height=round(18 * depth) + 10)
    return {**skeleton(chart), "padding": {"left": 160, "right": 160, "top": 5, "bottom": 5}}


def improvement(rows: Rows) -> Plot:
    """Return the plot of the probabilities that one family beats another on a task.

    Args:
        rows: each with ``better``, ``than``, ``chance`` (the probability) and ``interval`` (as text).
    """
    names = tuple(dict.fromkeys(row["better"] for row in rows))
    return Plot(_chances(names), [{**row, "shown": f"{row['chance']:.2f}"} for row in rows])


@cache
def _chances(names: tuple[str, ...]) -> Spec:
    side = max(160, 34 * len(names))
    x = alt.X("than:N", sort=list(names), title="than", axis=alt.Axis(labelAngle=-40, labelLimit=120))
    y = alt.Y("better:N", sort=list(names), title="better", axis=alt.Axis(labelLimit=150))
    squares = (
        alt.Chart(ROWS)
        .mark_rect()
        .encode(
            x=x,
            y=y,
            color=alt.Color(
                "above:N", scale=alt.Scale(domain=[True, False], range=[FIRST, SECOND]), legend=None
            ),
            opacity=alt.Opacity("far:Q", scale=alt.Scale(domain=[0, 0.5], range=[0, 0.6]), legend=None),
            tooltip=[
                alt.Tooltip("better:N"),
                alt.Tooltip("than:N"),
                alt.Tooltip("shown:N", title="probability of improvement"),
                alt.Tooltip("interval:N", title="95% interval"),
                alt.Tooltip("tasks:Q"),
            ],
        )
        .transform_calculate(above="datum.chance >= 0.5", far="abs(datum.chance - 0.5)")
    )
    labels = alt.Chart(ROWS).mark_text(fontSize=10).encode(x=x, y=y, text="shown:N")
    return skeleton((squares + labels).properties(width=side, height=side))


def ratings(rows: Rows) -> Plot:
    """Return the plot of the models' ratings with their intervals, best first.

    Args:
        rows: each with ``model``, ``rating``, ``low``, ``high`` and ``tasks``.
    """
    return Plot(_rated(tuple(row["model"] for row in rows)), rows)


@cache
def _rated(models: tuple[str, ...]) -> Spec:
    y = alt.Y("model:N", sort=list(models), title=None, axis=alt.Axis(labelLimit=180, grid=True))
    x = alt.X("rating:Q", title="rating", scale=alt.Scale(zero=False), axis=alt.Axis(grid=True, format="d"))
    tooltip = [
        alt.Tooltip("model:N"),
        *(alt.Tooltip(f"{name}:Q", format=".0f") for name in ("rating", "low", "high")),
        alt.Tooltip("tasks:Q"),
    ]
    bars = (
        alt.Chart(ROWS)
        .mark_rule(strokeWidth=2, color=FIRST, opacity=0.6)
        .encode(x=alt.X("low:Q", title="rating"), x2="high:Q", y=y)
    )
    dots = alt.Chart(ROWS).mark_point(filled=True, size=50, color=FIRST).encode(x=x, y=y, tooltip=tooltip)
    return skeleton((bars + dots).properties(width=430, height=18 * len(models) + 8))


def profiles(rows: Rows) -> Plot:
    """Return the plot of the share of runs above a normalised score, one curve and band per family.

    Args:
        rows: each with ``family``, ``threshold``, ``share``, ``low`` and ``high``.
    """
    return Plot(_profiled(tuple(dict.fromkeys(row["family"] for row in rows))), rows)


@cache
def _profiled(families: tuple[str, ...]) -> Spec:
    x = alt.X("threshold:Q", title="normalised score", axis=alt.Axis(grid=False, format=".2f"))
    share = alt.Scale(domain=[0, 1])
    colour = alt.Color(
        "family:N",
        title="family",
        scale=alt.Scale(domain=list(families), range=list(COLOURS)),
        legend=alt.Legend(symbolType="stroke", symbolOpacity=1, labelLimit=160),
    )
    title = "share of runs above it"
    bands = (
        alt.Chart(ROWS)
        .mark_area(opacity=0.15)
        .encode(x=x, y=alt.Y("low:Q", title=title, scale=share), y2="high:Q", color=colour)
    )
    curves = (
        alt.Chart(ROWS)
        .mark_line(strokeWidth=1.8)
        .encode(
            x=x,
            y=alt.Y("share:Q", title=title, scale=share, axis=alt.Axis(format=".0%")),
            color=colour,
            tooltip=[
                alt.Tooltip("family:N"),
                alt.Tooltip("threshold:Q", title="above", format=".3f"),
                *(alt.Tooltip(f"{name}:Q", format=".1%") for name in ("share", "low", "high")),
            ],
        )
    )
    return skeleton((bands + curves).properties(width=430, height=240))


def family(rows: Rows) -> Plot | None:
    """Return the plot of the normalised scores of a family's models, one line per task.

    Args:
        rows: each with ``task``, ``model`` and ``normalised``.
    """
    drawn = [
        {**row, "at": min(max(row["normalised"], SHOWN[0]), SHOWN[1])}
        for row in rows
        if row["normalised"] is not None
    ]
    tasks = tuple(dict.fromkeys(row["task"] for row in drawn))
    return Plot(_strip(tasks), drawn) if drawn else None


@cache
def _strip(tasks: tuple[str, ...]) -> Spec:
    points = (
        alt.Chart(ROWS)
        .mark_point(filled=True, size=60, opacity=0.75, color=FIRST)
        .encode(
            x=alt.X(
                "at:Q",
                title="normalised score: 0 is the best control, 1 the best known",
                scale=alt.Scale(domain=list(SHOWN), nice=False),
                axis=alt.Axis(values=[0, 0.25, 0.5, 0.75, 1], format=".2f", grid=True),
            ),
            y=alt.Y("task:N", sort=list(tasks), title=None, axis=alt.Axis(labelLimit=150, grid=True)),
            tooltip=[
                alt.Tooltip("task:N"),
                alt.Tooltip("model:N"),
                alt.Tooltip("shown:N", title="score"),
                alt.Tooltip("normalised:Q", format=".3f"),
            ],
        )
    )
    return skeleton(points.properties(width=430, height=22 * len(tasks) + 8))


def spent(rows: Rows) -> Plot | None:
    """Return the plot of the seconds spent on each task, by family.

    Args:
        rows: each with ``task``, ``family`` and ``seconds``.
    """
    drawn = [{**row, "shown": numbers.seconds(row["seconds"])} for row in rows if row["seconds"] > 0]
    if not drawn:
        return None
    tasks, families = (tuple(dict.fromkeys(row[name] for row in drawn)) for name in ("task", "family"))
    unit, divisor = _unit(sum(row["seconds"] for row in drawn))
    return Plot(_bars(tasks, families, unit), [{**row, "time": row["seconds"] / divisor} for row in drawn])


def _unit(seconds: float) -> tuple[str, float]:
    if seconds > 2 * 3600:
        return "hours", 3600
    return ("minutes", 60) if seconds > 120 else ("seconds", 1)


@cache
def _bars(tasks: tuple[str, ...], families: tuple[str, ...], unit: str) -> Spec:
    chart = (
        alt.Chart(ROWS)
        .mark_bar()
        .encode(
            x=alt.X("time:Q", title=unit, axis=alt.Axis(grid=True, tickCount=6)),
            y=alt.Y("task:N", sort=list(tasks), title=None, axis=alt.Axis(labelLimit=150)),
            color=alt.Color(
                "family:N",
                title="family",
                scale=alt.Scale(domain=list(families), range=list(COLOURS)),
                legend=alt.Legend(symbolType="circle", labelLimit=160),
            ),
            tooltip=[
                alt.Tooltip("task:N"),
                alt.Tooltip("family:N"),
                alt.Tooltip("shown:N", title="time"),
            ],
        )
        .properties(width=430, height=22 * len(tasks) + 8)
    )
    return skeleton(chart)
