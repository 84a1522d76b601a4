"""Compress one model by one method: an artifact that is loaded as any other. Test items are never seen."""

from __future__ import annotations

import argparse
import json
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from assay.artifacts import kept, store
from assay.artifacts.formats import FORMATS
from assay.compression.context import Subject
from assay.config import registry
from assay.files import replacing
from assay.provenance import measurement, records
from assay.tasks import loading


def compress(spec: dict[str, Any], prepared: Path, source: Path, folder: Path) -> dict[str, Any]:
    """Compress the model beside ``source`` into ``folder`` and return what its record keeps.

    Args:
        source: the status of a trained model, or of one that another method left.

    Raises:
        ValueError: the method left the bytes that it was given.
    """
    records.require_whole(prepared, "prepare")
    status = records.require(source, "train", "compress")
    cell = status.get("cell", status["spec"])
    task = loading.load(cell["kind"])
    folder.mkdir(parents=True, exist_ok=True)
    subject = Subject(
        store.load(source.parent, status["artifact"]).model,
        status["artifact"],
        cell,
        task,
        loading.for_learning(task, prepared.parent, cell)[0],
        task.augmenter(prepared.parent),
        folder,
        spec["most_lost"],
        spec.get("student"),
    )
    made = registry.load(spec["target"])(subject, **spec["knobs"])
    form = FORMATS[made.format]
    with replacing(folder / form.file) as aside:
        form.write(aside, made.model)
    artifact = {**status["artifact"], "format": made.format, "parameters": made.parameters, **made.facts}
    files = store.digests(folder, artifact)
    if set(files.values()) & set(status["files"].values()):
        (folder / form.file).unlink()
        raise ValueError(f"{spec['target']} changed nothing: {form.file} has the bytes that it was given")
    return {
        "artifact": artifact,
        "cell": cell,
        "data": status["data"],
        "trials": made.trials,
        "files": files,
    }


def main(argv: list[str]) -> int:
    """Compress the variant that ``argv`` names; how it ended stands in the record."""
    parser = argparse.ArgumentParser(prog="compress", description=__doc__)
    parser.add_argument("--spec", type=json.loads, required=True, help="the method, as JSON")
    parser.add_argument("--prepared", type=Path, required=True, help="prepared.json of the dataset")
    parser.add_argument("--source", type=Path, required=True, help="status of the model to compress")
    parser.add_argument("--code", required=True, help="digest of the files that this job runs")
    parser.add_argument("--out", type=Path, required=True, help="where the status goes")
    parser.add_argument("--no-cache", action="store_true", help="use no graph that an earlier job kept")
    parser.add_argument("--died", type=int, help="record that an earlier try was ended by this signal")
    arguments = parser.parse_args(argv)
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
