# SPDX-License-Identifier: Apache-2.0
"""What a model of the project, compressed or not, answers to items of the user's own.

They are read and prepared as the dataset's own items are, by the module of :data:`assay.config.registry.INPUTS` for the
task's signature, and answered as test items are.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from assay import paths
from assay.artifacts import store
from assay.config import registry
from assay.config.matrix import Matrix, Variant
from assay.data.loading import load as load_dataset
from assay.provenance import records
from assay.tasks.loading import load as load_task


def predict(matrix: Matrix, variant: Variant, path: Path) -> pd.DataFrame:
    """Return one row an item of the file ``path``.

    Raises:
        ValueError: the variant has not been made here, or from other data; the file is not what its task reads, or
            no file is read for its task; one line.
    """
    kind, name = matrix.kind(variant.task), matrix.dataset(variant.task)
    if kind.signature not in registry.INPUTS:
        raise ValueError(f"{variant.task}: {kind.signature}: no file is read for that yet")
    folder, prepared = Path(matrix.compressed(variant)), Path(paths.PREPARED.format(dataset=name))
    made = _require(folder / paths.STATUS)
    if made["data"] != _require(prepared / "prepared.json")["files"]:
        raise ValueError(f"{folder}: made from other data than {prepared} holds; run the suite again")
    task = load_task(matrix.params.tasks[variant.task].kind)
    asking = registry.load(registry.INPUTS[kind.signature])
    split = asking.read(path, prepared, load_dataset(name))
    predictor = store.load(folder, made["artifact"])
    table: pd.DataFrame = asking.rows(task.predict(predictor, split), split)
    return table


def _require(path: Path) -> dict[str, Any]:
    record = records.read(path)
    if record["status"] != records.OK:
        raise ValueError(f"{path}: {record['status']} ({record['reason']}); there is nothing to answer")
    for wrong in records.changed(path.parent, record):
        raise ValueError(f"{wrong}: not the bytes that {path} names; run the suite again")
    return record
