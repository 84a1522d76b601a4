# SPDX-License-Identifier: Apache-2.0
"""An estimator in one file that cannot run code when it is read; equal estimators give equal bytes."""

from __future__ import annotations

import io
import itertools
import json
import zipfile
from pathlib import Path
from typing import Any

from assay.artifacts.predictors import EstimatorPredictor, Predictor
from assay.artifacts.weights import one_line, resolve
from assay.config import registry
from assay.models.declaration import Estimator


class Skops:
    """An estimator's attributes."""

    file = "model.skops"

    def write(self, path: Path, model: Any) -> None:
        """Write the estimator, the same bytes each time."""
        import skops.io  # it imports scikit-learn (2 s), which a network does not need

        path.write_bytes(without_addresses(skops.io.dumps(model)))

    def predictor(self, data: bytes, artifact: dict[str, Any]) -> Predictor:
        """Return the estimator as a predictor.

        Raises:
            ValueError: the file holds another class, or one that is not trusted.
        """
        import skops.io

        target = resolve(artifact["target"])
        own = f"{target.__module__}.{target.__qualname__}"
        declared = registry.load(f"{target.__module__}:MODEL")
        others = declared.trusted if isinstance(declared, Estimator) else ()
        try:
            estimator = skops.io.loads(data, trusted=[own, *others])
        except Exception as error:  # an invalid zip or schema can fail anywhere in skops
            raise ValueError(f"{artifact['target']}: {self.file} is refused: {one_line(error)}") from None
        if type(estimator) is not target:
            raise ValueError(f"{self.file}: contains a {type(estimator).__name__}, but its record says {own}")
        return EstimatorPredictor(estimator, artifact)


def without_addresses(data: bytes) -> bytes:
    """Return a skops file with its objects numbered in order of appearance and its members without a date.

    skops names objects and files by their memory address, and a zip file contains the time of writing.
    """
    with zipfile.ZipFile(io.BytesIO(data)) as source:
        members = {name: source.read(name) for name in source.namelist()}
    schema = json.loads(members.pop("schema.json"))
    files: dict[str, str] = {}
    renumber(schema, {}, files, itertools.count(1))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as zipped:
        for name, content in [(new, members[old]) for old, new in files.items()]:
            zipped.writestr(zipfile.ZipInfo(name), content)
        zipped.writestr(zipfile.ZipInfo("schema.json"), json.dumps(schema))
    return buffer.getvalue()


def renumber(node: Any, ids: dict[int, int], files: dict[str, str], numbers: itertools.count[int]) -> None:
    """Number the objects and files of a skops schema, in place; ``ids`` and ``files`` map old to new."""
    if isinstance(node, list):
        for child in node:
            renumber(child, ids, files, numbers)
    elif isinstance(node, dict):
        if "__loader__" in node:
            if node.get(
                "is_json"
            ):  # whether two equal numbers are the same object depends on the interpreter
                node.pop("__id__", None)
            if "__id__" in node:
                node["__id__"] = ids.setdefault(node["__id__"], next(numbers))
            if "file" in node:
                name = f"{len(files) + 1}{Path(node['file']).suffix}"
                node["file"] = files.setdefault(node["file"], name)
        for child in node.values():
            renumber(child, ids, files, numbers)
