# SPDX-License-Identifier: Apache-2.0
"""The words that name a part of a user's data: train, validation or test."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

PARTS: Mapping[str, str] = {
    "train": "train", "training": "train", "test": "test", "testing": "test", "eval": "test",
    "val": "validation", "valid": "validation", "validation": "validation", "dev": "validation",
}  # fmt: skip
"""What a column of splits may hold, and the split that each names."""


def of_file(name: str) -> str:
    """Return the split that the name of a file says, such as ``train`` for ``en_ewt-ud-train``; "" if none."""
    found = {PARTS[word] for word in re.findall(r"[a-z]+", name.lower()) if word in PARTS}
    return found.pop() if len(found) == 1 else ""


def of_path(path: Path) -> str:
    """Return the split that the folders of a relative path, or else the file's name, say; "" if none."""
    named = [PARTS[folder.lower()] for folder in path.parts[:-1] if folder.lower() in PARTS]
    return named[0] if named else of_file(path.stem)
