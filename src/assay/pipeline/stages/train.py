# SPDX-License-Identifier: Apache-2.0
"""Train one cell: fit the training items, select on the validation items, save an artifact."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pandas as pd

from assay.artifacts import store
from assay.config.tuning import with_setting
from assay.files import replacing, sha256
from assay.pipeline.stages.arguments import parse
from assay.provenance import measurement, proven_files, records
from assay.training import cell

HISTORY = "history.csv"


def train(
    spec: dict[str, Any], prepared: Path, validated: Path, start: list[Path], tuned: list[Path], folder: Path
) -> dict[str, Any]:
    """Train the cell of ``spec`` into ``folder`` and return the facts for the record.

    Args:
        start: the records of the model whose weights initialise this one and of the data it was trained on;
            empty to train from scratch.
        tuned: the record of the search for the row's hyperparameters; empty to use those of ``spec``.
    """
    records.require(validated, "validate")
    data = proven_files.require(prepared, "prepare")
    chosen = records.require_intact(tuned[0], "tune")["chosen"]["setting"] if tuned else {}
    setting = with_setting(spec, chosen)
    row = cell.learner(setting, prepared, start)
    folder.mkdir(parents=True, exist_ok=True)
    model, result = row.learn(setting, folder)
    with replacing(folder / HISTORY) as aside:
        pd.DataFrame(result.history).to_csv(aside, index=False)
    artifact = store.save(folder, model, target=spec["target"], arguments=row.arguments(setting))
    return {
        "artifact": artifact,
        "data": data["files"],
        "train_items": row.train_items,
        "best_epoch": result.best_epoch,
        "epochs": result.epochs_run,
        "files": store.digests(folder, artifact) | {HISTORY: sha256(folder / HISTORY)},
        **({"cell": setting, "chosen": chosen} if tuned else {}),
    }


def main(argv: list[str]) -> int:
    """Train the cell that ``argv`` names; the record holds its status."""
    arguments = parse(
        argv,
        "train",
        __doc__,
        "--spec",
        "--prepared",
        "--validated",
        "--start",
        "--tuned",
        "--code",
        "--out",
        "--died",
    )
    with measurement.leaving(arguments.out):
        records.keep(
            arguments.out,
            "train",
            lambda: train(
                arguments.spec,
                arguments.prepared,
                arguments.validated,
                arguments.start,
                arguments.tuned,
                arguments.out.parent,
            ),
            code=arguments.code,
            made_from=[arguments.prepared, arguments.validated, *arguments.start, *arguments.tuned],
            died=arguments.died,
            spec=arguments.spec,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
