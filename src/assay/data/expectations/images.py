"""What must hold of a table of image facts before anything trains on it.

The table has one row an item (:mod:`assay.data.preparation.images` writes it) and two columns that
:func:`assay.data.validation.with_derived` adds: the share of the item's class in its split, and the number of
splits in which its pixels stand. Great Expectations costs seconds to import, hence the import inside.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay.data.expectations import common as item_expectations
from assay.data.expectations.common import widen

if TYPE_CHECKING:
    from great_expectations.expectations import Expectation

FACTS = (
    "item",
    "split",
    "label",
    "channels",
    "height",
    "width",
    "minimum",
    "maximum",
    "mean",
    "sha256",
)


def build(
    counts: dict[str, int],
    *,
    shape: tuple[int, int, int],
    num_classes: int,
    class_share: tuple[float, float],
    dimmest_maximum: int,
    mean: tuple[float, float],
) -> list[Expectation]:
    """Return the expectations of one dataset; each carries in ``meta["fix"]`` what to do when it fails.

    Args:
        counts: items of each split.
        shape: channels, height and width of every image.
        class_share: smallest and largest part of a split that one class may have, give or take one item.
        dimmest_maximum: an image whose brightest pixel is below is taken for a blank one.
        mean: range of an image's mean pixel, 0 to 255.
    """
    import great_expectations.expectations as gxe

    reader = "check the dataset's read(): it should give upstream's pixels unchanged"
    channels, height, width = shape
    own = [
        *item_expectations.labels(counts, num_classes=num_classes, class_share=class_share),
        *(
            gxe.ExpectColumnValuesToBeInSet(column=column, value_set=[size], meta={"fix": reader})
            for column, size in {"channels": channels, "height": height, "width": width}.items()
        ),
        gxe.ExpectColumnValuesToBeBetween(
            column="minimum",
            min_value=0,
            max_value=0,
            meta={"fix": f"no pixel is background: is the image inverted? {reader}"},
        ),
        gxe.ExpectColumnValuesToBeBetween(
            column="maximum",
            min_value=dimmest_maximum,
            max_value=255,
            meta={"fix": f"too dim, or scaled twice: {reader}; {widen('dimmest_maximum')}"},
        ),
        gxe.ExpectColumnPairValuesAToBeGreaterThanB(
            column_A="maximum", column_B="minimum", meta={"fix": f"the image is blank: {reader}"}
        ),
        gxe.ExpectColumnValuesToBeBetween(
            column="mean",
            min_value=mean[0],
            max_value=mean[1],
            meta={"fix": f"too dark or too bright: {reader}; {widen('mean')}"},
        ),
    ]
    return item_expectations.build(
        counts,
        facts=FACTS,
        nouns=("an image", "images"),
        own=own,
    )
