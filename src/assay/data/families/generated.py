# SPDX-License-Identifier: Apache-2.0
"""A text file that is drawn here instead of downloaded, always the same one; its twin is a shorter one."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assay.data.declarations import Files
from assay.data.download import RemoteFile, write_declared
from assay.files import write_text


@dataclass(frozen=True, kw_only=True)
class Generated(Files):
    """A file with its seed."""

    draw: Callable[[random.Random, int], str]
    """Returns what the file holds for a number of items, or of what items are drawn by, such as persons."""
    num_items: int
    num_twin_items: int
    seed: int | str = 0
    remedy: str = "use a version of Python that this project names"
    """What to do where other bytes are drawn."""

    def fetch(self, raw: Path, *, mirror: str | None) -> dict[str, dict[str, Any]]:  # noqa: ARG002 (none is needed)
        """Write the file into ``raw``; return its address, size and sha256.

        Raises:
            DownloadError: other bytes are drawn here than where it was declared.
        """
        [file] = self.source.files
        data = self.draw(random.Random(self.seed), self.num_items).encode()
        return write_declared(file, raw, data, fault="made with other bytes", remedy=self.remedy)

    def make_twin(self, raw: Path, seed: int) -> None:
        write_text(self.file(raw), self.draw(random.Random(f"twin {seed}"), self.num_twin_items))


def generated_file(
    dataset: str, name: str, size: int, sha256: str, *, kind: str = "text"
) -> tuple[RemoteFile, ...]:
    """Return the file that a dataset draws; its address is that of the dataset's code, in the folder of its kind."""
    return (
        RemoteFile(dataset, name, (f"package:assay/assay/data/datasets/{kind}/{dataset}.py",), size, sha256),
    )
