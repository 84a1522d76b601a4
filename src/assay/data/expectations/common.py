"""What must hold of every table of items before anything trains on it, whatever the items are.

The table has one row an item and columns that :func:`assay.data.validation.with_derived` adds: the number of splits in
which its content stands and, of labelled items, the share of the item's class in its split. Great Expectations
costs seconds to import, hence the import inside.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from great_expectations.expectations import Expectation

SPLITTING = "check draw_split() in assay/data/preparation/cleaning.py and validation_fraction in params.yaml"
AGAIN = "delete data/raw/<dataset> and data/prepared/<dataset> and run again"


def widen(limits: str) -> str:
    """Return what to do when an item is right and the limits of its dataset are not."""
    return f"if the data are right, widen {limits} in the dataset's expectations()"


def derived(facts: Sequence[str]) -> list[str]:
    """Return the columns that are added to a table with these."""
    return [*(["class_share"] if "label" in facts else []), "splits_with_hash"]


def build(
    counts: dict[str, int], *, facts: Sequence[str], nouns: tuple[str, str], own: Sequence[Expectation]
) -> list[Expectation]:
    """Return the expectations of one dataset; each carries in ``meta["fix"]`` what to do when it fails.

    Args:
        counts: items of each split.
        facts: the table's columns, in order.
        nouns: what an item is: ``("an image", "images")``.
        own: what must hold of this kind of item besides.
    """
    import great_expectations.expectations as gxe
    from great_expectations.expectations.conditions import Column

    cleaning = "check clean() in assay/data/preparation/cleaning.py: it should have dropped these items"
    return [
        gxe.ExpectTableColumnsToMatchOrderedList(
            column_list=[*facts, *derived(facts)],
            meta={"fix": f"the table was written by other code: {AGAIN}"},
        ),
        *(
            gxe.ExpectColumnValuesToNotBeNull(column=column, meta={"fix": f"a fact is missing: {AGAIN}"})
            for column in facts
        ),
        gxe.ExpectColumnValuesToBeUnique(column="item", meta={"fix": f"items are numbered twice: {AGAIN}"}),
        gxe.ExpectColumnValuesToBeInSet(column="split", value_set=list(counts), meta={"fix": SPLITTING}),
        *(
            gxe.ExpectTableRowCountToEqual(
                value=count,
                row_condition=Column("split") == split,
                meta={"fix": f"the {split} items are not those that prepared.json counts: {AGAIN}"},
            )
            for split, count in counts.items()
        ),
        *own,
        gxe.ExpectColumnValuesToMatchRegex(
            column="sha256", regex=r"^[0-9a-f]{64}$", meta={"fix": f"not a digest: {AGAIN}"}
        ),
        gxe.ExpectCompoundColumnsToBeUnique(
            column_list=["split", "sha256"], meta={"fix": f"equal {nouns[1]} in one split: {cleaning}"}
        ),
        gxe.ExpectColumnValuesToBeInSet(
            column="splits_with_hash",
            value_set=[1],
            meta={"fix": f"{nouns[0]} stands in two splits, test has leaked: {cleaning}"},
        ),
    ]


def vocabulary(counts: dict[str, int], *, most_unknown: float, fix: str) -> list[Expectation]:
    """Return what must hold of the share of each item's tokens that training does not have.

    Args:
        counts: items of each split.
        most_unknown: largest mean of it over a split's items; over those of training it is zero.
        fix: where to look when the vocabulary is not that of the training items.
    """
    import great_expectations.expectations as gxe
    from great_expectations.expectations.conditions import Column

    return [
        gxe.ExpectColumnValuesToBeBetween(
            column="unknown", min_value=0, max_value=1, meta={"fix": f"not a share: {AGAIN}"}
        ),
        *(
            gxe.ExpectColumnMeanToBeBetween(
                column="unknown",
                min_value=0,
                max_value=0 if split == "train" else most_unknown,
                row_condition=Column("split") == split,
                meta={
                    "fix": f"the vocabulary is not that of the training items: {fix}"
                    if split == "train"
                    else f"too many unknown words: {fix}; {widen('most_unknown')}"
                },
            )
            for split in counts
        ),
    ]


def encoding(reader: str) -> Expectation:
    """Return that no text holds signs of a wrong encoding; ``reader`` says where to look otherwise."""
    import great_expectations.expectations as gxe

    return gxe.ExpectColumnValuesToBeInSet(
        column="odd",
        value_set=[0],
        meta={"fix": f"control characters or U+FFFD, as of a wrong encoding: {reader}"},
    )


def labels(
    counts: dict[str, int], *, num_classes: int, class_share: tuple[float, float]
) -> list[Expectation]:
    """Return what must hold of labels.

    Args:
        counts: items of each split.
        class_share: smallest and largest part of a split that one class may have, give or take one item.
    """
    import great_expectations.expectations as gxe
    from great_expectations.expectations.conditions import Column

    classes = list(range(num_classes))
    return [
        gxe.ExpectColumnValuesToBeInSet(
            column="label",
            value_set=classes,
            meta={"fix": "check CLASSES and the labels that read() returns in the dataset's file"},
        ),
        *(
            gxe.ExpectColumnDistinctValuesToContainSet(
                column="label",
                value_set=classes,
                row_condition=Column("split") == split,
                meta={"fix": SPLITTING},
            )
            for split in counts
        ),
        *(
            gxe.ExpectColumnValuesToBeBetween(
                column="class_share",
                min_value=class_share[0] - 1 / max(1, count),
                max_value=class_share[1] + 1 / max(1, count),
                row_condition=Column("split") == split,
                meta={
                    "fix": f"a class is too rare or too common in its split: {SPLITTING}; {widen('class_share')}"
                },
            )
            for split, count in counts.items()
        ),
    ]
