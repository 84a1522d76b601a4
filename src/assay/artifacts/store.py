# SPDX-License-Identifier: Apache-2.0
"""Models on disk: written with a record, and read back if their bytes are those that the record names.

A record ("artifact" in status.json) says the format, the class that the weights belong to, and its arguments.
The same model is the same bytes in every run, and what is read must have the digest that status.json names.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from torch import nn

from assay.artifacts.formats import FORMATS
from assay.artifacts.predictors import Predictor
from assay.artifacts.weights import Format, Safetensors
from assay.files import read_json, replacing, sha256
from assay.paths import STATUS


def save(folder: Path, model: Any, *, target: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Write a network as safetensors or an estimator as skops, and return its record for status.json.

    Args:
        folder: receives one file.
        model: an instance of the class that ``target`` names.
        target: ``assay.models.image.cnn:CNN``.
        arguments: keyword arguments that make the class again; plain JSON values.
    """
    network = isinstance(model, nn.Module)
    name = "safetensors" if network else "skops"
    form = FORMATS[name]
    with replacing(folder / form.file) as aside:
        form.write(aside, model)
    parameters = count_parameters(model) if network else int(model.parameters())
    return {"format": name, "target": target, "arguments": arguments, "parameters": parameters}


def digests(folder: Path, artifact: dict[str, Any]) -> dict[str, str]:
    """Return the digest of the artifact's file, as status.json keeps it under "files"."""
    name = FORMATS[artifact["format"]].file
    return {name: sha256(folder / name)}


def load(folder: Path, artifact: dict[str, Any]) -> Predictor:
    """Return the model of ``folder``, ready to predict.

    Raises:
        ValueError: unknown format or class, wrong arguments, or bytes other than status.json says; one line.
    """
    form = format_of(folder, artifact)
    return form.predictor(checked(folder, form.file), artifact)


def load_module(folder: Path, artifact: dict[str, Any]) -> nn.Module:
    """Return the network of ``folder`` in evaluation mode.

    Raises:
        ValueError: as :func:`load`, or the artifact is no network with its weights.
    """
    form = format_of(folder, artifact)
    if not isinstance(form, Safetensors):
        networks = [name for name, form in FORMATS.items() if isinstance(form, Safetensors)]
        raise ValueError(
            f"{folder}: format {artifact['format']!r} holds no network; allowed: {', '.join(networks)}"
        )
    return form.module(checked(folder, form.file), artifact)


def format_of(folder: Path, artifact: dict[str, Any]) -> Format:
    """Return the format that a record names."""
    missing = [key for key in ("format", "target", "arguments", "parameters") if key not in artifact]
    if missing:
        raise ValueError(
            f"{folder}: the artifact's record has no {missing[0]!r}; delete the folder and run again"
        )
    form = FORMATS.get(artifact["format"]) if isinstance(artifact["format"], str) else None
    if form is None:
        raise ValueError(f"{folder}: format {artifact['format']!r} is unknown; allowed: {', '.join(FORMATS)}")
    return form


def checked(folder: Path, name: str) -> bytes:
    """Return a file's bytes if they have the digest that the folder's status.json names.

    Raises:
        ValueError: they have not, or one of the two files is not there.
    """
    path = folder / name
    for needed in (folder / STATUS, path):
        if not needed.is_file():
            raise ValueError(f"{needed}: not found; run the stage that makes it again")
    status = read_json(folder / STATUS)
    files = status.get("files") if isinstance(status, dict) else None
    expected = files.get(name) if isinstance(files, dict) else None
    data = path.read_bytes()
    found = hashlib.sha256(data).hexdigest()
    if found != expected:
        raise ValueError(
            f"{path}: sha256 {expected} expected, {found} found; delete the folder and run again"
        )
    return data


def count_parameters(module: nn.Module) -> int:
    """Return how many numbers a network learned."""
    return sum(parameter.numel() for parameter in module.parameters())
