# SPDX-License-Identifier: Apache-2.0
"""The words that name a part of a user's data: train, validation or test."""

from __future__ import annotations

import re
from collections.abc import Mapping

PARTS: Mapping[str, str] = {
    "train": "train", "training": "train", "test": "test", "testing": "test", "eval": "test",
    "val": "validation", "valid": "validation", "validation": "validation", "dev": "validation",
}  # fmt: skip
"""What a column of splits may hold, and the split that each names."""


def of_file(name: str) -> str:
    """Return the split that the name of a file says, such as ``train`` for ``en_ewt-ud-train``; "" if none."""
    found = {PARTS[word] for word in re.findall(r"[a-z]+", name.lower()) if word in PARTS}
    return found.pop() if len(found) == 1 else ""
