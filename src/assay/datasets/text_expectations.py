"""What must hold of a table of text facts before anything trains on it.

The table has one row an item (:mod:`assay.datasets.text` writes it) and two columns that
:func:`assay.validation.with_derived` adds: the share of the item's class in its split, and the number of
splits in which its text stands. Great Expectations costs seconds to import, hence the import inside.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from great_expectations.expectations import Expectation

FACTS = ("item", "split", "label", "characters", "tokens", "unknown", "odd", "sha256", "text")
DERIVED = ("class_share", "splits_with_hash")


def build(
    counts: dict[str, int],
    *,
    num_classes: int,
    class_share: tuple[float, float],
    characters: tuple[int, int],
    most_unknown: float,
) -> list[Expectation]:
    """Return the expectations of one dataset; each carries in ``meta["fix"]`` what to do when it fails.

    Args:
        counts: items of each split.
        class_share: smallest and largest part of a split that one class may have, give or take one item.
        characters: fewest and most characters of a text.
        most_unknown: largest mean, over a split's items, of the share of tokens that training does not have.
    """
    import great_expectations.expectations as gxe
    from great_expectations.expectations.conditions import Column

    again = "delete data/raw/<dataset> and data/prepared/<dataset> and run again"
    reader = "check the dataset's read(): it should give upstream's texts, one an item, in their encoding"
    cleaning = "check clean() in assay/datasets/cleaning.py: it should have dropped these items"
    splitting = "check draw_split() in assay/datasets/cleaning.py and validation_fraction in params.yaml"
    tokenizer = "check build_tokenizer() in assay/datasets/text.py"
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
        gxe.ExpectColumnValuesToBeBetween(
            column="characters",
            min_value=characters[0],
            max_value=characters[1],
            meta={"fix": f"a text was cut, or several are one: {reader}"},
        ),
        gxe.ExpectColumnValuesToBeBetween(
            column="tokens", min_value=1, meta={"fix": f"a text without a token: {tokenizer}"}
        ),
        gxe.ExpectColumnValuesToBeBetween(
            column="unknown", min_value=0, max_value=1, meta={"fix": f"not a share: {again}"}
        ),
        *(
            gxe.ExpectColumnMeanToBeBetween(
                column="unknown",
                min_value=0,
                max_value=0 if split == "train" else most_unknown,
                row_condition=Column("split") == split,
                meta={"fix": f"the vocabulary is not that of the training items: {tokenizer}"},
            )
            for split in counts
        ),
        gxe.ExpectColumnValuesToBeInSet(
            column="odd",
            value_set=[0],
            meta={"fix": f"control characters or U+FFFD, as of a wrong encoding: {reader}"},
        ),
        gxe.ExpectColumnValuesToMatchRegex(
            column="sha256", regex=r"^[0-9a-f]{64}$", meta={"fix": f"not a digest: {again}"}
        ),
        gxe.ExpectCompoundColumnsToBeUnique(
            column_list=["split", "sha256"], meta={"fix": f"equal texts in one split: {cleaning}"}
        ),
        gxe.ExpectColumnValuesToBeInSet(
            column="splits_with_hash",
            value_set=[1],
            meta={"fix": f"a text stands in two splits, test has leaked: {cleaning}"},
        ),
    ]
