"""Compress one trained model by one method: an artifact that is loaded as any other. Test items are never seen."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from assay import artifacts, catalogue, measuring, records
from assay.layout import MEASURED


def compress(spec: dict[str, Any], prepared: Path, trained: Path, folder: Path) -> dict[str, Any]:
    """Compress the model beside ``trained`` into ``folder`` and return what its record keeps."""
    records.require_whole(prepared)
    status = records.require(trained)
    folder.mkdir(parents=True, exist_ok=True)
    model = artifacts.load_module(trained.parent, status["artifact"])
    task = catalogue.load(catalogue.TASKS[status["spec"]["kind"]].module)
    inputs = task.load(prepared.parent, ("train",))["train"].inputs.numpy()
    made = catalogue.load(spec["target"])(model, inputs=inputs, folder=folder, **spec["knobs"])
    artifact = {**status["artifact"], **made}
    return {"artifact": artifact, "data": status["data"], "files": artifacts.digests(folder, artifact)}


def main(argv: list[str]) -> int:
    """Compress the variant that ``argv`` names; how it ended stands in the record."""
    parser = argparse.ArgumentParser(prog="compress", description=__doc__)
    parser.add_argument("--spec", type=json.loads, required=True, help="the method, as JSON")
    parser.add_argument("--prepared", type=Path, required=True, help="prepared.json of the dataset")
    parser.add_argument("--trained", type=Path, required=True, help="status of the trained model")
    parser.add_argument("--out", type=Path, required=True, help="where the status goes")
    parser.add_argument("--died", type=int, help="record that an earlier try was ended by this signal")
    arguments = parser.parse_args(argv)
    with measuring.leaving(arguments.out.with_name(MEASURED)):
        records.keep(
            arguments.out,
            "compress",
            lambda: compress(arguments.spec, arguments.prepared, arguments.trained, arguments.out.parent),
            died=arguments.died,
            spec=arguments.spec,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
