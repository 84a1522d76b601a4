# SPDX-License-Identifier: Apache-2.0
"""Safe file names from names that a user chose."""

from __future__ import annotations

import hashlib
import re


def file_name(key: str) -> str:
    """Return a key as a file name: unchanged if it is safe, else its safe characters and a digest."""
    plain = re.sub(r"[^A-Za-z0-9_.-]+", "_", key)[:80]
    return (
        plain
        if plain == key and plain.strip(".")
        else f"{plain}-{hashlib.sha256(key.encode()).hexdigest()[:8]}"
    )
