# SPDX-License-Identifier: Apache-2.0
"""What a task shows beside numbers: exhibits, which the report draws by their type and whose task it does not know."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True)
class ConfusionMatrix:
    """How often each true class (row) was taken for each class (column): K x K counts."""

    key: ClassVar[str] = "confusion"
    counts: Sequence[Sequence[int]]

    def content(self) -> Any:
        return [list(row) for row in self.counts]


@dataclass(frozen=True)
class Samples:
    """Answers that are texts, each with what was ``given`` and what was ``expected``; the answer is ``said``."""

    key: ClassVar[str] = "samples"
    texts: Sequence[Mapping[str, str]]

    def content(self) -> Any:
        return [dict(each) for each in self.texts]


@dataclass(frozen=True)
class ImageGrid:
    """Rows of images, such as what was given above what was answered; a column a test item."""

    key: ClassVar[str] = "images"
    rows: Mapping[str, Sequence[Sequence[Sequence[int]]]]
    """By title, the images of a row: each H x W pixels from 0 (black) to 255, all of one size."""

    def content(self) -> Any:
        return [{"title": title, "images": images} for title, images in self.rows.items()]


Exhibit = ConfusionMatrix | Samples | ImageGrid


def as_json(exhibits: Sequence[Exhibit]) -> dict[str, Any]:
    """Return exhibits by their keys."""
    return {each.key: each.content() for each in exhibits}
