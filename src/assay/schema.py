"""The JSON schema of params.yaml, from its types: what an editor completes and underlines."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from assay import catalogue
from assay.params import METHOD_PROVIDES, MODEL_PROVIDES, Params
from assay.signatures import knobs


def schema() -> dict[str, Any]:
    """Return the schema, with the knobs of each model and method under the condition that it is named."""
    whole = Params.model_json_schema()
    models = {name: knobs(entry.target, MODEL_PROVIDES) for name, entry in catalogue.MODELS.items()}
    methods = {
        name: knobs(f"{entry.module}:compress", METHOD_PROVIDES) for name, entry in catalogue.METHODS.items()
    }
    whole["$defs"]["ModelParams"]["allOf"] = [_when("model", name, kind) for name, kind in models.items()]
    whole["$defs"]["MethodParams"]["allOf"] = [_when("method", name, kind) for name, kind in methods.items()]
    return whole


def _when(key: str, name: str, kind: type[BaseModel]) -> dict[str, Any]:
    return {
        "if": {"properties": {key: {"const": name}}},
        "then": {"properties": {"knobs": kind.model_json_schema()}},
    }
