# SPDX-License-Identifier: Apache-2.0
"""The section on comparisons across tasks: rows with fixed hyperparameters, and tuned rows if there are any."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from assay.paths import UNCOMPRESSED
from assay.report.figures import diagrams
from assay.report.figures.plots import Chart
from assay.report.inference import across
from assay.report.inference.across import Across
from assay.report.inference.performance_profiles import THRESHOLDS
from assay.report.results.summaries import Summary
from assay.report.results.tables import Rows
from assay.report.sections.task import Section

MARKS = (0, 10, 20, 30, 36)
"""The thresholds that a table of profiles shows, by their place: 0, 0.25, 0.5, 0.75 and 0.9."""
FIXED, TUNED = "Rows with fixed hyperparameters", "Tuned rows"


@dataclass(frozen=True)
class AcrossSection:
    """What the section shows of the rows that are alike in tuning."""

    found: Across
    title: str
    """Empty if all rows are alike."""
    rankings: list[Chart]
    """One per ranking."""
    ratings: list[Chart]
    """One per set of ratings."""
    improvement: Chart | None
    profiles: list[Chart]
    """One per set of families."""
    marks: Mapping[int, str]
    """Thresholds of the table of profiles, by their place."""

    @property
    def charts(self) -> list[Chart]:
        single = [self.improvement] if self.improvement else []
        return [*self.rankings, *self.ratings, *single, *self.profiles]


def across_sections(summaries: Sequence[Summary], sections: Sequence[Section]) -> list[AcrossSection]:
    """Return the comparison of the rows with fixed hyperparameters, then that of the tuned rows if there are any."""
    items = {
        (each.task.name, model): estimate.items_variance
        for each in sections
        for (model, method), estimate in each.analysis.estimates.items()
        if method == UNCOMPRESSED
    }
    scales = {each.task.name: each.scale for each in sections if each.scale and each.scale.fixed}
    groups = across.compare_apart(summaries, items, scales)
    return [_section(each, is_alone=len(groups) == 1) for each in groups]


def _section(found: Across, is_alone: bool) -> AcrossSection:
    suffix = "-tuned" if found.tuned else ""
    title = "" if is_alone else TUNED if found.tuned else FIXED
    return AcrossSection(
        found,
        title,
        _rankings(found, suffix),
        _ratings(found, suffix),
        _improvement(found, suffix),
        _profiles(found, suffix),
        {place: f"{THRESHOLDS[place]:.2f}" for place in MARKS},
    )


def _rankings(found: Across, suffix: str) -> list[Chart]:
    """Return one critical-difference diagram per group of tasks that run the same models."""
    caption = (
        "Mean ranks, 1 is best. A bar joins models whose mean ranks lie within the critical difference: on these"
        " tasks they are not significantly different."
    )
    return [
        Chart(
            f"critical-difference-{number}{suffix}",
            "Critical-difference diagram",
            caption,
            diagrams.critical_difference(dict(zip(each.models, each.ranks, strict=True)), each.cliques),
        )
        for number, each in enumerate(found.rankings, 1)
    ]


def _ratings(found: Across, suffix: str) -> list[Chart]:
    caption = "Ratings on Elo's scale with 95% intervals; 400 points more are odds of 10 to 1."
    return [
        Chart(
            f"ratings-{number}{suffix}",
            "Ratings",
            caption,
            diagrams.ratings([asdict(row) for row in each.models]),
        )
        for number, each in enumerate(found.ratings, 1)
    ]


def _profiles(found: Across, suffix: str) -> list[Chart]:
    caption = (
        "Share of runs with a normalised score above the threshold, with pointwise 95% bands; 0 is the best control,"
        " 1 the best known. A curve that lies above another one everywhere is the better family."
    )
    charts = []
    for number, each in enumerate(found.profiles, 1):
        rows = [
            {"family": curve.family, "threshold": threshold, "share": share, "low": low, "high": high}
            for curve in each.families
            for threshold, share, low, high in zip(
                THRESHOLDS.tolist(), curve.shares, curve.low, curve.high, strict=True
            )
        ]
        plot = diagrams.profiles(rows)
        charts.append(Chart(f"profiles-{number}{suffix}", "Performance profiles", caption, plot))
    return charts


def _improvement(found: Across, suffix: str) -> Chart | None:
    """Return the probability that each family is better than each other; None if nothing can be said of any."""
    rows: Rows = []
    for each in found.families:
        ends = [each.low, each.high]
        both = ((each.better, each.worse, each.probability), (each.worse, each.better, 1 - each.probability))
        for turned, (better, than, chance) in enumerate(both):
            shown = [1 - end for end in reversed(ends)] if turned else ends
            interval = f"{shown[0]:.2f} to {shown[1]:.2f}"
            base = {"better": better, "than": than, "chance": chance, "interval": interval}
            rows.append({**base, "tasks": len(each.tasks)})
    caption = (
        "Probability that the row beats the column: blue above 0.5, orange below; a deeper colour is further from"
        " 0.5."
    )
    return Chart(f"improvement{suffix}", "Families", caption, diagrams.improvement(rows)) if rows else None
