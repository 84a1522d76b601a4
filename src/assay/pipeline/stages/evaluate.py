# SPDX-License-Identifier: Apache-2.0
"""Evaluate one variant on the test items, once, and keep one prediction per item."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

from assay.artifacts import store
from assay.evaluation import latency, scoring
from assay.files import replacing, sha256, write_json
from assay.pipeline.stages.arguments import parse
from assay.provenance import measurement, proven_files, records
from assay.tasks import loading


def evaluate(
    spec: dict[str, Any],
    prepared: Path,
    artifact_status: Path,
    uncompressed: list[Path],
    folder: Path,
    costs: dict[str, Any],
) -> dict[str, Any]:
    """Evaluate the artifact next to ``artifact_status`` into ``folder`` and return the facts for the record.

    Args:
        uncompressed: the status of the trained model against which a compressed model's speed is measured.
        costs: receives the measurements, which differ from run to run (latency), and size and parameters.
    """
    proven_files.require(prepared, "prepare")
    status = records.require(artifact_status, "train", "compress")
    artifact = status["artifact"]
    task = loading.load(spec["kind"], spec["metric"])
    splits = task.load(prepared.parent, ("validation", "test"))
    examples = splits["validation"].inputs[: max(latency.SIZES)].numpy()
    began = time.perf_counter()
    predictor = store.load(artifact_status.parent, artifact)
    predictor.outputs(examples[:1])
    costs["cold_start_ms"] = 1000 * (time.perf_counter() - began)
    metrics, predictions = scoring.evaluate(predictor, task, splits["validation"], splits["test"])
    write_json(folder / "metrics.json", metrics)
    with replacing(folder / "predictions.parquet") as aside:
        predictions.to_parquet(aside, index=False)
    if uncompressed:
        before = records.require(uncompressed[0], "train")["artifact"]
        costs |= latency.speed(predictor, store.load(uncompressed[0].parent, before), examples)
    else:
        costs |= latency.latency(predictor, examples)
    costs |= scoring.size(artifact_status.parent, artifact) | {"parameters": predictor.parameters}
    files = {name: sha256(folder / name) for name in ("metrics.json", "predictions.parquet")}
    return {"data": status["data"], "files": files}


def main(argv: list[str]) -> int:
    """Evaluate the variant that ``argv`` names; the record holds its status."""
    arguments = parse(
        argv,
        "evaluate",
        __doc__,
        "--spec",
        "--prepared",
        "--artifact",
        "--uncompressed",
        "--code",
        "--out",
        "--died",
    )
    with measurement.leaving(arguments.out) as costs:
        records.keep(
            arguments.out,
            "evaluate",
            lambda: evaluate(
                arguments.spec,
                arguments.prepared,
                arguments.artifact,
                arguments.uncompressed,
                arguments.out.parent,
                costs,
            ),
            code=arguments.code,
            made_from=[arguments.prepared, arguments.artifact, *arguments.uncompressed],
            died=arguments.died,
            spec=arguments.spec,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
