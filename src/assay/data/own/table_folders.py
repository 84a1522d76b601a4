# SPDX-License-Identifier: Apache-2.0
"""Several files of one table, such as train.csv and test.csv, read as one; a column names the file of each row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from assay.data.own import parts
from assay.data.own.found import Fault, Options
from assay.data.own.table import Cells, Table

FILE = "file"
"""The name of the column that is added, for splits."""
_SHOWN = 6

Read = Callable[[Path], Table]


def read(folder: Path, files: Sequence[Path], options: Options, table_of: Read) -> Table:
    """Return the rows of several files of a folder, in the order of their names.

    The files are read as one table if their names say train and test, or if the user says how its rows are split.

    Args:
        table_of: reads one file.

    Raises:
        ValueError: which file is meant, or how they belong together, is not known; one line that names the choices.
    """
    named = [file for file in files if parts.of_path(file.relative_to(folder))]
    says_parts = {parts.of_path(file.relative_to(folder)) for file in named} >= {"train", "test"}
    chosen = named if says_parts else list(files)
    tables = [table_of(file) for file in chosen]
    first = tables[0]
    names = [file.relative_to(folder).as_posix() for file in chosen]
    for name, table in zip(names, tables, strict=True):
        if set(table.names) != set(first.names):
            raise ValueError(
                f"{folder}: {_difference(names[0], first, name, table)}; which file is meant? {_choices(files)}"
            )
    if not says_parts and not options.split:
        by_file = f"--split group:{FILE} (rows of a file stay together) or " if len(files) > 2 else ""
        raise ValueError(
            f"{folder}: {len(files)} files with the same columns: is one of them meant, or are all of them one table?"
            f" {_choices(files)}; or, for all of them, with {by_file}--split 0.2 (rows are drawn)"
        )
    if FILE in first.names:
        raise ValueError(f"{folder}: the files have a column {FILE}, which is to name them; rename it")
    left = [file.relative_to(folder).as_posix() for file in files if file not in chosen]
    faults = (
        [Fault(kind="file left out", message=f"names say no part, left out: {_some(left)}")] if left else []
    )
    return _joined(names, tables, faults)


def _joined(names: Sequence[str], tables: Sequence[Table], faults: Sequence[Fault]) -> Table:
    first = tables[0]
    starts = np.cumsum([0, *(int(table.lines.max()) for table in tables[:-1])]).tolist()
    moved = [
        replace(fault, lines=tuple(line + start for line in fault.lines))
        for table, start in zip(tables, starts, strict=True)
        for fault in table.faults
    ]
    columns = [_column([table.cells[table.names.index(name)] for table in tables]) for name in first.names]
    file = Cells.of([name for name, table in zip(names, tables, strict=True) for _ in range(len(table))])
    questions = dict.fromkeys(question for table in tables for question in table.questions)
    return replace(
        first,
        names=(*first.names, FILE),
        cells=(*columns, file),
        lines=np.concatenate([table.lines + start for table, start in zip(tables, starts, strict=True)]),
        faults=(*moved, *faults),
        questions=tuple(questions),
        files=tuple(zip(names, starts, strict=True)),
    )


def _column(parts_of: Sequence[Cells]) -> Cells:
    """Return the cells of one column, those of each file after those of the one before."""
    starts = np.cumsum([0, *(len(cells.codes) for cells in parts_of[:-1])])
    padded = np.concatenate([cells.padded + start for cells, start in zip(parts_of, starts, strict=True)])
    texts = [cells.values[code] for cells in parts_of for code in cells.codes]
    kinds = {cells.declared for cells in parts_of}
    joined = Cells.of(texts, kinds.pop() if len(kinds) == 1 else None)
    with_blanks = np.zeros(len(texts), dtype=np.int64)
    with_blanks[padded] = 1
    return replace(joined, padded=padded, raw_codes=2 * joined.codes + with_blanks)


def _difference(one: str, first: Table, other: str, table: Table) -> str:
    """Return what two files do not share."""
    lacks = [name for name in first.names if name not in table.names]
    has = [name for name in table.names if name not in first.names]
    found = [f"lacks {_some(lacks)}"] if lacks else []
    found += [f"has {_some(has)} in addition"] if has else []
    return f"the columns differ: compared with {one}, {other} {' and '.join(found)}"


def _choices(files: Sequence[Path]) -> str:
    return f"Answer with one of: {_some([f'assay add {file}' for file in files])}"


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(" ".join(name.split()) for name in names[:_SHOWN])
    return shown + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
