# SPDX-License-Identifier: Apache-2.0
"""The JSON schema of params.yaml, from its types: what an editor completes and underlines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import BaseModel

from assay import paths
from assay.config import registry
from assay.config.knobs import knobs
from assay.config.params import METHOD_PROVIDES, MODEL_PROVIDES, Params
from assay.files import check_output, json_text, write_output

BESIDE = Path("params.schema.json")
"""Where editors look for it, beside params.yaml."""


def write(out: Path | None) -> None:
    """Write the schema to ``out``, or beside params.yaml.

    Raises:
        ValueError: no file is named and this is no project, or it cannot be written there; one line.
    """
    if out is None and not paths.PARAMS.is_file():
        raise ValueError(f"{paths.PARAMS}: not found; go to a project's folder, or name a file with --out")
    check_output(out or BESIDE, paths.PARAMS)
    write_output(out or BESIDE, json_text(schema()))


def schema() -> dict[str, Any]:
    """Return the schema, with the knobs of each model and method under the condition that it is named."""
    whole = Params.model_json_schema()
    models = {name: knobs(entry.target, MODEL_PROVIDES) for name, entry in registry.MODELS.items()}
    methods = {
        name: knobs(f"{entry.module}:compress", METHOD_PROVIDES) for name, entry in registry.METHODS.items()
    }
    whole["$defs"]["ModelParams"]["allOf"] = [_when("model", name, kind) for name, kind in models.items()]
    whole["$defs"]["MethodParams"]["allOf"] = [_when("method", name, kind) for name, kind in methods.items()]
    return whole


def _when(key: str, name: str, kind: type[BaseModel]) -> dict[str, Any]:
    return {
        "if": {"properties": {key: {"const": name}}},
        "then": {"properties": {"knobs": kind.model_json_schema()}},
    }
