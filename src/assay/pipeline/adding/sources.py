# SPDX-License-Identifier: Apache-2.0
"""What ``assay add`` is given: a file, a folder or an address, which may be or hold a Croissant description."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from assay.data.own import croissant, croissant_rows, web
from assay.data.own.croissant_files import Files
from assay.data.own.found import Ambiguity, Options
from assay.pipeline.adding.add import UnclearError
from assay.provenance.urls import redacted


@dataclass(frozen=True)
class Given:
    """The file or folder to look at."""

    path: Path
    name: str | None = None
    """What the description calls it, as a name of params.yaml."""
    about: Mapping[str, str] = field(default_factory=dict)
    """What the description says of its terms and origin."""
    remarks: tuple[str, ...] = ()


@contextmanager
def opened(address: str, record_set: str | None, options: Options, *, link: bool) -> Iterator[Given]:
    """Yield a file or folder as it is, what an address names, or the records that a Croissant description names.

    What is downloaded or unpacked is removed at the end.

    Args:
        record_set: that of the description to add; None for the only one.
        link: whether the bytes are to stay where they are.

    Raises:
        UnclearError: the description has several record sets.
        ValueError: something cannot be downloaded or read, or an option does not fit; one line.
    """
    with web.fetched(address) as path:
        file = croissant.find(path)
        if file is None:
            if record_set is not None:
                raise ValueError(
                    f"--record-set {record_set}: {redacted(address)} is no Croissant description"
                )
            yield Given(path)
            return
        if link:
            raise ValueError(f"--link: {redacted(address)} describes files elsewhere; add it without --link")
        where = redacted(address) if web.is_address(address) else str(file)
        base = address if web.is_address(address) else file.parent
        with tempfile.TemporaryDirectory() as folder:
            yield from _described(croissant.read(file, where), base, record_set, options, Path(folder))


def _described(
    description: croissant.Description, base: Path | str, wanted: str | None, options: Options, folder: Path
) -> Iterator[Given]:
    chosen = croissant.choose(description, wanted)
    if isinstance(chosen, Ambiguity):
        raise UnclearError(f"{chosen.question} Answer with {chosen.option}")
    several = len(description.candidates) > 1
    name = _name(f"{description.name} {chosen.name}" if several else description.name or chosen.name)
    records, archives = folder / name, folder / ".archives"
    records.mkdir()
    archives.mkdir()
    with closing(Files(description, base, archives)) as files:
        written = croissant_rows.write(description, chosen, files, records, name, options)
        first = f"Croissant: {description.where}, record set {chosen.name}"
        yield Given(written.path, name, description.about, (first, *written.remarks))


def _name(text: str) -> str:
    """Return a text as a name of params.yaml."""
    plain = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")
    return (plain if plain[:1].isalpha() else f"own_{plain}".rstrip("_"))[:64]
