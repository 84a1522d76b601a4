# SPDX-License-Identifier: Apache-2.0
"""A user's items as they are read, and those that cannot be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Item:
    """One item of a source."""

    source: str
    """The name of the file."""
    row: int
    """Its number in the source, from 1; a header is not counted."""
    value: Any
    """A text, the pixels (C, H, W) of an image, or the cells of a row."""

    def wrong(self, reason: str) -> Bad:
        """Return this item as one that cannot be predicted."""
        return Bad(self.source, self.row, reason)


@dataclass(frozen=True, slots=True)
class Bad:
    """An item that cannot be predicted."""

    source: str
    row: int | None
    """None if the whole source is one item."""
    reason: str
    """What was found, and what is expected."""

    def __str__(self) -> str:
        place = self.source if self.row is None else f"{self.source}: row {self.row}"
        return f"{place}: {' '.join(self.reason.split())}"
