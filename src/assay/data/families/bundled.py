# SPDX-License-Identifier: Apache-2.0
"""Files that are bundled with scikit-learn, available without a download."""

from __future__ import annotations

from importlib.metadata import distribution
from pathlib import Path
from typing import Any

from assay.data.declarations import Files
from assay.data.download import RemoteFile, write_declared

_FOLDER = "sklearn/datasets/data"


class Bundled(Files):
    """A dataset whose files are bundled with scikit-learn."""

    def fetch(self, raw: Path, *, mirror: str | None) -> dict[str, dict[str, Any]]:  # noqa: ARG002 (a bundled file needs no mirror)
        """Copy the bundled files into ``raw``; return address, size and sha256 of each.

        Raises:
            DownloadError: the installed scikit-learn bundles other bytes.
        """
        files: dict[str, dict[str, Any]] = {}
        for file in self.source.files:
            bundled = distribution("scikit-learn").locate_file(f"{_FOLDER}/{file.name}")
            files |= write_declared(
                file,
                raw,
                Path(str(bundled)).read_bytes(),
                problem="the installed scikit-learn has other data",
                remedy="install the pinned version of scikit-learn",
            )
        return files


def bundled_file(dataset: str, name: str, size: int, sha256: str) -> RemoteFile:
    """Return a file of scikit-learn's package."""
    return RemoteFile(dataset, name, (f"package:scikit-learn/{_FOLDER}/{name}",), size, sha256)
