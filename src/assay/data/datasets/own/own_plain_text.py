# SPDX-License-Identifier: Apache-2.0
"""A user's own plain text to predict the next character of: a file, or the files of a folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from assay.data.families import own_files
from assay.data.families.own_columns import FEWEST_GROUPS
from assay.data.families.own_files import Own, source_of
from assay.data.own import plain_text
from assay.data.own.found import Options
from assay.data.own.plain_text import FILE, Document
from assay.data.preparation import characters
from assay.data.preparation.characters import Documents

SPLITS = ("order", f"group:{FILE}", f"column:{FILE}")


@dataclass(frozen=True, kw_only=True)
class OwnPlainText(Own):
    """The text of a file, or of the files of a folder, in windows of characters."""

    nouns = ("a window", "windows")
    options: Options
    split: str
    """``order``: the last part of the text is to test on, and what is before it to validate; ``group:file``: files are
    drawn; ``column:file``: the files' names, or their folders, say their parts, such as train.txt and test.txt."""

    def read(self, raw: Path) -> Documents:
        """Return the texts that are not blank, in the order of their files' names."""
        texts = self._texts(raw)
        by_name = self.split == f"column:{FILE}"
        return Documents([each.text for each in texts], [each.part if by_name else "" for each in texts])

    def _texts(self, raw: Path) -> list[Document]:
        path = self.own(raw)
        files = plain_text.files_of(list(own_files.files_in(path))) if path.is_dir() else [path]
        return plain_text.read(path, files, self.options)[0]

    def prepare(self, raw: Path, out: Path, *, seed: int, validation_fraction: float) -> dict[str, Any]:
        text = self.read(raw)
        return characters.prepare(
            text,
            out,
            dataset=out.name,
            validation_fraction=validation_fraction,
            test_fraction=self.test_fraction,
            seed=seed,
            groups=self._groups(raw, text) if self.split == f"group:{FILE}" else None,
        )

    def _groups(self, raw: Path, text: Documents) -> NDArray[np.str_]:
        """Return the file of each window.

        Raises:
            ValueError: there are too few files for a file in each part; one line.
        """
        names = [each.name for each in self._texts(raw)]
        if len(names) < FEWEST_GROUPS:
            raise ValueError(
                f"{self.path}: {len(names)} files with text; at least {FEWEST_GROUPS} are needed, one for each part of"
                " a split; split the text by position with --split 0.2"
            )
        return np.repeat(np.array(names), text.counts)


def own_plain_text(
    *,
    path: str,
    digest: str,
    encoding: str | None,
    split: str,
    test_fraction: Annotated[float, Field(gt=0, lt=1)],
) -> OwnPlainText:
    """Return the dataset of a row of params.yaml.

    Raises:
        ValueError: the split is none of those allowed; one line.
    """
    if split not in SPLITS:
        raise ValueError(f"split = {split}: allowed are {', '.join(SPLITS)}")
    return OwnPlainText(
        source=source_of(path),
        path=Path(path),
        digest=digest,
        options=Options(encoding=encoding),
        split=split,
        test_fraction=test_fraction,
    )


FAMILY = own_plain_text
