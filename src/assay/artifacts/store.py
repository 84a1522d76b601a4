# SPDX-License-Identifier: Apache-2.0
"""Models on disk: written with a record, and read back if their bytes have the digest in the record.

A record ("artifact" in status.json) holds the format, the class of the weights, and its arguments. Equal models give
equal bytes in every run.
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
        arguments: keyword arguments to instantiate the class; plain JSON values.
    """
    network = isinstance(model, nn.Module)
    name = "safetensors" if network else "skops"
    form = FORMATS[name]
    with replacing(folder / form.file) as aside:
        form.write(aside, model)
    parameters = count_parameters(model) if network else int(model.parameters())
    return {"format": name, "target": target, "arguments": arguments, "parameters": parameters}


def digests(folder: Path, artifact: dict[str, Any]) -> dict[str, str]:
    """Return the digest of the artifact's file, for "files" in status.json."""
    name = FORMATS[artifact["format"]].file
    return {name: sha256(folder / name)}


def load(folder: Path, artifact: dict[str, Any]) -> Predictor:
    """Return the model of ``folder``, ready to predict.

    Raises:
        ValueError: unknown format or class, wrong arguments, or a digest other than in status.json; one line.
    """
    form = format_of(folder, artifact)
    return form.predictor(checked(folder, form.file), artifact)


def load_module(folder: Path, artifact: dict[str, Any]) -> nn.Module:
    """Return the network of ``folder`` in evaluation mode.

    Raises:
        ValueError: as :func:`load`, or the artifact is not a network with weights.
    """
    form = format_of(folder, artifact)
    if not isinstance(form, Safetensors):
        networks = [name for name, form in FORMATS.items() if isinstance(form, Safetensors)]
        raise ValueError(
            f"{folder}: format {artifact['format']!r} is not a network; allowed: {', '.join(networks)}"
        )
    return form.module(checked(folder, form.file), artifact)


def format_of(folder: Path, artifact: dict[str, Any]) -> Format:
    """Return the format in a record."""
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
    """Return a file's bytes if they have the digest in the folder's status.json.

    Raises:
        ValueError: they do not, or one of the two files is missing.
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
    """Return the number of parameters of a network."""
    return sum(parameter.numel() for parameter in module.parameters())
