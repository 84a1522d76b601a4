# SPDX-License-Identifier: Apache-2.0
"""Exhibits: what a task shows besides metrics. The report draws them by their type, independent of the task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True)
class ConfusionMatrix:
    """Counts (K x K) of true classes (rows) and predicted classes (columns)."""

    key: ClassVar[str] = "confusion"
    counts: Sequence[Sequence[int]]

    def content(self) -> Any:
        return [list(row) for row in self.counts]


@dataclass(frozen=True)
class Samples:
    """Text outputs: each has the input ``given``, the reference ``expected``, and the model's output ``said``."""

    key: ClassVar[str] = "samples"
    texts: Sequence[Mapping[str, str]]

    def content(self) -> Any:
        return [dict(each) for each in self.texts]


@dataclass(frozen=True)
class ImageGrid:
    """Rows of images, such as inputs and reconstructions, with one column per test item."""

    key: ClassVar[str] = "images"
    rows: Mapping[str, Sequence[Sequence[Sequence[int]]]]
    """The images of each row by its title: each H x W pixels from 0 (black) to 255, all of the same size."""

    def content(self) -> Any:
        return [{"title": title, "images": images} for title, images in self.rows.items()]


Exhibit = ConfusionMatrix | Samples | ImageGrid


def as_json(exhibits: Sequence[Exhibit]) -> dict[str, Any]:
    """Return exhibits' contents by their keys."""
    return {each.key: each.content() for each in exhibits}
