# SPDX-License-Identifier: Apache-2.0
"""Where a dataset's validation and test items come from, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

WORDS = {
    "stratified": "drawn in the proportions of the classes",
    "random": "drawn at random",
    "time": "the latest items",
    "group": "drawn by whole groups",
    "order": "the last of the text",
    "upstream": "as upstream names them",
    "parts": "as the parts have them",
}
"""By the strategy, or the origin of what was not held out here."""


def origins(prepared: Mapping[str, Any]) -> str:
    """Return where each comes from, such as ``validation drawn at random, test as upstream names them``.

    Args:
        prepared: what prepared.json holds; "" of one that does not say.
    """
    split = prepared.get("split") or {}
    found = {name: str(split[name]) for name in ("validation", "test") if name in split}
    drawn = str(split.get("strategy", "drawn"))
    of = {name: drawn if origin == "drawn" else origin for name, origin in found.items()}
    if len(of) == 2 and len(set(of.values())) == 1:
        return f"validation and test {WORDS.get(of['test'], of['test'])}"
    return ", ".join(f"{name} {WORDS.get(each, each)}" for name, each in of.items())
