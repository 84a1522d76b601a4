# SPDX-License-Identifier: Apache-2.0
"""Train one cell: fit the training items, select on the validation items, save an artifact."""

from __future__ import annotations

import inspect
import sys
from pathlib import Path
from typing import Any

import pandas as pd

from assay.artifacts import store
from assay.config import registry
from assay.files import replacing, sha256
from assay.models import pretrained
from assay.pipeline.stages.arguments import parse
from assay.provenance import measurement, proven_files, records
from assay.tasks import loading
from assay.training import warm_start
from assay.training.loop import Loop

HISTORY = "history.csv"


def train(
    spec: dict[str, Any], prepared: Path, validated: Path, start: list[Path], folder: Path
) -> dict[str, Any]:
    """Train the cell of ``spec`` into ``folder`` and return the facts for the record.

    Args:
        start: the records of the model whose weights initialise this one and of the data it was trained on;
            empty to train from scratch.
    """
    records.require(validated, "validate")
    data = proven_files.require(prepared, "prepare")
    task = loading.load(spec["kind"])
    items, limit = loading.for_learning(task, prepared.parent, spec)
    family = registry.load(spec["target"])
    loop: Loop = registry.load(f"{registry.LOOPS[spec['loop']].module}:LOOP")
    named = inspect.signature(family).parameters
    begin: warm_start.Start | pretrained.Pretrained | None = None
    if start:
        begin = warm_start.read(start[0], start[1], prepared)
    elif "pretrained" in spec:
        begin = pretrained.read(**spec["pretrained"], prepared=prepared)
    provided = {**task.model_arguments(prepared.parent), "seed": spec["seed"]} | (
        begin.arguments if begin else {}
    )
    arguments = {name: provided[name] for name in provided if name in named} | spec["knobs"]
    folder.mkdir(parents=True, exist_ok=True)
    model, result = loop.learn(
        family,
        arguments,
        spec,
        items,
        task=task,
        augment=task.augmenter(prepared.parent),
        start=begin,
        folder=folder,
    )
    with replacing(folder / HISTORY) as aside:
        pd.DataFrame(result.history).to_csv(aside, index=False)
    artifact = store.save(folder, model, target=spec["target"], arguments=arguments)
    return {
        "artifact": artifact,
        "data": data["files"],
        "train_items": limit,
        "best_epoch": result.best_epoch,
        "epochs": result.epochs_run,
        "files": store.digests(folder, artifact) | {HISTORY: sha256(folder / HISTORY)},
    }


def main(argv: list[str]) -> int:
    """Train the cell that ``argv`` names; the record holds its status."""
    arguments = parse(
        argv, "train", __doc__, "--spec", "--prepared", "--validated", "--start", "--code", "--out", "--died"
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
                arguments.out.parent,
            ),
            code=arguments.code,
            made_from=[arguments.prepared, arguments.validated, *arguments.start],
            died=arguments.died,
            spec=arguments.spec,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
