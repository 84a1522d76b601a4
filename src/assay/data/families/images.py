# SPDX-License-Identifier: Apache-2.0
"""Labelled images of the same shape."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assay.data.declarations import Augmentation, Dataset
from assay.data.expectations import Check, between, in_set, labels, of_table, put, widen
from assay.data.preparation import images
from assay.data.preparation.split_strategies import StrategyName


@dataclass(frozen=True, kw_only=True)
class Images(Dataset):
    """A dataset of labelled images."""

    augmentation: Augmentation | None = None
    split_strategy: StrategyName = "stratified"
    """How items are held out that upstream's split does not name: ``stratified`` or ``random``."""
    shape: tuple[int, int, int]
    """Channels, height and width of every image."""
    class_share: tuple[float, float]
    """The smallest and largest share of a split that one class may have, within one item."""
    dimmest_maximum: int
    """The smallest plausible value of an image's brightest pixel."""
    mean: tuple[float, float]
    """The range of an image's mean pixel, 0 to 255."""
    levels: int = 255
    """The largest value of a pixel in upstream's files."""

    @abstractmethod
    def read(self, raw: Path) -> images.ImageSet: ...

    def prepare(self, raw: Path, out: Path, *, seed: int, validation_fraction: float) -> dict[str, Any]:
        return images.prepare(
            self.read(raw),
            out,
            dataset=out.name,
            seed=seed,
            validation_fraction=validation_fraction,
            test_fraction=self.test_fraction,
            split_strategy=self.split_strategy,
        )

    def checks(self, counts: dict[str, int]) -> list[Check]:
        reader = "check the dataset's read(): it should return upstream's pixels unchanged"
        channels, height, width = self.shape
        inverted = f"no pixel is background: is the image inverted? {reader}"
        dim = f"too dim, or scaled twice: {reader}; {widen('dimmest_maximum')}"
        own = [
            *labels(counts, num_classes=len(self.classes), class_share=self.class_share),
            in_set("channels", [channels], bad=3, fix=reader),
            in_set("height", [height], bad=27, fix=reader),
            in_set("width", [width], bad=29, fix=reader),
            between("minimum", 0, 0, bad=1, fix=inverted),
            between("maximum", self.dimmest_maximum, 255, bad=20, fix=dim),
            not_blank(fix=f"the image is blank: {reader}"),
            between("mean", *self.mean, bad=250, fix=f"too dark or too bright: {reader}; {widen('mean')}"),
        ]
        return of_table(counts, own, facts=images.SCHEMA.names, nouns=("an image", "images"))


def not_blank(*, fix: str) -> Check:
    """Return the check that an image has more than one value."""
    import great_expectations.expectations as gxe

    rule = gxe.ExpectColumnPairValuesAToBeGreaterThanB(
        column_A="maximum", column_B="minimum", meta={"fix": fix}
    )
    return Check(rule, put("maximum", 0))
