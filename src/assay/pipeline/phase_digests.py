# SPDX-License-Identifier: Apache-2.0
"""One file that says what all records of a phase are: what DVC's later stages depend on.

DVC walks a folder again for each stage that names it, and that is most of what ``dvc status`` costs: 0.2 ms a cell's
folder. Records hold the digests of the files beside them, so their own digests say what the folder is.
``sha256sum --check`` reads the file too.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from assay import paths
from assay.files import discard_unfinished, sha256, write_text
from assay.provenance import snakemake_metadata

SEALED = tuple(
    Path(template.partition("/{")[0]) for template in (paths.TRAINED, paths.COMPRESSED, paths.EVALUATED)
)
SEAL = "records.sha256"
VERSIONED = ("data", "artifacts", "reports")


def seal() -> None:
    """Seal the folder of each phase that has cells, anew where its seal is not true."""
    for folder in SEALED:
        text = "".join(f"{sha256(folder / name)}  {name}\n" for name in sorted(_records(folder)))
        path = folder / SEAL
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            write_text(path, text)


def unseal() -> None:
    """Break the seals: a run begins, and may be killed."""
    with suppress(OSError):  # where a folder cannot be written, the jobs say it
        for folder in SEALED:
            (folder / SEAL).unlink(missing_ok=True)


def heal(records: Iterable[str] = ()) -> None:
    """Do what a killed run left undone at its end: tidy the versioned folders, keep what Snakemake knows, seal.

    Args:
        records: those of the jobs whose knowledge is kept beside their outputs.
    """
    if any(folder.is_dir() and not (folder / SEAL).is_file() for folder in SEALED):
        with suppress(OSError):
            discard_unfinished(Path(parent) for top in VERSIONED for parent, _, _ in os.walk(top))
            snakemake_metadata.pack_folders({Path(record).parent for record in records})
            seal()


def _records(folder: Path) -> Iterator[str]:
    for parent, _, files in os.walk(folder):
        if paths.STATUS in files:
            yield os.path.relpath(os.path.join(parent, paths.STATUS), folder)  # noqa: PTH118 (10,000 of them)
