# SPDX-License-Identifier: Apache-2.0
"""Published values to compare with the measured ones (published.yaml, curated by hand)."""

from __future__ import annotations

import math
from functools import cache
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator


class Published(BaseModel):
    """One published result and whether it may be compared with ours."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    value: float = Field(ge=0)
    """Measured on the test items, in the metric's own unit: an accuracy is a fraction."""
    metric: str = "accuracy"
    """The primary metric of the task with whose results it is compared."""
    quoted_metric: str
    """The metric as its source names it."""
    quoted_value: float
    """The number as printed in its source."""
    model: str
    """The model as its source describes it."""
    protocol: str
    """The split and training budget of the source."""
    source_url: str
    seen_at_source: bool
    """True if the value was read at ``source_url`` itself, False if it is quoted from elsewhere."""
    comparable: bool
    """True if family, split, metric and loss agree and nothing was chosen on the test set."""
    margin: float | None = Field(default=None, gt=0)
    """The largest gap that counts as reproduced, in the metric's own unit; every comparable value declares one."""
    why: str
    """What differs, or why it cannot be compared."""

    @model_validator(mode="after")
    def _has_margin(self) -> Published:
        if self.comparable and self.margin is None:
            raise ValueError("a comparable value needs a margin")
        return self

    @property
    def rounding(self) -> float:
        """Half a unit of the last digit printed in the source, in the metric's own unit.

        Trailing zeros are lost: 98.00 counts as 98.0, which makes it larger.
        """
        digits = str(self.quoted_value).partition(".")[2]
        return 0.5 * 10.0 ** -len(digits) * self._unit

    @property
    def _unit(self) -> float:
        """How much ``value`` changes if ``quoted_value`` changes by 1."""
        share = self.quoted_value / 100
        if any(math.isclose(self.value, each) for each in (share, 1 - share)):
            return 0.01
        return self.value / self.quoted_value


@cache
def load() -> dict[str, dict[str, Published]]:
    """Return dataset -> model row -> published value.

    Raises:
        ValueError: published.yaml is invalid; one line that names dataset, model and key.
    """
    path = Path(__file__).parents[1] / "published.yaml"
    found = yaml.safe_load(path.read_text(encoding="utf-8"))
    try:
        return {
            dataset: {model: Published.model_validate(row) for model, row in rows.items()}
            for dataset, rows in found.items()
        }
    except ValidationError as error:
        first = error.errors()[0]
        raise ValueError(f"{path.name}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
