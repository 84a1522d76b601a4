# SPDX-License-Identifier: Apache-2.0
"""Choose the hyperparameters of a row on one task by a search. Test items cannot be read."""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from assay.config.tuning import TuningParams, with_setting
from assay.data import reading
from assay.files import sha256, write_json
from assay.pipeline.stages.arguments import parse
from assay.pipeline.worker import job
from assay.provenance import measurement, proven_files, records
from assay.training import cell
from assay.training.tune import Setting, best, search
from assay.training.validation import validation_metric, validation_score

CHOSEN, TRIALS = "chosen.json", "trials.json"
UNFINISHED, JOURNAL = "search", "journal.log"
"""The folder of an unfinished search: its journal, and the checkpoint of the trial that was interrupted."""


def tune(
    spec: dict[str, Any], prepared: Path, validated: Path, start: list[Path], folder: Path, identity: str
) -> dict[str, Any]:
    """Search for the hyperparameters of the row of ``spec`` and return the facts for the record.

    Args:
        start: as for training.
        folder: for chosen.json and trials.json.
        identity: names everything that the trials depend on.
    """
    records.require(validated, "validate")
    data = proven_files.require(prepared, "prepare")
    tuning = TuningParams.model_validate(spec["tuning"])
    limits = [each for each in (spec["train_items"], tuning.items) if each is not None]
    fixed = {**spec, "train_items": min(limits, default=None)}
    with reading.withheld("test"):
        row = cell.learner(fixed, prepared, start)
        metric = validation_metric(row.task)
        unfinished = folder / UNFINISHED
        unfinished.mkdir(parents=True, exist_ok=True)

        def score(setting: Setting) -> float:
            job.start_limit()
            tried = with_setting(fixed, setting)
            model, _ = row.learn(tried, unfinished)
            return validation_score(row.task, model, row.splits["validation"], row.arguments(tried))

        trials = search(
            tuning,
            score,
            direction=metric.direction,
            seed=spec["seed"],
            journal=unfinished / JOURNAL,
            identity=identity,
        )
    number = best(trials, metric.direction)
    chosen = {
        "setting": trials[number].setting,
        "metric": metric.name,
        "direction": metric.direction,
        "validation": trials[number].score,
        "trial": number,
    }
    write_json(folder / CHOSEN, chosen)
    write_json(folder / TRIALS, [asdict(each) for each in trials])
    shutil.rmtree(unfinished)
    return {
        "chosen": chosen,
        "trials": len(trials),
        "data": data["files"],
        "train_items": row.train_items,
        "files": {name: sha256(folder / name) for name in (CHOSEN, TRIALS)},
    }


def main(argv: list[str]) -> int:
    """Tune the row that ``argv`` names; the record holds its status."""
    arguments = parse(
        argv, "tune", __doc__, "--spec", "--prepared", "--validated", "--start", "--code", "--out", "--died"
    )
    made_from = [arguments.prepared, arguments.validated, *arguments.start]
    inputs = [sha256(path) if path.is_file() else "" for path in made_from]
    identity = hashlib.sha256(json.dumps([arguments.spec, arguments.code, inputs]).encode()).hexdigest()
    with measurement.leaving(arguments.out):
        records.keep(
            arguments.out,
            "tune",
            lambda: tune(
                arguments.spec,
                arguments.prepared,
                arguments.validated,
                arguments.start,
                arguments.out.parent,
                identity,
            ),
            code=arguments.code,
            made_from=made_from,
            died=arguments.died,
            spec=arguments.spec,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
