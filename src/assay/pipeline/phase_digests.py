# SPDX-License-Identifier: Apache-2.0
"""One file per phase with the digests of all its records (a seal), on which DVC's later stages depend.

DVC walks a folder again for each stage that names it, which is most of the cost of ``dvc status``: 0.2 ms per cell
folder. Records hold the digests of the files next to them, so their own digests identify the whole folder.
``sha256sum --check`` can read the file too.
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
    Path(template.partition("/{")[0])
    for template in (paths.TUNED, paths.TRAINED, paths.COMPRESSED, paths.EVALUATED)
)
SEAL = "records.sha256"
VERSIONED = ("data", "artifacts", "reports")


def seal() -> None:
    """Write the seal of each phase with cells, if it is missing or outdated."""
    for folder in SEALED:
        text = "".join(f"{sha256(folder / name)}  {name}\n" for name in sorted(_records(folder)))
        path = folder / SEAL
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            write_text(path, text)


def unseal() -> None:
    """Delete the seals: a run begins and may be killed."""
    with suppress(OSError):  # if a folder is not writable, the jobs report it
        for folder in SEALED:
            (folder / SEAL).unlink(missing_ok=True)


def heal(records: Iterable[str] = ()) -> None:
    """Finish what a killed run left undone: tidy the versioned folders, save Snakemake's metadata, write the seals.

    Args:
        records: the records of the jobs whose metadata is saved next to their outputs.
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
