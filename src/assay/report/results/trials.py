# SPDX-License-Identifier: Apache-2.0
"""How the hyperparameters were chosen: docs/tuning.csv, one row per setting or group of settings that was tried."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from assay.data import csv_rows
from assay.data.csv_rows import read_rows
from assay.paths import UNCOMPRESSED


class Trial(BaseModel):
    """Settings of one row of params.yaml that were tried on one task."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    task: str
    model: str
    method: str = UNCOMPRESSED
    trials: int | None = Field(default=None, ge=0)
    """The number of settings; ``None`` if they were not counted, 0 if a setting was used without a comparison."""
    split: str
    """The split on which they were scored."""
    metric: str | None = None
    score: float | None = None
    chosen: Literal["yes", "no"] | None = None
    """Whether the setting is the one in params.yaml; ``None`` if that is not known."""
    test_seen: Literal["yes", "no"]
    """Whether a test score of this row had been seen before."""
    note: str | None = None

    @property
    def is_choice_after_test(self) -> bool:
        """Whether the setting in use may have been chosen after a test score was seen."""
        return self.test_seen == "yes" and self.chosen != "no"


@dataclass(frozen=True)
class Tuning:
    """The settings that were tried for one row on one task."""

    task: str
    model: str
    method: str
    trials: int
    is_counted: bool
    """False if some settings were not counted: ``trials`` is then a lower bound."""
    is_choice_after_test: bool
    notes: tuple[str, ...]


def load(path: Path) -> list[Trial]:
    """Return the trials that a file lists; none if there is no such file.

    Raises:
        ValueError: a row is invalid; one line that names the file, the line and the column.
    """
    if not path.exists():
        return []
    trials = []
    with path.open(encoding="utf-8", newline="") as stream:
        for number, row in enumerate(read_rows(stream), 2):
            try:
                trials.append(Trial.model_validate({key: value or None for key, value in row.items()}))
            except ValidationError as error:
                first = error.errors()[0]
                column = ".".join(map(str, first["loc"]))
                raise ValueError(f"{path}: line {number}: {column}: {first['msg']}") from None
    return trials


def with_searches(path: Path, rows: Iterable[Mapping[Hashable, Any]]) -> str:
    """Return the text of docs/tuning.csv with every trial of some searches, in place of earlier trials of their rows.

    Args:
        path: the file; it may be absent.
        rows: of a report's tables/trials.csv, whose settings were chosen without a test score.
    """
    added = [_line(row) for row in rows]
    searched = {tuple(line[:3]) for line in added}
    kept: list[list[str]] = [list(Trial.model_fields)]
    if path.exists():
        with path.open(encoding="utf-8", newline="") as stream:
            kept = [line for line in csv_rows.reader(stream) if tuple(line[:3]) not in searched]
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([*kept, *added])
    return text.getvalue()


def _line(row: Mapping[Hashable, Any]) -> list[str]:
    scored = isinstance(row["score"], float) and math.isfinite(row["score"])
    score = f"{row['score']:.6g}" if scored else ""
    failure = "" if scored else f"; failed: {row['reason']}"
    note = f"trial {row['trial']} of {row['trials']} in the suite {row['suite']}: {row['setting']}{failure}"
    chosen = str(row["chosen"])
    return [
        str(row["task"]), str(row["model"]), UNCOMPRESSED, "1", str(row["split"]), str(row["metric"]), score, chosen,
        "no", note,
    ]  # fmt: skip


def summarise(trials: Iterable[Trial], rows: Sequence[tuple[str, str, str]]) -> list[Tuning]:
    """Return a summary of the trials of each row (task, model, method) that has any, in the rows' order."""
    found: dict[tuple[str, str, str], list[Trial]] = {}
    for trial in trials:
        found.setdefault((trial.task, trial.model, trial.method), []).append(trial)
    return [_summary(row, found[row]) for row in dict.fromkeys(rows) if row in found]


def _summary(row: tuple[str, str, str], trials: Sequence[Trial]) -> Tuning:
    counts: list[Any] = [trial.trials for trial in trials]
    return Tuning(
        *row,
        sum(count or 0 for count in counts),
        None not in counts,
        any(trial.is_choice_after_test for trial in trials),
        tuple(dict.fromkeys(trial.note for trial in trials if trial.note)),
    )
