# SPDX-License-Identifier: Apache-2.0
"""Images and labels in the format of MNIST and its successors: four IDX files, train and test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from assay.data.download import RemoteFile, remote_files
from assay.data.families.images import Images
from assay.data.preparation import idx_images
from assay.data.preparation.images import ImageSet


@dataclass(frozen=True, kw_only=True)
class IdxImages(Images):
    """Images of 28 x 28 pixels in nearly balanced classes; upstream has a test and no validation split."""

    shape: tuple[int, int, int] = (1, 28, 28)
    class_share: tuple[float, float] = (0.08, 0.12)

    def make_twin(self, raw: Path, seed: int) -> None:
        idx_images.write_twin(raw, seed, dataset=self.source.name, num_classes=len(self.classes))

    def read(self, raw: Path) -> ImageSet:
        return idx_images.read(raw, classes=self.classes)


def idx_files(dataset: str, declared: Sequence[tuple[int, str]], *folders: str) -> tuple[RemoteFile, ...]:
    """Return the four files: training images and labels, then those of test.

    Args:
        declared: size and sha256 of each file.
        folders: web folders, each with all four files.
    """
    return remote_files(dataset, dict(zip(idx_images.NAMES, declared, strict=True)), *folders)
