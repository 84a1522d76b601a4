"""A metric by name, and which way is better."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Metric:
    """What a task is judged by."""

    name: str
    direction: Literal["maximise", "minimise"]

    def rank(self, value: float) -> float:
        """Return a number that is higher where ``value`` is better."""
        return value if self.direction == "maximise" else -value
