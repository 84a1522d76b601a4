# SPDX-License-Identifier: Apache-2.0
"""code.json: one digest per phase of the package's files that the phase can run, on which dvc.yaml depends in a project
that does not hold Assay's code.

DVC cannot depend on an installed package: its path differs from machine to machine. The digests equal those of a clone
of the same version. They change with every file that any row of params.yaml could use; Snakemake then finds the
cells that do use it.
"""

from __future__ import annotations

from pathlib import Path

from assay.config import registry
from assay.files import json_text, write_text
from assay.pipeline.rule_functions import STAGES, report_files
from assay.provenance import code_digest

CODE = Path("code.json")


def digests() -> dict[str, str]:
    """Return the digest of each phase's code, with the rules that run it."""
    rules = code_digest.named((code_digest.ROOT / "pipeline" / "rules").rglob("*.smk"))
    files = {phase: code_digest.closure(*modules) for phase, modules in _modules().items()}
    files["report"] = (*report_files(), *code_digest.closure(f"{STAGES}.verdict"))
    return {phase: code_digest.digest((*names, *rules)) for phase, names in files.items()}


def _modules() -> dict[str, tuple[str, ...]]:
    """Return the modules that the cells of a phase can run, of all entries of the registry."""
    datasets = {registry.dataset_module(name) for name in (*registry.DATASETS, *registry.FAMILIES)}
    kinds = {each.module for each in registry.TASKS.values()}
    models = {each.target.partition(":")[0] for each in registry.MODELS.values()}
    loops = {each.module for each in registry.LOOPS.values()}
    methods = {each.module for each in registry.METHODS.values()}
    cells = datasets | kinds | models
    run = {
        "ingest": datasets,
        "prepare": datasets,
        "validate": datasets,
        "tune": cells | loops,
        "train": cells | loops,
        "compress": cells | methods,
        "evaluate": cells,
    }
    return {phase: (f"{STAGES}.{phase}", *sorted(modules)) for phase, modules in run.items()}


def write() -> None:
    """Write code.json, if it is outdated and the current folder does not hold Assay's code itself."""
    text = json_text(digests())
    if not code_digest.OWN.is_dir() and not (CODE.is_file() and CODE.read_bytes() == text.encode()):
        write_text(CODE, text)
