# SPDX-License-Identifier: Apache-2.0
"""File names of what has a name that anyone may have chosen."""

from __future__ import annotations

import hashlib
import re


def file_name(key: str) -> str:
    """Return a key as a file name: itself where it is plain, else its plain part and a digest."""
    plain = re.sub(r"[^A-Za-z0-9_.-]+", "_", key)[:80]
    return (
        plain
        if plain == key and plain.strip(".")
        else f"{plain}-{hashlib.sha256(key.encode()).hexdigest()[:8]}"
    )
