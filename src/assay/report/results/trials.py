# SPDX-License-Identifier: Apache-2.0
"""How the hyperparameters were chosen: docs/tuning.csv, a row for each setting tried or a group of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from assay.data.csv_rows import read_rows
from assay.paths import UNCOMPRESSED


class Trial(BaseModel):
    """Settings of one row of params.yaml that were tried on one task."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    task: str
    model: str
    method: str = UNCOMPRESSED
    trials: int | None = Field(default=None, ge=0)
    """How many settings; ``None`` where they were not counted, 0 where a setting was taken untried."""
    split: str
    """The items by which they were judged."""
    metric: str | None = None
    score: float | None = None
    chosen: Literal["yes", "no"] | None = None
    """Whether the setting is that of params.yaml; ``None`` where that is not known."""
    test_seen: Literal["yes", "no"]
    """Whether a test figure of this row was seen before."""
    note: str | None = None

    @property
    def is_choice_after_test(self) -> bool:
        """Whether what runs may have been chosen with a test figure in mind."""
        return self.test_seen == "yes" and self.chosen != "no"


@dataclass(frozen=True)
class Tuning:
    """What was tried for one row on one task."""

    task: str
    model: str
    method: str
    trials: int
    is_counted: bool
    """False where some settings were not counted: ``trials`` is then the fewest that there were."""
    is_choice_after_test: bool
    notes: tuple[str, ...]


def load(path: Path) -> list[Trial]:
    """Return the trials that a file lists; none if there is no such file.

    Raises:
        ValueError: a row does not fit; one line that names the file, the row and the column.
    """
    if not path.exists():
        return []
    trials = []
    with path.open(encoding="utf-8", newline="") as stream:
        for number, row in enumerate(read_rows(stream), 2):
            try:
                trials.append(Trial.model_validate({key: value or None for key, value in row.items()}))
            except ValidationError as fault:
                first = fault.errors()[0]
                column = ".".join(map(str, first["loc"]))
                raise ValueError(f"{path}: line {number}: {column}: {first['msg']}") from None
    return trials


def summarise(trials: Iterable[Trial], rows: Sequence[tuple[str, str, str]]) -> list[Tuning]:
    """Return what was tried for each of the rows (task, model, method) that the trials name, in the rows' order."""
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
