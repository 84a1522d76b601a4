# SPDX-License-Identifier: Apache-2.0
"""The functions that the rules call while Snakemake builds its graph: a cell's spec, inputs and digest of code.

Snakemake imports this file at each start, so it may import nothing heavy.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cache, cached_property
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from assay import paths
from assay.config import registry
from assay.config.matrix import Cell, Matrix, Row, Variant, select
from assay.config.params import ParamsError, load_params
from assay.files import sha256
from assay.provenance import code_digest

STAGES = "assay.pipeline.stages"
REPORT_FILES = ("*.html", "*.css", "*.js", "*.yaml")


def matrix_or_exit(config: Mapping[str, Any]) -> Matrix:
    """Return the matrix that ``--config`` requests.

    An invalid params.yaml or selection, or code of another folder, gives one line on stderr and exit code 2.
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
    except ParamsError as error:
        more = len(error.errors) - 1
        print(error.errors[0] + (f" (and {more} more: assay check)" if more else ""), file=sys.stderr)
        sys.exit(2)


@dataclass(frozen=True)
class Job:
    """One job as the rules request it."""

    phase: str
    name: str
    """The dataset, cell or variant, without the seed: ``digits/mlp/int8``."""
    record: str
    """Path of the record that it writes."""
    made_from: tuple[str, ...]
    """Paths of the records whose digests its own record holds, in this order."""
    request: Mapping[str, str]
    """Its ``code`` and, for most phases, its ``spec``."""


class Graph:
    """The inputs and params of all rules, for one matrix. ``wildcards`` are Snakemake's.

    Snakemake takes 0.1 ms to call such a function, whatever it does, so a rule has one for its input and one for its
    params. The request of a phase is the params of its jobs: ``code``, the digest of the files they run, which they
    only record; ``spec`` as JSON; and the paths of inputs that Snakemake need not know.

    A record holds the digests of the records it was made from, so a rule's input names only the nearest records.
    """

    def __init__(self, matrix: Matrix) -> None:
        self.matrix = matrix
        # Both Snakemake and :mod:`assay.pipeline.trust` need them.
        self._to_train, self._to_compress, self._to_evaluate = (
            cache(each) for each in (self._training, self._compression, self._evaluation)
        )
        self._to_tune = cache(self._tuning)

    def ingest_request(self, wildcards: Any) -> dict[str, str]:
        """Return the request for ingesting a dataset."""
        spec = self.matrix.dataset_spec(wildcards.dataset)
        made = {key: spec[key] for key in ("family", "knobs", "about") if key in spec}
        return {"code": self._dataset_code("ingest", wildcards.dataset), "spec": _json(made)}

    def prepare_request(self, wildcards: Any) -> dict[str, str]:
        """Return the request for preparing a dataset."""
        spec = self.matrix.dataset_spec(wildcards.dataset)
        return {"code": self._dataset_code("prepare", wildcards.dataset), "spec": _json(spec)}

    def validate_request(self, wildcards: Any) -> dict[str, str]:
        """Return the request for validating a dataset."""
        code, further = (
            self._dataset_code("validate", wildcards.dataset),
            self._expectations(wildcards.dataset),
        )
        if further:
            digest = sha256(Path(further)) if Path(further).is_file() else "missing"
            code = hashlib.sha256(f"{code} {digest}".encode()).hexdigest()
        docs = paths.DATA_DOCS.format(dataset=wildcards.dataset)
        return {"code": code, "docs": docs, "expectations": further}

    def tune_request(self, wildcards: Any) -> dict[str, str]:
        """Return the request for tuning a row on a task."""
        return self._to_tune(Row(wildcards.task, wildcards.model))

    def tune_fold_request(self, wildcards: Any) -> dict[str, str]:
        """Return the request for tuning a row on a fold of a task's data."""
        return self._to_tune(_row_of_fold(wildcards))

    def train_request(self, wildcards: Any) -> dict[str, str]:
        """Return the request for training a cell."""
        return self._to_train(_cell(wildcards))

    def compress_request(self, wildcards: Any) -> dict[str, str]:
        """Return the request for compressing a cell's model by a method."""
        return self._to_compress(_variant(wildcards))

    def evaluate_request(self, wildcards: Any) -> dict[str, str]:
        """Return the request for evaluating a variant."""
        return self._to_evaluate(_variant(wildcards))

    def report_request(self, _wildcards: Any = None) -> dict[str, str]:
        """Return the request for the report."""
        matrix = self.matrix
        spec = {
            "suite": matrix.suite,
            "tasks": matrix.only_tasks if self.is_selection else matrix.tasks,
            "models": matrix.only_models if self.is_selection else matrix.models,
            "params": sha256(paths.PARAMS),
            "tuning": sha256(paths.TUNING) if paths.TUNING.is_file() else "",
        }
        return {"code": self.report_code(), "spec": _json(spec)}

    @property
    def report_job(self) -> Job:
        """The job that builds the report."""
        shown = (*self.validated(), *self.evaluated())
        return Job("report", self.matrix.suite, self.report_record, shown, self.report_request())

    @property
    def is_selection(self) -> bool:
        """Whether ``--config`` narrows the suite to some of its tasks or models."""
        return bool(self.matrix.only_tasks or self.matrix.only_models)

    @property
    def reports(self) -> Path:
        """The folder of the report; a selection's is beside the suite's."""
        if self.is_selection:
            return Path(paths.SELECTION.format(suite=self.matrix.suite))
        return paths.REPORTS

    @property
    def report_record(self) -> str:
        """The record of the report."""
        return str(self.reports / paths.REPORT.name)

    @property
    def verdict(self) -> Path:
        """The record of the verdict on a run in which nothing failed."""
        return self.reports / paths.VERDICT.name

    @cached_property
    def jobs(self) -> list[Job]:
        """Every job of the matrix except the report's, each after the jobs it depends on."""
        return list(self._jobs())

    def _jobs(self) -> Iterator[Job]:
        for dataset in self.matrix.datasets:
            named = SimpleNamespace(dataset=dataset)
            yield Job("ingest", dataset, _source(dataset), (), self.ingest_request(named))
        for dataset in self.matrix.prepared:
            named = SimpleNamespace(dataset=dataset)
            prepared = f"{paths.PREPARED.format(dataset=dataset)}/prepared.json"
            validated = paths.VALIDATED.format(dataset=dataset)
            source = self.prepare_from(named)
            yield Job("prepare", dataset, prepared, (source,), self.prepare_request(named))
            yield Job("validate", dataset, validated, (prepared,), self.validate_request(named))
        tuned = set(self.matrix.tuned)
        for cell in self.matrix.cells:
            row = self.matrix.row(cell)
            if row in tuned:
                tuned.remove(row)
                yield self._tune_job(row)
            record = f"{self.matrix.trained(cell)}/{paths.STATUS}"
            inputs = self.train_from(cell)
            earlier = (
                self._prepared(cell), str(inputs["validated"]), *inputs["start"], *inputs["tuned"]
            )  # fmt: skip
            yield Job("train", f"{cell.task}/{cell.model}", record, earlier, self.train_request(cell))
        for each in self.matrix.variants:
            name = f"{each.task}/{each.model}/{each.method}"
            prepared = self._prepared(each)
            if each.method != paths.UNCOMPRESSED:
                earlier = (prepared, self.compress_from(each))
                yield Job("compress", name, self._status(each), earlier, self.compress_request(each))
            record = f"{self.matrix.evaluated(each)}/{paths.STATUS}"
            sources = self.evaluate_from(each)
            earlier = (prepared, str(sources["artifact"]), *sources["uncompressed"])
            yield Job("evaluate", name, record, earlier, self.evaluate_request(each))

    def _tune_job(self, row: Row) -> Job:
        inputs = self._learn_from(row.trial)
        earlier = (self._prepared(row.trial), str(inputs["validated"]), *inputs["start"])
        return Job("tune", f"{row.task}/{row.model}", self._chosen(row), earlier, self._to_tune(row))

    def prepare_from(self, wildcards: Any) -> str:
        """Return the record of the raw data that a dataset, or a fold of it, is prepared from."""
        return _source(self.matrix.whole(wildcards.dataset))

    def tune_from(self, wildcards: Any) -> dict[str, str | list[str]]:
        """Return the validation of a row's data, and the records of the model that it starts from and of its data."""
        return self._learn_from(Row(wildcards.task, wildcards.model).trial)

    def tune_fold_from(self, wildcards: Any) -> dict[str, str | list[str]]:
        """Return the same for a row on a fold of its data."""
        return self._learn_from(_row_of_fold(wildcards).trial)

    def _learn_from(self, cell: Cell) -> dict[str, str | list[str]]:
        validated = paths.VALIDATED.format(dataset=self.matrix.prepared_for(cell))
        start = self.matrix.start(cell)
        begins = [f"{self.matrix.trained(start)}/{paths.STATUS}", self._prepared(start)] if start else []
        return {"validated": validated, "start": begins}

    def train_from(self, wildcards: Any) -> dict[str, str | list[str]]:
        """Return what a cell's tuning starts from, and the record of its row's tuning if it has one."""
        cell = _cell(wildcards)
        tuned = [self._chosen(self.matrix.row(cell))] if self.matrix.tuning(cell.task, cell.model) else []
        return {**self._learn_from(cell), "tuned": tuned}

    def compress_from(self, wildcards: Any) -> str:
        """Return the status of the artifact that a variant is compressed from."""
        return self._status(self.matrix.source(_variant(wildcards)))

    def evaluate_from(self, wildcards: Any) -> dict[str, str | list[str]]:
        """Return the status of a variant's artifact and, if it is compressed, that of the trained model."""
        artifact = self._status(_variant(wildcards))
        if wildcards.method == paths.UNCOMPRESSED:
            return {"artifact": artifact, "uncompressed": []}
        trained = f"{self.matrix.trained(_cell(wildcards))}/{paths.STATUS}"
        return {"artifact": artifact, "uncompressed": [trained]}

    def report_code(self) -> str:
        """Return the digest of the files that build the report, templates included."""
        return code_digest.digest(report_files())

    def ingested(self, _wildcards: Any = None) -> list[str]:
        """Return the records of all raw data."""
        return [_source(name) for name in self.matrix.datasets]

    def prepared(self, _wildcards: Any = None) -> list[str]:
        """Return the records of all prepared data."""
        return [f"{paths.PREPARED.format(dataset=name)}/prepared.json" for name in self.matrix.prepared]

    def validated(self, _wildcards: Any = None) -> list[str]:
        """Return the records of all validations."""
        return [paths.VALIDATED.format(dataset=name) for name in self.matrix.prepared]

    def tuned(self, _wildcards: Any = None) -> list[str]:
        """Return the records of all searches for hyperparameters."""
        return [self._chosen(row) for row in self.matrix.tuned]

    def trained(self, _wildcards: Any = None) -> list[str]:
        """Return the statuses of all cells."""
        return [f"{self.matrix.trained(cell)}/{paths.STATUS}" for cell in self.matrix.cells]

    def compressed(self, _wildcards: Any = None) -> list[str]:
        """Return the statuses of all compressed artifacts."""
        return [self._status(each) for each in self.matrix.variants if each.method != paths.UNCOMPRESSED]

    def evaluated(self, _wildcards: Any = None) -> list[str]:
        """Return the statuses of all evaluations."""
        return [f"{self.matrix.evaluated(each)}/{paths.STATUS}" for each in self.matrix.variants]

    def missing(self) -> list[str]:
        """Return the records that do not exist."""
        phases = (
            self.ingested, self.prepared, self.validated, self.tuned, self.trained, self.compressed,
            self.evaluated,
        )  # fmt: skip
        made = [record for phase in phases for record in phase()]
        return [record for record in [*made, self.report_record] if not os.path.exists(record)]  # noqa: PTH110 (10,000 of them)

    def _tuning(self, row: Row) -> dict[str, str]:
        modules = (f"{STAGES}.tune", *self._learning(row.model))
        return self._request(row.trial, modules, self.matrix.cell_spec(row.trial))

    def _training(self, cell: Cell) -> dict[str, str]:
        modules = (f"{STAGES}.train", *self._learning(cell.model))
        return self._request(cell, modules, self.matrix.cell_spec(cell))

    def _learning(self, model: str) -> tuple[str, str]:
        """Return the modules of a row's training loop and of its family."""
        family = self.matrix.family(model)
        return registry.LOOPS[family.loop].module, _module(family.target)

    def _compression(self, variant: Variant) -> dict[str, str]:
        method = registry.METHODS[self.matrix.params.methods[variant.method].method].module
        modules = (f"{STAGES}.compress", method, _module(self.matrix.family(variant.model).target))
        return self._request(variant.cell, modules, self.matrix.method_spec(variant))

    def _evaluation(self, variant: Variant) -> dict[str, str]:
        kind, metric = self.matrix.params.tasks[variant.task].kind, self.matrix.metric(variant.task)
        spec = {**asdict(variant), "kind": kind, "metric": metric}
        modules = (f"{STAGES}.evaluate", _module(self.matrix.family(variant.model).target))
        return self._request(variant.cell, modules, spec)

    def _request(self, cell: Cell, modules: tuple[str, ...], spec: dict[str, Any]) -> dict[str, str]:
        kind = registry.TASKS[self.matrix.params.tasks[cell.task].kind].module
        code = _digest(*modules, kind, self._dataset_module(self.matrix.dataset(cell.task)))
        return {"code": code, "spec": _json(spec), "prepared": self._prepared(cell)}

    def _expectations(self, dataset: str) -> str:
        """Return the path of a dataset's file of expectations; nothing if it has none, as twins do."""
        if self.matrix.whole(dataset).endswith(registry.TWIN):
            return ""
        return self.matrix.dataset_row(dataset).expectations or ""

    def _dataset_module(self, dataset: str) -> str:
        return registry.dataset_module(self.matrix.dataset_row(dataset).dataset)

    def _dataset_code(self, stage: str, dataset: str) -> str:
        return _digest(f"{STAGES}.{stage}", self._dataset_module(dataset))

    def _prepared(self, cell: Cell | Variant) -> str:
        return f"{paths.PREPARED.format(dataset=self.matrix.prepared_for(cell))}/prepared.json"

    def _chosen(self, row: Row) -> str:
        return f"{self.matrix.tuning_folder(row)}/{paths.STATUS}"

    def _status(self, variant: Variant) -> str:
        return f"{self.matrix.compressed(variant)}/{paths.STATUS}"


@cache
def report_files() -> tuple[str, ...]:
    """Return the names of the files that build the report, templates included."""
    folder = code_digest.ROOT / "report"
    others = code_digest.named(path for pattern in REPORT_FILES for path in folder.rglob(pattern))
    return (*code_digest.closure(f"{STAGES}.report", "assay.config.registry"), *others)


def _source(dataset: str) -> str:
    return f"{paths.RAW.format(dataset=dataset)}/source.json"


def _row_of_fold(wildcards: Any) -> Row:
    return Row(wildcards.task, wildcards.model, int(wildcards.fold))


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
