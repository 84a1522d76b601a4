"""What the rules ask while Snakemake builds its graph: a cell's spec, its inputs, and a digest of its code.

Imported by Snakemake at each start, so nothing heavy may be imported here.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from functools import cache
from typing import Any

from assay import catalogue, layout, sources
from assay.matrix import Cell, Matrix, Variant, select
from assay.params import ParamsError, load_params

STAGES = "assay.stages"
REPORT_FILES = ("*.html", "*.css", "*.js", "*.yaml")


def matrix_or_exit(config: Mapping[str, Any]) -> Matrix:
    """Return the matrix that ``--config`` asks for; a wrong params.yaml is one line on stderr and exit code 2."""
    known = ("suite", "tasks", "models")
    try:
        params = load_params(layout.PARAMS)
        for key in config:
            if key not in known:
                raise ParamsError([f"--config {key}: unknown key; allowed: {', '.join(known)}"])
        given = {key: str(value) for key, value in config.items()}
        return select(
            params, suite=given.get("suite"), tasks=given.get("tasks", ""), models=given.get("models", "")
        )
    except ParamsError as fault:
        more = len(fault.faults) - 1
        print(fault.faults[0] + (f" (and {more} more: assay check)" if more else ""), file=sys.stderr)
        sys.exit(2)


class Graph:
    """Input, code and params functions of the rules, over one matrix. ``wildcards`` are Snakemake's."""

    def __init__(self, matrix: Matrix) -> None:
        self.matrix = matrix

    def dataset_spec(self, wildcards: Any) -> str:
        """Return how a dataset is split, as JSON."""
        return _json(self.matrix.dataset_spec(wildcards.dataset))

    def cell_spec(self, wildcards: Any) -> str:
        """Return what training a cell is asked to do, as JSON."""
        return _json(self.matrix.cell_spec(_cell(wildcards)))

    def method_spec(self, wildcards: Any) -> str:
        """Return what a method is asked to do, as JSON."""
        return _json(self.matrix.method_spec(wildcards.method))

    def variant_spec(self, wildcards: Any) -> str:
        """Return which variant is evaluated, and by which kind of task, as JSON."""
        kind = self.matrix.params.tasks[wildcards.task].kind
        names = {key: getattr(wildcards, key) for key in ("task", "model", "method")}
        return _json({**names, "seed": int(wildcards.seed), "kind": kind})

    def prepared(self, wildcards: Any) -> str:
        """Return the record of the prepared dataset of a task."""
        return f"{layout.PREPARED.format(dataset=self.matrix.dataset(wildcards.task))}/prepared.json"

    def validated(self, wildcards: Any) -> str:
        """Return the verdict on the dataset of a task."""
        return layout.VALIDATED.format(dataset=self.matrix.dataset(wildcards.task))

    def start(self, wildcards: Any) -> list[str]:
        """Return the records of the model that a cell starts from and of its data; nothing if it starts from none."""
        start = self.matrix.start(_cell(wildcards))
        return [f"{self.matrix.trained(start)}/{layout.STATUS}", self.prepared(start)] if start else []

    def artifact(self, wildcards: Any) -> str:
        """Return the status of the artifact that a variant is: trained, or compressed."""
        return self._status(_variant(wildcards))

    def source(self, wildcards: Any) -> str:
        """Return the status of the artifact that a variant is compressed from."""
        return self._status(self.matrix.source(_variant(wildcards)))

    def uncompressed(self, wildcards: Any) -> list[str]:
        """Return the status of the trained model that a compressed variant is measured beside."""
        if wildcards.method == layout.UNCOMPRESSED:
            return []
        return [f"{self.matrix.trained(_cell(wildcards))}/{layout.STATUS}"]

    def dataset_code(self, stage: str, dataset: str) -> str:
        """Return the digest of the files that a stage runs on a dataset."""
        return _digest(f"{STAGES}.{stage}", catalogue.dataset_module(dataset))

    def train_code(self, wildcards: Any) -> str:
        """Return the digest of the files that training a cell runs."""
        family = self.matrix.family(wildcards.model)
        return _digest(
            f"{STAGES}.train", family.trainer, _module(family.target), *self._task_code(wildcards.task)
        )

    def compress_code(self, wildcards: Any) -> str:
        """Return the digest of the files that a method runs on a cell's model."""
        method = catalogue.METHODS[self.matrix.params.methods[wildcards.method].method].module
        target = self.matrix.family(wildcards.model).target
        return _digest(f"{STAGES}.compress", method, _module(target), *self._task_code(wildcards.task))

    def evaluate_code(self, wildcards: Any) -> str:
        """Return the digest of the files that evaluating a variant runs."""
        target = self.matrix.family(wildcards.model).target
        return _digest(f"{STAGES}.evaluate", _module(target), *self._task_code(wildcards.task))

    def report_code(self) -> str:
        """Return the digest of the files that the report is made with, templates included."""
        return sources.digest((*sources.closure(f"{STAGES}.report", "assay.catalogue"), *_report_files()))

    def statuses(self, phase: str) -> list[str]:
        """Return the status records of a phase: ``train``, ``compress`` or ``evaluate``."""
        matrix = self.matrix
        folders = {
            "train": [matrix.trained(cell) for cell in matrix.cells],
            "compress": [
                matrix.compressed(each) for each in matrix.variants if each.method != layout.UNCOMPRESSED
            ],
            "evaluate": [matrix.evaluated(each) for each in matrix.variants],
        }[phase]
        return [f"{folder}/{layout.STATUS}" for folder in folders]

    def _status(self, variant: Variant) -> str:
        return f"{self.matrix.compressed(variant)}/{layout.STATUS}"

    def _task_code(self, task: str) -> tuple[str, str]:
        dataset = catalogue.dataset_module(self.matrix.dataset(task))
        return catalogue.TASKS[self.matrix.params.tasks[task].kind].module, dataset


@cache
def _report_files() -> tuple[str, ...]:
    folder = sources.ROOT / "report"
    found = (path for pattern in REPORT_FILES for path in folder.rglob(pattern))
    return tuple(sorted(str(path.relative_to(sources.ROOT.parent.parent)) for path in found))


def _cell(wildcards: Any) -> Cell:
    return Cell(wildcards.task, wildcards.model, int(wildcards.seed))


def _variant(wildcards: Any) -> Variant:
    return Variant(wildcards.task, wildcards.model, int(wildcards.seed), wildcards.method)


def _digest(*modules: str) -> str:
    return sources.digest(sources.closure(*modules))


def _module(target: str) -> str:
    return target.partition(":")[0]


def _json(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
