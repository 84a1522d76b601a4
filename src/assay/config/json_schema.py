# SPDX-License-Identifier: Apache-2.0
"""The JSON schema of params.yaml, from its types, for completion and checks in editors."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from assay import paths
from assay.config import registry
from assay.config.knobs import knobs
from assay.config.params import METHOD_PROVIDES, MODEL_PROVIDES, Params
from assay.files import check_output, json_text, write_output

DEFAULT = Path("params.schema.json")
"""Where editors look for it, next to params.yaml."""


def write(out: Path | None) -> None:
    """Write the schema to ``out``, by default next to params.yaml.

    Raises:
        ValueError: ``out`` is None and there is no params.yaml, or the file cannot be written; one line.
    """
    if out is None and not paths.PARAMS.is_file():
        raise ValueError(f"{paths.PARAMS}: not found; go to a project's folder, or name a file with --out")
    check_output(out or DEFAULT, paths.PARAMS)
    write_output(out or DEFAULT, json_text(schema()))


def schema() -> dict[str, Any]:
    """Return the schema. The knobs of a row are those of its family, model or method, by default the one of its name.

    No knob is required, since a row may inherit it.
    """
    whole = Params.model_json_schema()
    models = {name: knobs(entry.target, MODEL_PROVIDES) for name, entry in registry.MODELS.items()}
    methods = {
        name: knobs(f"{entry.module}:compress", METHOD_PROVIDES) for name, entry in registry.METHODS.items()
    }
    families = {name: knobs(target, ()) for name, target in registry.FAMILIES.items()}
    _complete(whole, "datasets", "DatasetParams", "dataset", families)
    _complete(whole, "models", "ModelParams", "model", models)
    _complete(whole, "methods", "MethodParams", "method", methods)
    task = whole["$defs"]["TaskParams"]
    task["required"] = [key for key in task["required"] if key not in ("dataset", "kind")]
    task["anyOf"] = [{"required": ["kind"]}, {"required": ["like"]}]
    whole["$defs"]["Start"].pop("required")
    return whole


def _complete(
    whole: dict[str, Any], section: str, row: str, key: str, kinds: Mapping[str, type[BaseModel]]
) -> None:
    definition = whole["$defs"][row]
    definition["required"].remove(key)
    found = {name: {"properties": {"knobs": _optional(kind)}} for name, kind in kinds.items()}
    definition["allOf"] = [
        {"if": {"properties": {key: {"const": name}}, "required": [key]}, "then": then}
        for name, then in found.items()
    ]
    names_another = {"anyOf": [{"required": [key]}, {"required": ["like"]}]}
    whole["properties"][section]["properties"] = {
        name: {"allOf": [{"$ref": f"#/$defs/{row}"}, {"if": names_another, "else": then}]}
        for name, then in found.items()
    }


def _optional(kind: type[BaseModel]) -> dict[str, Any]:
    found = kind.model_json_schema()
    found.pop("required", None)
    return found
