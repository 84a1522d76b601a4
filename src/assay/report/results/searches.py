# SPDX-License-Identifier: Apache-2.0
"""The searches for hyperparameters: their trials, as the phase tune left them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assay.files import read_json
from assay.paths import STATUS
from assay.provenance import records

TRIALS = "trials.json"
COLUMNS = (
    "task", "dataset", "model", "fixed", "trial", "trials", "split", "metric", "direction", "score", "chosen",
    "setting", "reason",
)  # fmt: skip
"""The columns of tables/trials.csv."""


@dataclass(frozen=True)
class Trial:
    """A setting that was tried."""

    setting: Mapping[str, Any]
    """Values by name of a knob or of a key of ``training``."""
    score: float | None
    """The watched metric on validation items; None if the trial failed."""
    reason: str


@dataclass(frozen=True)
class Search:
    """The search for the hyperparameters of one row on one task, or on one fold of its data."""

    task: str
    dataset: str
    model: str
    fixed: str
    """The row that this one is like, with fixed hyperparameters; "" if none runs."""
    metric: str
    direction: str
    trials: tuple[Trial, ...]
    chosen: int
    """The place of the chosen trial."""
    fold: int | None = None
    """The fold whose items no trial could read; None for data without folds."""

    @property
    def label(self) -> str:
        """The row, and its fold if there are several."""
        return self.model if self.fold is None else f"{self.model}, fold {self.fold}"

    @property
    def setting(self) -> str:
        """The chosen setting as text."""
        return shown(self.trials[self.chosen].setting)

    @property
    def scores(self) -> list[float]:
        """The score of each trial, in order; a failed one has the worst score of all."""
        found = [trial.score for trial in self.trials if trial.score is not None]
        worst = min(found) if self.direction == "maximise" else max(found)
        return [worst if trial.score is None else trial.score for trial in self.trials]


def read(rows: Sequence[Mapping[str, Any]], errors: Mapping[Path, str]) -> list[Search]:
    """Return the finished searches; a failed one is the failure of its row's cells, which the report shows.

    Args:
        rows: each with task, dataset, model, fixed, the fold if there are several, and the folder ``tuned``.
        errors: record -> why it cannot be trusted.
    """
    return [found for row in rows if row["tuned"] / STATUS not in errors and (found := _search(row))]


def _search(row: Mapping[str, Any]) -> Search | None:
    record = records.find(row["tuned"] / STATUS)
    if record is None or record["status"] != records.OK:
        return None
    chosen = record["chosen"]
    trials = tuple(Trial(**each) for each in read_json(row["tuned"] / TRIALS))
    names = {key: str(row[key]) for key in ("task", "dataset", "model", "fixed")}
    return Search(
        **names,
        metric=chosen["metric"],
        direction=chosen["direction"],
        trials=trials,
        chosen=chosen["trial"],
        fold=row.get("fold"),
    )


def shown(setting: Mapping[str, Any]) -> str:
    """Return a setting as text: ``hidden = [64], learning_rate = 0.00123``."""
    return ", ".join(f"{key} = {_value(value)}" for key, value in setting.items())


def _value(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else json.dumps(value)


def trial_rows(searches: Sequence[Search]) -> list[dict[str, Any]]:
    """Return the rows of tables/trials.csv: one per trial."""
    return [
        {
            "task": each.task,
            "dataset": each.dataset,
            "model": each.model,
            "fixed": each.fixed,
            "trial": number + 1,
            "trials": len(each.trials),
            "split": "validation",
            "metric": each.metric,
            "direction": each.direction,
            "score": trial.score,
            "chosen": "yes" if number == each.chosen else "no",
            "setting": json.dumps(dict(trial.setting)),
            "reason": trial.reason,
        }
        for each in searches
        for number, trial in enumerate(each.trials)
    ]
