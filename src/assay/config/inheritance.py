# SPDX-License-Identifier: Apache-2.0
"""Rows of params.yaml that inherit from another row: ``like: text_cnn``.

Mappings are merged key by key (``knobs``, ``training``, ``per_task``); any other value replaces the inherited one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

LIKE = "like"
NAMED = {"datasets": "dataset", "tasks": "dataset", "models": "model", "methods": "method"}
"""By section: the key that names what a row uses. A row without ``like`` and without this key uses its own name."""
PLACE = re.compile(r" = |: ")
"""Separates the keys of an error message from the rest of the line."""
MOST_KEYS = 20
LONGEST = 20
"""The longest chain of rows with ``like``."""


def expanded(raw: Any) -> tuple[Any, list[str]]:
    """Return params.yaml with every row expanded, and an error line for each invalid ``like``."""
    errors: list[str] = []
    if not isinstance(raw, dict):
        return raw, errors
    whole = dict(raw)
    for section, key in NAMED.items():
        rows = raw.get(section)
        if isinstance(rows, dict):
            named = {name: {key: name, **row} if _stands_alone(row) else row for name, row in rows.items()}
            whole[section] = {name: _whole(section, named, name, errors) for name in rows}
    return whole, errors


def own(errors: Iterable[str], raw: Any) -> list[str]:
    """Return the errors without those of inherited values, if they are also reported where the value is set."""
    found = list(errors)
    named, rows_of = set(found), {section: _rows(raw, section) for section in NAMED}
    return [error for error in found if not _is_inherited(error, rows_of, named)]


def _is_inherited(error: str, rows_of: Mapping[str, Mapping[str, dict[str, Any]]], named: set[str]) -> bool:
    section, name, *keys = PLACE.split(error, maxsplit=1)[0].split(".")[: 2 + MOST_KEYS] + [""] * 2
    rows = rows_of.get(section, {})
    if name not in rows or _sets(rows[name], keys):
        return False
    line, seen = error.removeprefix(f"{section}.{name}."), {name}
    while (name := rows.get(name, {}).get(LIKE)) not in seen and isinstance(name, str):
        if f"{section}.{name}.{line}" in named:
            return True
        seen.add(name)
    return False


def _sets(row: Any, keys: Iterable[str]) -> bool:
    """Return whether a row itself sets a value under these keys."""
    for key in filter(None, keys):
        if isinstance(row, list) and key.isdecimal() and int(key) < len(row):
            row = row[int(key)]
        elif isinstance(row, dict) and key in row:
            row = row[key]
        else:
            return False
    return True


def _stands_alone(row: Any) -> bool:
    return isinstance(row, dict) and row.get(LIKE) is None


def _rows(raw: Any, section: str) -> dict[str, dict[str, Any]]:
    rows = raw.get(section) if isinstance(raw, dict) else None
    found = rows.items() if isinstance(rows, dict) else ()
    return {name: row for name, row in found if isinstance(row, dict) and LIKE in row}


def _whole(section: str, rows: Mapping[str, Any], name: str, errors: list[str]) -> Any:
    chain = [name]
    while isinstance(rows[chain[-1]], dict) and not _stands_alone(rows[chain[-1]]):
        other, where = rows[chain[-1]][LIKE], f"{section}.{chain[-1]}.{LIKE}"
        if not isinstance(other, str) or other not in rows:
            # It is reported for the row that sets it, not for rows that inherit it.
            errors += [f"{where}: {other}: unknown row; name a row of {section}"] if len(chain) == 1 else []
            break
        if other in chain or len(chain) == LONGEST:
            errors.append(f"{where}: {' like '.join([*chain, other])}: circular; remove one `like`")
            break
        chain.append(other)
    row = rows[chain.pop()]
    while chain:
        row = _merged(row, rows[chain.pop()])
    return row


def _merged(base: Any, changes: Any) -> Any:
    if not isinstance(base, dict) or not isinstance(changes, dict):
        return changes
    return {**base, **{key: _merged(base.get(key), value) for key, value in changes.items()}}
