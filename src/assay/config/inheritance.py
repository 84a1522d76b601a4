# SPDX-License-Identifier: Apache-2.0
"""Rows of params.yaml that take over what another row says: ``like: text_cnn``.

Mappings are merged key by key (``knobs``, ``training``, ``per_task``); of anything else the row's own value stands.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

LIKE = "like"
NAMED = {"tasks": "dataset", "models": "model", "methods": "method"}
"""By section: the key that names what a row uses. Without it, a row that stands alone uses what has its name."""
PLACE = re.compile(r" = |: ")
"""Stands behind the keys of a fault's line."""
MOST_KEYS = 20
LONGEST = 20
"""Rows that may follow one another by ``like``."""


def expanded(raw: Any) -> tuple[Any, list[str]]:
    """Return params.yaml, as it was read, with every row whole; and a line for each ``like`` that leads nowhere."""
    faults: list[str] = []
    if not isinstance(raw, dict):
        return raw, faults
    whole = dict(raw)
    for section, key in NAMED.items():
        rows = raw.get(section)
        if isinstance(rows, dict):
            named = {name: {key: name, **row} if _stands_alone(row) else row for name, row in rows.items()}
            whole[section] = {name: _whole(section, named, name, faults) for name in rows}
    return whole, faults


def own(faults: Iterable[str], raw: Any) -> list[str]:
    """Return the faults without those of values that a row took over from another, where they are named too."""
    found = list(faults)
    named, rows_of = set(found), {section: _rows(raw, section) for section in NAMED}
    return [fault for fault in found if not _is_taken_over(fault, rows_of, named)]


def _is_taken_over(fault: str, rows_of: Mapping[str, Mapping[str, dict[str, Any]]], named: set[str]) -> bool:
    section, name, *keys = PLACE.split(fault, maxsplit=1)[0].split(".")[: 2 + MOST_KEYS] + [""] * 2
    rows = rows_of.get(section, {})
    if name not in rows or _says(rows[name], keys):
        return False
    told, seen = fault.removeprefix(f"{section}.{name}."), {name}
    while (name := rows.get(name, {}).get(LIKE)) not in seen and isinstance(name, str):
        if f"{section}.{name}.{told}" in named:
            return True
        seen.add(name)
    return False


def _says(row: Any, keys: Iterable[str]) -> bool:
    """Return whether a row has a value of its own at the place of these keys."""
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


def _whole(section: str, rows: Mapping[str, Any], name: str, faults: list[str]) -> Any:
    chain = [name]
    while isinstance(rows[chain[-1]], dict) and not _stands_alone(rows[chain[-1]]):
        other, where = rows[chain[-1]][LIKE], f"{section}.{chain[-1]}.{LIKE}"
        if not isinstance(other, str) or other not in rows:
            # The row in which it stands names it; those that follow need not.
            faults += [f"{where}: {other}: not there; name a row of {section}"] if len(chain) == 1 else []
            break
        if other in chain or len(chain) == LONGEST:
            faults.append(
                f"{where}: {' like '.join([*chain, other])}: this has no end; let one stand by itself"
            )
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
