"""Which methods of compression run on which families of networks, and why the others do not.

    python benchmarks/compression_pairs.py [--families cnn,gpt]

Prints a row a family of networks and the share of pairs that run. Every family of the catalogue is asked, by its first
row of params.yaml that runs in the suite smoke, with that row's knobs: a network with its first weights, some items of
the twin, and four steps wherever a method trains. What a method leaves is written, read back, and must answer. About
five minutes on one core.
"""

from __future__ import annotations

import argparse
import inspect
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch

from assay import paths
from assay.artifacts import store
from assay.artifacts.formats import FORMATS
from assay.compression.context import CompressedModel, CompressionContext
from assay.config import registry
from assay.config.matrix import Cell, Matrix
from assay.config.params import load_params
from assay.data.loading import load as load_dataset
from assay.files import sha256, write_json
from assay.provenance.records import Skip
from assay.tasks import loading

ITEMS = 64
STEPS = 4
SUITE = "smoke"


@dataclass(frozen=True)
class Family:
    """A family of networks, by a cell that has it."""

    name: str
    cell: Cell
    matrix: Matrix
    folder: Path

    @cached_property
    def subject(self) -> CompressionContext:
        """Return a network with its first weights, and items to learn from."""
        spec = self.matrix.cell_spec(self.cell)
        spec["training"] |= {"max_steps": STEPS, "batch_size": 16}
        task = loading.load(spec["kind"])
        prepared = twin(spec["dataset"], self.folder)
        family = registry.load(spec["target"])
        provided, named = task.model_arguments(prepared), inspect.signature(family).parameters
        arguments = {key: provided[key] for key in provided if key in named} | spec["knobs"]
        torch.manual_seed(0)
        model = family(**arguments).eval()
        splits = task.load(prepared, ("train", "validation"))
        splits = {
            name: split.take(torch.arange(min(ITEMS, len(split.items)))) for name, split in splits.items()
        }
        record = {"format": "safetensors", "target": spec["target"], "arguments": arguments, "parameters": 1}
        return CompressionContext(
            model, record, spec, task, splits, None, self.folder / self.name, max_relative_drop=1.0
        )


def twin(dataset: str, folder: Path) -> Path:
    """Return the prepared folder of a dataset's twin, which is made if it is not there."""
    out = folder / dataset
    if not out.exists():
        declared = load_dataset(dataset)
        declared.make_twin(folder / f"{dataset}_raw", 0)
        declared.prepare(folder / f"{dataset}_raw", out, seed=0, validation_fraction=0.2)
    return out


def families(matrix: Matrix, folder: Path) -> Iterator[Family]:
    """Yield each family of networks that starts from nothing, once."""
    seen = set()
    for cell in matrix.cells:
        name = matrix.params.models[cell.model].model
        entry = registry.MODELS[name]
        if entry.loop == "supervised" and not entry.pretrained and name not in seen:
            seen.add(name)
            yield Family(name, cell, matrix, folder)


def tried(family: Family, row: str) -> str:
    """Return what became of a row of ``methods`` on a family: "" where it runs, else the reason."""
    spec = family.matrix.method_spec(row)
    try:
        made = registry.load(spec["target"])(family.subject, **spec["knobs"])
        answers(family.subject, made, family.folder / family.name / row)
    except Skip as reason:
        return f"skipped: {reason}"
    except Exception as fault:  # what is broken must show, and stop no other pair
        return f"FAILED: {type(fault).__name__}: {' '.join(str(fault).split())[:200]}"
    return ""


def answers(subject: CompressionContext, made: CompressedModel, folder: Path) -> None:
    """Write what a method left, read it back and ask it."""
    form = FORMATS[made.format]
    folder.mkdir(parents=True)
    form.write(folder / form.file, made.model)
    write_json(folder / paths.STATUS, {"files": {form.file: sha256(folder / form.file)}})
    record: dict[str, Any] = {
        **subject.record,
        "format": made.format,
        "parameters": made.parameters,
        **made.facts,
    }
    found = store.load(folder, record).outputs(subject.splits["validation"].inputs.numpy())
    if not np.isfinite(found).all():
        raise ValueError("its logits are not finite")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--families", default="", help="these alone, with commas between")
    only = [name for name in parser.parse_args().families.split(",") if name]
    params = load_params(paths.PARAMS)
    rows: dict[str, str] = {}  # the first row of each method that takes networks
    for name, row in params.methods.items():
        if "supervised" in registry.METHODS[row.method].loops and not row.after:
            rows.setdefault(row.method, name)
    torch.set_num_threads(1)
    reasons: dict[str, list[str]] = {}
    count = ran = 0
    print("| family | " + " | ".join(rows) + " |\n|---|" + "---|" * len(rows))
    with tempfile.TemporaryDirectory() as folder:
        for family in families(Matrix(params, SUITE), Path(folder)):
            if only and family.name not in only:
                continue
            found = {method: tried(family, row) for method, row in rows.items()}
            count, ran = count + len(found), ran + sum(not reason for reason in found.values())
            marks = ["no" if found[method] else "yes" for method in rows]
            print(f"| {family.name} | " + " | ".join(marks) + " |", flush=True)
            for method, reason in found.items():
                if reason:
                    reasons.setdefault(f"{method} {reason}", []).append(family.name)
    print(f"\n{ran} of {count} pairs run, {ran / max(count, 1):.0%}\n")
    for reason, names in reasons.items():
        print(f"- {', '.join(names)}: {reason}")


if __name__ == "__main__":
    main()
