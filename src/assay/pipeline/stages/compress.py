# SPDX-License-Identifier: Apache-2.0
"""Compress one model by one method into an artifact that is loaded like any other. Test items are never used."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from assay.artifacts import kept, store
from assay.artifacts.formats import FORMATS
from assay.compression.context import CompressionContext
from assay.config import registry
from assay.files import replacing
from assay.pipeline.stages.arguments import parse
from assay.provenance import measurement, proven_files, records
from assay.tasks import loading


def compress(spec: dict[str, Any], prepared: Path, source: Path, folder: Path) -> dict[str, Any]:
    """Compress the model next to ``source`` into ``folder`` and return the facts for the record.

    Args:
        source: the status of a trained model, or of the output of another method.

    Raises:
        ValueError: the method did not change the bytes of the artifact.
    """
    proven_files.require(prepared, "prepare")
    status = records.require(source, "train", "compress")
    cell = status.get("cell", status["spec"])
    task = loading.load(cell["kind"], spec["metric"])
    folder.mkdir(parents=True, exist_ok=True)
    context = CompressionContext(
        store.load(source.parent, status["artifact"]).model,
        status["artifact"],
        cell,
        task,
        loading.for_learning(task, prepared.parent, cell)[0],
        task.augmenter(prepared.parent),
        folder,
        spec["max_relative_drop"],
        spec.get("student"),
    )
    made = registry.load(spec["target"])(context, **spec["knobs"])
    form = FORMATS[made.format]
    with replacing(folder / form.file) as aside:
        form.write(aside, made.model)
    artifact = {**status["artifact"], "format": made.format, "parameters": made.parameters, **made.facts}
    files = store.digests(folder, artifact)
    if set(files.values()) & set(status["files"].values()):
        (folder / form.file).unlink()
        raise ValueError(f"{spec['target']} changed nothing: {form.file} has the same bytes as before")
    return {
        "artifact": artifact,
        "cell": cell,
        "data": status["data"],
        "trials": made.trials,
        "files": files,
    }


def main(argv: list[str]) -> int:
    """Compress the variant that ``argv`` names; the record holds its status."""
    arguments = parse(
        argv,
        "compress",
        __doc__,
        "--spec",
        "--prepared",
        "--source",
        "--code",
        "--out",
        "--no-cache",
        "--died",
    )
    scratch = kept.unused() if arguments.no_cache else nullcontext()
    with scratch, measurement.leaving(arguments.out):
        records.keep(
            arguments.out,
            "compress",
            lambda: compress(arguments.spec, arguments.prepared, arguments.source, arguments.out.parent),
            code=arguments.code,
            made_from=[arguments.prepared, arguments.source],
            died=arguments.died,
            spec=arguments.spec,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
