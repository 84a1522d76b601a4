# SPDX-License-Identifier: Apache-2.0
"""Targets for the measured scores (docs/targets.yaml, curated by hand), and whether they are reached.

A target is reached, or not reached, only if the whole 95% interval of the score says so; otherwise it is undecided. A
model must be better than another one by intervals that do not overlap.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError, model_validator

from assay import paths
from assay.config import strict_yaml
from assay.report.formatting import numbers

BEST = "best"
"""Stands for the model with the best score of the task."""
REACHED, NOT_REACHED, UNDECIDED = "reached", "**not reached**", "undecided"
NO_INTERVAL = "undecided: no interval"
"""Intervals are published for primary metrics only, and not by earlier releases."""


Interval = tuple[float, float]


class Target(BaseModel):
    """A score that a model of a task must reach: a bound, or another model's score."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    suite: str = "public"
    task: str
    model: str
    metric: str
    at_least: float | None = None
    at_most: float | None = None
    better_than: str | None = None
    """Another row of the task's table."""

    @model_validator(mode="after")
    def _has_one_bound(self) -> Target:
        if [self.at_least, self.at_most, self.better_than].count(None) != 2:
            raise ValueError("give one of at_least, at_most and better_than")
        return self

    def row(self, table: pd.DataFrame | None) -> list[str]:
        """Return the cells of its row: task, model, target, measured, its interval, and whether it was reached.

        Args:
            table: published scores of the task, one row per model, method and metric; None if there are none.
        """
        if table is None:
            return [self.task, self.model, self._wanted(), "not measured", "", ""]
        plain = table[(table["metric"] == self.metric) & (table["method"] == paths.UNCOMPRESSED)]
        rows = plain.drop_duplicates("model").set_index("model")
        means = rows["mean"]
        falls = self.at_most is not None or (
            self.better_than is not None and table["direction"].iloc[0] == "minimise"
        )
        name = model = self.model
        if model == BEST and len(means):
            model = str(means.idxmin() if falls else means.idxmax())
            name = f"{BEST} ({model})"
        if not {model, self.better_than or model} <= set(means.index):
            return [self.task, name, self._wanted(), "failed", "", NOT_REACHED]
        ends = _interval(rows, model)
        return [
            self.task,
            name,
            self._wanted(means),
            self._shown(means[model]),
            f"{self._shown(ends[0])} to {self._shown(ends[1])}" if ends else "",
            self._verdict(ends, self._bound(rows), falls),
        ]

    def _bound(self, rows: pd.DataFrame) -> Interval | None:
        """Return the score to reach, or the interval of the other model's score."""
        if self.better_than is not None:
            return _interval(rows, self.better_than)
        bound = self.at_least if self.at_least is not None else self.at_most
        assert bound is not None  # as _has_one_bound requires
        return bound, bound

    def _verdict(self, ends: Interval | None, bound: Interval | None, falls: bool) -> str:
        if ends is None or bound is None:
            return NO_INTERVAL
        (low, high), (lowest, highest) = ends, bound
        if falls:
            low, high, lowest, highest = -high, -low, -highest, -lowest
        if low > highest or (low == highest and self.better_than is None):
            return REACHED
        return NOT_REACHED if high < lowest or self.better_than == self.model else UNDECIDED

    def _wanted(self, means: pd.Series | None = None) -> str:
        if self.better_than is None:
            sign, bound = ("≥", self.at_least) if self.at_least is not None else ("≤", self.at_most)
            return f"{sign} {self._shown(bound)}"
        score = "" if means is None else f" ({self._shown(means[self.better_than])})"
        return f"better than {self.better_than}{score}"

    def _shown(self, score: float | None) -> str:
        return numbers.score_with_unit(score, self.metric)


def _interval(rows: pd.DataFrame, model: str) -> Interval | None:
    """Return the interval of a model's score, None if it has none."""
    if not {"low", "high"} <= set(rows.columns):
        return None
    low, high = (float(rows[name].astype(float)[model]) for name in ("low", "high"))
    return None if math.isnan(low) or math.isnan(high) else (low, high)


def load(path: Path) -> list[Target]:
    """Return the targets that a file lists; none if there is no such file.

    Raises:
        ValueError: the file is invalid; one line that names the file, the target and the key.
    """
    if not path.exists():
        return []
    try:
        return TypeAdapter(list[Target]).validate_python(strict_yaml.read(path))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part + 1) if isinstance(part, int) else part for part in first["loc"])
        raise ValueError(
            f"{path}: target {place}: {first['msg']}" if place else f"{path}: {first['msg']}"
        ) from None


def table(targets: list[Target], scores: Mapping[tuple[str, str], pd.DataFrame]) -> str:
    """Return the section of targets as Markdown.

    Args:
        targets: as returned by :func:`load`.
        scores: by suite and task, as in ``docs/results``.
    """
    rows = [target.row(scores.get((target.suite, target.task))) for target in targets]
    lines = [
        "## Targets",
        "",
        "A target is reached, or not reached, only if the whole 95% interval of the score over seeds and test items"
        " says so; otherwise it is undecided. To be better than another model, the intervals must not overlap.",
        "",
        "| task | model | target | measured | 95% interval | |",
        "|---|---|---|---|---|---|",
    ]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])
