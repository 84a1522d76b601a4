# SPDX-License-Identifier: Apache-2.0
"""What the rules ask while Snakemake builds its graph: a cell's spec, its inputs, and a digest of its code.

Imported by Snakemake at each start, so nothing heavy may be imported here.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cache, cached_property
from types import SimpleNamespace
from typing import Any

from assay import paths
from assay.config import registry
from assay.config.matrix import Cell, Matrix, Variant, select
from assay.config.params import ParamsError, load_params
from assay.files import sha256
from assay.provenance import code_digest

STAGES = "assay.pipeline.stages"
REPORT_FILES = ("*.html", "*.css", "*.js", "*.yaml")


def matrix_or_exit(config: Mapping[str, Any]) -> Matrix:
    """Return the matrix that ``--config`` requests.

    A wrong params.yaml, a wrong selection, or code of another folder is one line on stderr and exit code 2.
    """
    known = ("suite", "tasks", "models")
    if not code_digest.is_own():
        print(code_digest.other_code(), file=sys.stderr)
        sys.exit(2)
    try:
        params = load_params(paths.PARAMS)
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


@dataclass(frozen=True)
class Job:
    """One job as the rules request it."""

    phase: str
    name: str
    """What the phase is done to, without the seed: ``digits/mlp/int8``."""
    record: str
    """Path of the record that it leaves."""
    made_from: tuple[str, ...]
    """Paths of the records whose digests stand in its own, in this order."""
    asked: Mapping[str, str]
    """Its ``code`` and, for most phases, its ``spec``."""


class Graph:
    """What the rules ask, over one matrix. ``wildcards`` are Snakemake's.

    Snakemake takes 0.1 ms to call such a function, whatever it does: a rule has one for its input and one for its
    params. ``asked_to_`` a phase is what its jobs are asked: the digest of the files they run, ``code``, which they
    do not read; ``spec`` as JSON; and where what they find by themselves lies.

    A record holds the digests of those it was made from, so a rule's input names the nearest records alone.
    """

    def __init__(self, matrix: Matrix) -> None:
        self.matrix = matrix
        # Snakemake and :mod:`assay.pipeline.trust` each want them.
        self._to_train, self._to_compress, self._to_evaluate = (
            cache(each) for each in (self._training, self._compression, self._evaluation)
        )

    def asked_to_ingest(self, wildcards: Any) -> dict[str, str]:
        """Return what ingesting a dataset is asked."""
        return {"code": self._dataset_code("ingest", wildcards.dataset)}

    def asked_to_prepare(self, wildcards: Any) -> dict[str, str]:
        """Return what preparing a dataset is asked."""
        spec = self.matrix.dataset_spec(wildcards.dataset)
        return {"code": self._dataset_code("prepare", wildcards.dataset), "spec": _json(spec)}

    def asked_to_validate(self, wildcards: Any) -> dict[str, str]:
        """Return what validating a dataset is asked."""
        docs = paths.DATA_DOCS.format(dataset=wildcards.dataset)
        return {"code": self._dataset_code("validate", wildcards.dataset), "docs": docs}

    def asked_to_train(self, wildcards: Any) -> dict[str, str]:
        """Return what training a cell is asked."""
        return self._to_train(_cell(wildcards))

    def asked_to_compress(self, wildcards: Any) -> dict[str, str]:
        """Return what compressing a cell's model by a method is asked."""
        return self._to_compress(_variant(wildcards))

    def asked_to_evaluate(self, wildcards: Any) -> dict[str, str]:
        """Return what evaluating a variant is asked."""
        return self._to_evaluate(_variant(wildcards))

    def asked_to_report(self, _wildcards: Any = None) -> dict[str, str]:
        """Return what the report is asked."""
        matrix = self.matrix
        spec = {
            "suite": matrix.suite,
            "tasks": matrix.tasks,
            "models": matrix.models,
            "params": sha256(paths.PARAMS),
            "tuning": sha256(paths.TUNING) if paths.TUNING.is_file() else "",
        }
        return {"code": self.report_code(), "spec": _json(spec)}

    @property
    def report_job(self) -> Job:
        """The job that builds the report."""
        shown = (*self.validated(), *self.evaluated())
        return Job("report", self.matrix.suite, str(paths.REPORT), shown, self.asked_to_report())

    @cached_property
    def jobs(self) -> list[Job]:
        """Every job of the matrix but the report's, causes before what follows from them."""
        return list(self._jobs())

    def _jobs(self) -> Iterator[Job]:
        for dataset in self.matrix.datasets:
            named = SimpleNamespace(dataset=dataset)
            raw = f"{paths.RAW.format(dataset=dataset)}/source.json"
            prepared = f"{paths.PREPARED.format(dataset=dataset)}/prepared.json"
            validated = paths.VALIDATED.format(dataset=dataset)
            yield Job("ingest", dataset, raw, (), self.asked_to_ingest(named))
            yield Job("prepare", dataset, prepared, (raw,), self.asked_to_prepare(named))
            yield Job("validate", dataset, validated, (prepared,), self.asked_to_validate(named))
        for cell in self.matrix.cells:
            record = f"{self.matrix.trained(cell)}/{paths.STATUS}"
            inputs = self.train_from(cell)
            earlier = (self._prepared(cell.task), str(inputs["validated"]), *inputs["start"])
            yield Job("train", f"{cell.task}/{cell.model}", record, earlier, self.asked_to_train(cell))
        for each in self.matrix.variants:
            name = f"{each.task}/{each.model}/{each.method}"
            prepared = self._prepared(each.task)
            if each.method != paths.UNCOMPRESSED:
                earlier = (prepared, self.compress_from(each))
                yield Job("compress", name, self._status(each), earlier, self.asked_to_compress(each))
            record = f"{self.matrix.evaluated(each)}/{paths.STATUS}"
            sources = self.evaluate_from(each)
            earlier = (prepared, str(sources["artifact"]), *sources["uncompressed"])
            yield Job("evaluate", name, record, earlier, self.asked_to_evaluate(each))

    def train_from(self, wildcards: Any) -> dict[str, str | list[str]]:
        """Return the verdict on a cell's data; and the records of the model that it starts from and of its data."""
        validated = paths.VALIDATED.format(dataset=self.matrix.dataset(wildcards.task))
        start = self.matrix.start(_cell(wildcards))
        begins = [f"{self.matrix.trained(start)}/{paths.STATUS}", self._prepared(start.task)] if start else []
        return {"validated": validated, "start": begins}

    def compress_from(self, wildcards: Any) -> str:
        """Return the status of the artifact that a variant is compressed from."""
        return self._status(self.matrix.source(_variant(wildcards)))

    def evaluate_from(self, wildcards: Any) -> dict[str, str | list[str]]:
        """Return the status of a variant's artifact; and that of the trained model it is measured beside."""
        artifact = self._status(_variant(wildcards))
        if wildcards.method == paths.UNCOMPRESSED:
            return {"artifact": artifact, "uncompressed": []}
        trained = f"{self.matrix.trained(_cell(wildcards))}/{paths.STATUS}"
        return {"artifact": artifact, "uncompressed": [trained]}

    def report_code(self) -> str:
        """Return the digest of the files that the report is made with, templates included."""
        return code_digest.digest(
            (*code_digest.closure(f"{STAGES}.report", "assay.config.registry"), *_report_files())
        )

    def ingested(self, _wildcards: Any = None) -> list[str]:
        """Return the records of all raw data."""
        return [f"{paths.RAW.format(dataset=name)}/source.json" for name in self.matrix.datasets]

    def prepared(self, _wildcards: Any = None) -> list[str]:
        """Return the records of all prepared data."""
        return [f"{paths.PREPARED.format(dataset=name)}/prepared.json" for name in self.matrix.datasets]

    def validated(self, _wildcards: Any = None) -> list[str]:
        """Return the verdicts on all data."""
        return [paths.VALIDATED.format(dataset=name) for name in self.matrix.datasets]

    def trained(self, _wildcards: Any = None) -> list[str]:
        """Return the statuses of all cells."""
        return [f"{self.matrix.trained(cell)}/{paths.STATUS}" for cell in self.matrix.cells]

    def compressed(self, _wildcards: Any = None) -> list[str]:
        """Return the statuses of all artifacts that a method made."""
        return [self._status(each) for each in self.matrix.variants if each.method != paths.UNCOMPRESSED]

    def evaluated(self, _wildcards: Any = None) -> list[str]:
        """Return the statuses of all evaluations."""
        return [f"{self.matrix.evaluated(each)}/{paths.STATUS}" for each in self.matrix.variants]

    def missing(self) -> list[str]:
        """Return the records that are not there."""
        phases = (
            self.ingested, self.prepared, self.validated, self.trained, self.compressed, self.evaluated
        )  # fmt: skip
        made = [record for phase in phases for record in phase()]
        return [record for record in [*made, str(paths.REPORT)] if not os.path.exists(record)]  # noqa: PTH110 (10,000 of them)

    def _training(self, cell: Cell) -> dict[str, str]:
        family = self.matrix.family(cell.model)
        modules = (f"{STAGES}.train", registry.LOOPS[family.loop].module, _module(family.target))
        return self._asked(cell.task, modules, self.matrix.cell_spec(cell))

    def _compression(self, variant: Variant) -> dict[str, str]:
        method = registry.METHODS[self.matrix.params.methods[variant.method].method].module
        modules = (f"{STAGES}.compress", method, _module(self.matrix.family(variant.model).target))
        return self._asked(variant.task, modules, self.matrix.method_spec(variant))

    def _evaluation(self, variant: Variant) -> dict[str, str]:
        spec = {**asdict(variant), "kind": self.matrix.params.tasks[variant.task].kind}
        modules = (f"{STAGES}.evaluate", _module(self.matrix.family(variant.model).target))
        return self._asked(variant.task, modules, spec)

    def _asked(self, task: str, modules: tuple[str, ...], spec: dict[str, Any]) -> dict[str, str]:
        kind = registry.TASKS[self.matrix.params.tasks[task].kind].module
        code = _digest(*modules, kind, registry.dataset_module(self.matrix.dataset(task)))
        return {"code": code, "spec": _json(spec), "prepared": self._prepared(task)}

    def _dataset_code(self, stage: str, dataset: str) -> str:
        return _digest(f"{STAGES}.{stage}", registry.dataset_module(dataset))

    def _prepared(self, task: str) -> str:
        return f"{paths.PREPARED.format(dataset=self.matrix.dataset(task))}/prepared.json"

    def _status(self, variant: Variant) -> str:
        return f"{self.matrix.compressed(variant)}/{paths.STATUS}"


@cache
def _report_files() -> tuple[str, ...]:
    folder = code_digest.ROOT / "report"
    found = (path for pattern in REPORT_FILES for path in folder.rglob(pattern))
    return tuple(sorted(str(path.relative_to(code_digest.ROOT.parent.parent)) for path in found))


def _cell(wildcards: Any) -> Cell:
    return Cell(wildcards.task, wildcards.model, int(wildcards.seed))


def _variant(wildcards: Any) -> Variant:
    return Variant(wildcards.task, wildcards.model, int(wildcards.seed), wildcards.method)


def _digest(*modules: str) -> str:
    return code_digest.digest(code_digest.closure(*modules))


def _module(target: str) -> str:
    return target.partition(":")[0]


def _json(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
