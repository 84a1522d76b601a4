# SPDX-License-Identifier: Apache-2.0
"""Predict a user's own items with a model of the project, compressed or not.

The items are read and prepared like the dataset's own, by the module of :data:`assay.config.registry.INPUTS` for the
task's signature, and predicted like test items.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from assay import paths
from assay.artifacts import store
from assay.config import registry
from assay.config.matrix import Matrix, Variant
from assay.data.loading import of_prepared
from assay.provenance import records
from assay.tasks.loading import load as load_task


def predict(matrix: Matrix, variant: Variant, path: Path) -> pd.DataFrame:
    """Return one row per item of the file ``path``.

    Raises:
        ValueError: the variant does not exist, or was made from other data; the file does not fit its task, or
            there is no reader for its task; one line.
    """
    kind, name = matrix.kind(variant.task), matrix.dataset(variant.task)
    if kind.signature not in registry.INPUTS:
        raise ValueError(
            f"{variant.task}: {kind.signature}: there is no reader for such files yet; add one to"
            " src/assay/evaluation/inputs/ (docs/add-a-task.md)"
        )
    folder, prepared = Path(matrix.compressed(variant)), Path(paths.PREPARED.format(dataset=name))
    made = _require(folder / paths.STATUS)
    facts = _require(prepared / "prepared.json")
    if made["data"] != facts["files"]:
        raise ValueError(f"{folder}: made from other data than {prepared}; run the suite again")
    task = load_task(matrix.params.tasks[variant.task].kind)
    inputs = registry.load(registry.INPUTS[kind.signature])
    split = inputs.read(path, prepared, of_prepared(facts))
    predictor = store.load(folder, made["artifact"])
    table: pd.DataFrame = inputs.rows(task.predict(predictor, split), split)
    return table


def _require(path: Path) -> dict[str, Any]:
    record = records.read(path)
    if record["status"] != records.OK:
        raise ValueError(f"{path}: {record['status']} ({record['reason']}); it cannot predict")
    for wrong in records.changed(path.parent, record):
        raise ValueError(f"{wrong}: does not have the digest in {path}; run the suite again")
    return record
