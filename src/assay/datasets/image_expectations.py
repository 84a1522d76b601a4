"""What must hold of a table of image facts before anything trains on it.

The table has one row an item (:mod:`assay.datasets.images` writes it) and two columns that
:func:`assay.validation.with_derived` adds: the share of the item's class in its split, and the number of
splits in which its pixels stand. Great Expectations costs seconds to import, hence the import inside.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

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
DERIVED = ("class_share", "splits_with_hash")


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
    from great_expectations.expectations.conditions import Column

    again = "delete data/raw/<dataset> and data/prepared/<dataset> and run again"
    reader = "check the dataset's read(): it should give upstream's pixels unchanged"
    cleaning = "check clean() in assay/datasets/cleaning.py: it should have dropped these items"
    splitting = "check draw_split() in assay/datasets/cleaning.py and validation_fraction in params.yaml"
    channels, height, width = shape
    classes = list(range(num_classes))
    return [
        gxe.ExpectTableColumnsToMatchOrderedList(
            column_list=[*FACTS, *DERIVED], meta={"fix": f"the table was written by other code: {again}"}
        ),
        *(
            gxe.ExpectColumnValuesToNotBeNull(column=column, meta={"fix": f"a fact is missing: {again}"})
            for column in FACTS
        ),
        gxe.ExpectColumnValuesToBeUnique(column="item", meta={"fix": f"items are numbered twice: {again}"}),
        gxe.ExpectColumnValuesToBeInSet(column="split", value_set=list(counts), meta={"fix": splitting}),
        *(
            gxe.ExpectTableRowCountToEqual(
                value=count,
                row_condition=Column("split") == split,
                meta={"fix": f"the {split} items are not those that prepared.json counts: {again}"},
            )
            for split, count in counts.items()
        ),
        gxe.ExpectColumnValuesToBeInSet(
            column="label", value_set=classes, meta={"fix": "check CLASSES and the labels that read() gives"}
        ),
        *(
            gxe.ExpectColumnDistinctValuesToContainSet(
                column="label",
                value_set=classes,
                row_condition=Column("split") == split,
                meta={"fix": splitting},
            )
            for split in counts
        ),
        *(
            gxe.ExpectColumnValuesToBeBetween(
                column="class_share",
                min_value=class_share[0] - 1 / max(1, count),
                max_value=class_share[1] + 1 / max(1, count),
                row_condition=Column("split") == split,
                meta={"fix": f"a class is too rare or too common in its split: {splitting}"},
            )
            for split, count in counts.items()
        ),
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
            meta={"fix": f"too dim, or scaled twice: {reader}"},
        ),
        gxe.ExpectColumnPairValuesAToBeGreaterThanB(
            column_A="maximum", column_B="minimum", meta={"fix": f"the image is blank: {reader}"}
        ),
        gxe.ExpectColumnValuesToBeBetween(
            column="mean",
            min_value=mean[0],
            max_value=mean[1],
            meta={"fix": f"too dark or too bright: {reader}"},
        ),
        gxe.ExpectColumnValuesToMatchRegex(
            column="sha256", regex=r"^[0-9a-f]{64}$", meta={"fix": f"not a digest: {again}"}
        ),
        gxe.ExpectCompoundColumnsToBeUnique(
            column_list=["split", "sha256"], meta={"fix": f"equal images in one split: {cleaning}"}
        ),
        gxe.ExpectColumnValuesToBeInSet(
            column="splits_with_hash",
            value_set=[1],
            meta={"fix": f"an image stands in two splits, test has leaked: {cleaning}"},
        ),
    ]
