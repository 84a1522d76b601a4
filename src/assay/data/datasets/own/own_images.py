# SPDX-License-Identifier: Apache-2.0
"""A user's own images: a folder for each class, or images that a table names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from assay.data.families import own_columns
from assay.data.families.own_files import Own, source_of
from assay.data.own import images as folder_of_images
from assay.data.own.found import Options
from assay.data.own.images import Item
from assay.data.own.parts import PARTS
from assay.data.preparation import images, pictures


@dataclass(frozen=True, kw_only=True)
class OwnImages(Own):
    """PNG, JPEG, GIF, BMP and WebP files of any size."""

    nouns = ("an image", "images")
    options: Options
    channels: int
    height: int
    width: int
    min_per_class: int
    """Images of classes with fewer are left out."""

    def read(self, raw: Path) -> images.ImageSet:
        """Return the images that have a class and can be read."""
        path = self.own(raw)
        items = [item for item in folder_of_images.items_of(path, self.options) if item.label]
        decoded = [(item, self._decoded(item.path)) for item in items]
        found = [(item, image) for item, image in decoded if image is not None]
        values = sorted({item.label for item, _ in found})
        codes = np.array([values.index(item.label) for item, _ in found], dtype=np.int64)
        kept = own_columns.common(codes, values, self.min_per_class, str(self.path))
        parts = [PARTS.get(found[row][0].part.lower(), "") for row in kept.rows]
        return images.ImageSet(
            np.stack([found[row][1] for row in kept.rows]),
            kept.targets.astype(np.int64),
            np.array(parts, dtype="<U10"),
            kept.classes,
            numbers=self._numbers([found[row][0] for row in kept.rows]),
        )

    def _numbers(self, items: Sequence[Item]) -> NDArray[np.int64] | None:
        """Return the line of the table that names each image, if there is one."""
        lines = np.array([item.line for item in items], dtype=np.int64)
        return lines if lines.all() else None

    def _decoded(self, path: Path) -> NDArray[np.uint8] | None:
        """Return an image (C, H, W), None if it cannot be read."""
        try:
            return pictures.pixels(path.read_bytes(), (self.channels, self.height, self.width))
        except (ValueError, OSError):
            return None

    def prepare(self, raw: Path, out: Path, *, seed: int, validation_fraction: float) -> dict[str, Any]:
        return images.prepare(
            self.read(raw),
            out,
            dataset=out.name,
            seed=seed,
            validation_fraction=validation_fraction,
            test_fraction=self.test_fraction,
        )


def own_images(
    *,
    path: str,
    digest: str,
    target: str | None,
    channels: Literal[1, 3],
    height: Annotated[int, Field(ge=4, le=512)],
    width: Annotated[int, Field(ge=4, le=512)],
    test_fraction: Annotated[float, Field(gt=0, lt=1)],
    min_per_class: Annotated[int, Field(ge=2)],
) -> OwnImages:
    """Return the dataset of a row of params.yaml."""
    return OwnImages(
        source=source_of(path),
        path=Path(path),
        digest=digest,
        options=Options(target=target),
        channels=channels,
        height=height,
        width=width,
        test_fraction=test_fraction,
        min_per_class=min_per_class,
    )


FAMILY = own_images
