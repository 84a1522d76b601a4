# SPDX-License-Identifier: Apache-2.0
"""A user's texts, one per line, each after the name of a task and a tab."""

from __future__ import annotations

from pathlib import Path

import torch

from assay.data.declarations import Dataset, HasGroups
from assay.data.splits import Split
from assay.evaluation.inputs import class_table, files
from assay.evaluation.inputs import text as texts
from assay.files import read_json

rows = class_table.rows

SIGNATURE = "texts of several tasks -> classes"


def read(path: Path, prepared: Path, dataset: Dataset) -> Split:
    """Return the texts of a file as model inputs; the targets (N, 3) hold the range of classes of each text's task.

    Args:
        prepared: folder of the prepared dataset.
        dataset: that dataset, which has the tasks' classes in ``groups`` and their datasets in ``parts``.

    Raises:
        ValueError: a line is not a known task, a tab and a text.
    """
    assert isinstance(dataset, HasGroups)  # other datasets have no task with this signature
    facts, found, bounds = read_json(prepared / "prepared.json"), [], []
    for row, line in enumerate(files.lines(path), start=1):
        task, tab, text = line.partition("\t")
        if not tab or not text.strip():
            raise files.wrong(path, row, "a task, a tab and a text are expected")
        if task not in dataset.groups:
            raise files.wrong(path, row, f"task {task!r}; allowed are {', '.join(dataset.groups)}")
        first, end = dataset.groups[task]
        found.append(texts.mending(dataset.parts[task])(text))
        bounds.append([first, first, end])
    items = class_table.split(texts.tokens(found, prepared, facts["shape"][0]), facts)
    return class_table.Unlabelled(items.inputs, torch.tensor(bounds), items.items, classes=items.classes)
