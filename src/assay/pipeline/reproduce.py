# SPDX-License-Identifier: Apache-2.0
"""Reproduce one variant in a scratch folder and compare it with the project's results.

Its records must first match params.yaml, the current code and the current data.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from assay import paths
from assay.config.matrix import Matrix, Variant
from assay.files import read_json, sha256
from assay.pipeline import trust
from assay.pipeline.rule_functions import Graph
from assay.provenance import records

EQUAL, WITHIN, DIFFERENT = "equal", "within tolerance", "different"


@dataclass(frozen=True)
class Verdict:
    """The outcome: one of EQUAL, WITHIN, DIFFERENT; and by how much, or where the first difference is."""

    verdict: str
    detail: str


def verify(matrix: Matrix, variant: Variant, tolerance: float) -> Verdict:
    """Reproduce ``variant`` and compare every file of every phase.

    Args:
        matrix: the matrix of the variant's suite.
        variant: the variant to reproduce.
        tolerance: largest absolute difference of a metric that counts as within tolerance.

    Raises:
        ValueError: the variant has no result here, or it failed; one line.
    """
    evaluated = Path(matrix.evaluated(variant))
    jobs = {Path(job.record): job for job in Graph(matrix).jobs}
    for phase, folder in _folders(matrix, variant).items():
        _require(folder / paths.STATUS)
        for problem in trust.problems(jobs[folder / paths.STATUS]):
            return Verdict(DIFFERENT, f"first {phase}: {problem.text}")
    with tempfile.TemporaryDirectory(prefix="assay-verify-") as scratch:
        made = _make(matrix, variant, Path(scratch))
        changed = [
            f"{phase}: {name}"
            for phase, folder in _folders(matrix, variant).items()
            for name in _changed_files(folder, records.read(made[phase] / paths.STATUS)["files"])
        ]
        if not changed:
            return Verdict(EQUAL, "every file has the same bytes")
        moved = _moved(evaluated, made["evaluate"])
    first = f"first {changed[0]}"
    if isinstance(moved, str):
        return Verdict(DIFFERENT, f"{first}; {moved}")
    if moved > tolerance:
        return Verdict(DIFFERENT, f"{first}; a metric changed by {moved:.3g}, tolerance {tolerance:g}")
    return Verdict(WITHIN, f"{first}; no prediction changed, no metric changed by more than {moved:.3g}")


def _folders(matrix: Matrix, variant: Variant) -> dict[str, Path]:
    """Return the folder of each phase of the variant, in order; there may be several compressions."""
    methods: dict[str, Path] = {}
    made = variant
    while made.method != paths.UNCOMPRESSED:
        methods = {f"compress {made.method}": Path(matrix.compressed(made)), **methods}
        made = matrix.source(made)
    trained = Path(matrix.trained(variant.cell))
    return {"train": trained, **methods, "evaluate": Path(matrix.evaluated(variant))}


def verify_files(matrix: Matrix) -> list[str]:
    """Read every file of a suite and return a line for each that differs from its record or has none."""
    graph, found = Graph(matrix), []
    for job in [*graph.jobs, graph.report_job]:
        record = Path(job.record)
        if not record.exists() and not records.aside(record).exists():
            found.append(f"{record}: not found; run the suite, or assay restore")
        for problem in trust.problems(job):
            found.append(problem.text if problem.kind == "damaged" else f"{record}: {problem.text}")
    return found


def _require(status: Path) -> dict[str, Any]:
    if not status.exists():
        raise ValueError(f"{status}: not found; run the suite first")
    record = records.read(status)
    if record["status"] != records.OK:
        raise ValueError(f"{status}: {record['status']} ({record['reason']}); nothing to verify")
    return record


def _make(matrix: Matrix, variant: Variant, scratch: Path) -> dict[str, Path]:
    """Run the phases into ``scratch`` and return the folder of each.

    Raises:
        ValueError: a phase failed.
    """
    dataset = matrix.prepared_for(variant)
    prepared = Path(paths.PREPARED.format(dataset=dataset)) / "prepared.json"
    inputs = Graph(matrix).train_from(variant)
    made: dict[str, Path] = {}
    artifact = Path()
    for phase, folder in _folders(matrix, variant).items():
        made[phase] = scratch / phase
        out = made[phase] / paths.STATUS
        stage = phase.split()[0]
        needs = {
            "train": (
                "--validated",
                paths.VALIDATED.format(dataset=dataset),
                "--start",
                *inputs["start"],
                "--tuned",
                *inputs["tuned"],
            ),
            "compress": ("--source", artifact, "--no-cache"),
            "evaluate": ("--artifact", artifact),
        }[stage]
        record = records.read(folder / paths.STATUS)
        spec = json.dumps(record["spec"])
        words = ["--spec", spec, "--prepared", prepared, *needs, "--code", record["code"]]
        command = [
            sys.executable,
            "-P",
            "-m",
            "assay.pipeline.worker.alone",
            f"assay.pipeline.stages.{stage}",
        ]
        subprocess.run([*command, *map(str, words), "--out", out], check=False)  # its record holds the status
        _require(out)
        artifact = out
    return made


def _changed_files(folder: Path, files: dict[str, str]) -> list[str]:
    """Return the names in ``files`` (name -> digest) that the folder lacks or has with another digest."""
    return [
        name
        for name, digest in files.items()
        if not (folder / name).is_file() or sha256(folder / name) != digest
    ]


def _moved(before: Path, after: Path) -> float | str:
    """Return the largest difference of a metric; or a text about the first prediction that changed."""
    try:
        old, new = (pd.read_parquet(folder / "predictions.parquet") for folder in (before, after))
        metrics = [read_json(folder / "metrics.json") for folder in (before, after)]
    except (OSError, ValueError) as error:
        return " ".join(str(error).split())
    if list(old["item"]) != list(new["item"]):
        return "the test items differ"
    compared = [name for name in old if not pd.api.types.is_float_dtype(old[name])]
    changed = np.flatnonzero((old[compared] != new[compared]).any(axis=1))
    if len(changed):
        row = int(changed[0])
        name = next(name for name in compared if old[name][row] != new[name][row])
        first = f"{name} {old[name][row]} is now {new[name][row]}"
        return f"{len(changed)} predictions changed, first item {old['item'][row]}: {first}"
    differences = [
        abs(value - metrics[1][split][name])
        for split in ("validation", "test")
        for name, value in metrics[0][split].items()
        if value is not None
    ]
    return max(differences, default=0.0)
