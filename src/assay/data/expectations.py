# SPDX-License-Identifier: Apache-2.0
"""What must hold of a table of items before anything trains on it, each expectation with a table that fails it.

The table has one row an item and columns that :func:`assay.data.validation.with_derived` adds: the number of splits in
which its content stands and, of labelled items, the share of the item's class in its split; of items in groups, the
number of splits in which its group stands; of items with a time, how many of a later split are not later. Great
Expectations costs seconds to import, hence the imports inside.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd
    from great_expectations.expectations import Expectation

SPLITTING = "check draw_split() in assay/data/preparation/cleaning.py and validation_fraction in params.yaml"
STRATEGIES = "check split_strategy and what read() returns in the dataset's file"
DERIVED = {
    "label": "class_share",
    "sha256": "splits_with_hash",
    "group": "splits_with_group",
    "time": "held_out_before",
}
"""By the column that it needs beside the split: a column that is derived for validation, in this order."""
AGAIN = "delete data/raw/<dataset> and data/prepared/<dataset> and run again"
CLEANING = "check clean() in assay/data/preparation/cleaning.py: it should have dropped these items"


@dataclass(frozen=True)
class Check:
    """An expectation, which carries in ``meta["fix"]`` what to do when it fails, and how to make it fail."""

    expectation: Expectation
    spoil: Callable[[pd.DataFrame], pd.DataFrame]
    """Changes a table that meets the expectation to one that does not: a check never seen to fail is no check."""


def put(column: str, value: Any) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """Return a change: the third row has another value."""

    def spoil(items: pd.DataFrame) -> pd.DataFrame:
        items = items.astype({column: object})
        items.loc[2, column] = value
        return items.infer_objects()

    return spoil


def between(column: str, least: float | None, most: float | None, *, bad: float, fix: str) -> Check:
    """Return that each value of a column lies between limits, None where there is none; ``bad`` is one outside."""
    import great_expectations.expectations as gxe

    rule = gxe.ExpectColumnValuesToBeBetween(
        column=column, min_value=least, max_value=most, meta={"fix": fix}
    )
    return Check(rule, put(column, bad))


def in_set(column: str, values: Iterable[Any], *, bad: Any, fix: str) -> Check:
    """Return that each value of a column is one of ``values``, of which ``bad`` is none."""
    import great_expectations.expectations as gxe

    rule = gxe.ExpectColumnValuesToBeInSet(column=column, value_set=list(values), meta={"fix": fix})
    return Check(rule, put(column, bad))


def mean_between(column: str, least: float, most: float, *, split: str, bad: float, fix: str) -> Check:
    """Return that the mean of a column over a split lies between limits; of items that all have ``bad`` it does not."""
    import great_expectations.expectations as gxe
    from great_expectations.expectations.conditions import Column

    rule = gxe.ExpectColumnMeanToBeBetween(
        column=column,
        min_value=least,
        max_value=most,
        row_condition=Column("split") == split,
        meta={"fix": fix},
    )
    return Check(
        rule, lambda items: items.assign(**{column: items[column].mask(items["split"] == split, bad)})
    )


def apart() -> Check:
    """Return that no group of items stands in two splits."""
    fix = f"a group stands in two splits, test has leaked: {STRATEGIES}"
    rule = in_set(DERIVED["group"], [1], bad=2, fix=fix).expectation
    return Check(rule, lambda items: _copy(items, "group", "train", "test"))


def in_order() -> Check:
    """Return that no training item is as late as a validation or test item, and no validation item as a test item."""
    fix = f"what is learned from is not earlier than what it is tested on: {STRATEGIES}"
    rule = between(DERIVED["time"], 0, 0, bad=1, fix=fix).expectation
    return Check(rule, lambda items: _copy(items, "time", "train", "test"))


def widen(limits: str) -> str:
    """Return what to do when an item is right and the limits of its dataset are not."""
    return f"if the data are right, widen {limits} in the dataset's file"


def of_table(
    counts: dict[str, int], own: Sequence[Check], *, facts: Sequence[str], nouns: tuple[str, str]
) -> list[Check]:
    """Return the checks of one dataset.

    Args:
        counts: items of each split.
        own: what must hold of this kind of item besides.
        facts: the table's columns, in order.
        nouns: what an item is: ``("an image", "images")``.
    """
    import great_expectations.expectations as gxe
    from great_expectations.expectations.conditions import Column

    derived = [name for fact, name in DERIVED.items() if fact in facts]
    columns = gxe.ExpectTableColumnsToMatchOrderedList(
        column_list=[*facts, *derived], meta={"fix": f"the table was written by other code: {AGAIN}"}
    )
    unique = gxe.ExpectColumnValuesToBeUnique(
        column="item", meta={"fix": f"items are numbered twice: {AGAIN}"}
    )
    digest = gxe.ExpectColumnValuesToMatchRegex(
        column="sha256", regex=r"^[0-9a-f]{64}$", meta={"fix": f"not a digest: {AGAIN}"}
    )
    equal = gxe.ExpectCompoundColumnsToBeUnique(
        column_list=["split", "sha256"], meta={"fix": f"equal {nouns[1]} in one split: {CLEANING}"}
    )
    leaked = gxe.ExpectColumnValuesToBeInSet(
        column="splits_with_hash",
        value_set=[1],
        meta={"fix": f"{nouns[0]} stands in two splits, test has leaked: {CLEANING}"},
    )
    return [
        Check(columns, lambda items: items[["split", "item", *items.columns[2:]]]),
        *(
            Check(
                gxe.ExpectColumnValuesToNotBeNull(column=column, meta={"fix": f"a fact is missing: {AGAIN}"}),
                put(column, None),
            )
            for column in facts
        ),
        Check(unique, put("item", 0)),
        in_set("split", counts, bad="holdout", fix=SPLITTING),
        *(
            Check(
                gxe.ExpectTableRowCountToEqual(
                    value=count,
                    row_condition=Column("split") == split,
                    meta={"fix": f"the {split} items are not those that prepared.json counts: {AGAIN}"},
                ),
                _without_first(split),
            )
            for split, count in counts.items()
        ),
        *own,
        Check(digest, put("sha256", "A" * 64)),
        Check(equal, lambda items: _copy(items, "sha256", "train", "train")),
        Check(leaked, lambda items: _copy(items, "sha256", "train", "test")),
    ]


def vocabulary(counts: dict[str, int], *, most_unknown: float, fix: str) -> list[Check]:
    """Return what must hold of the share of each item's tokens that training does not have.

    Args:
        counts: items of each split.
        most_unknown: largest mean of it over a split's items; over those of training it is zero.
        fix: where to look when the vocabulary is not that of the training items.
    """
    fixes = {
        split: f"the vocabulary is not that of the training items: {fix}"
        if split == "train"
        else f"too many unknown words: {fix}; {widen('most_unknown')}"
        for split in counts
    }
    return [
        between("unknown", 0, 1, bad=1.5, fix=f"not a share: {AGAIN}"),
        *(
            mean_between("unknown", 0, 0 if split == "train" else most_unknown, split=split, bad=1, fix=told)
            for split, told in fixes.items()
        ),
    ]


def encoding(reader: str) -> Check:
    """Return that no text holds signs of a wrong encoding; ``reader`` says where to look otherwise."""
    return in_set("odd", [0], bad=1, fix=f"control characters or U+FFFD, as of a wrong encoding: {reader}")


def of_texts(counts: dict[str, int], *, characters: tuple[int, int], most_unknown: float) -> list[Check]:
    """Return what must hold of texts, labelled or not.

    Args:
        counts: items of each split.
        characters: fewest and most characters of a text.
        most_unknown: as of :func:`vocabulary`.
    """
    reader = "check the dataset's read(): it should give upstream's texts, one an item, in their encoding"
    tokenizer = "check build_tokenizer() in assay/data/preparation/text.py"
    cut = f"a text was cut, or several are one: {reader}; {widen('characters')}"
    return [
        between("characters", *characters, bad=100_000, fix=cut),
        between("tokens", 1, None, bad=0, fix=f"a text without a token: {tokenizer}"),
        *vocabulary(counts, most_unknown=most_unknown, fix=tokenizer),
        encoding(reader),
    ]


def labels(counts: dict[str, int], *, num_classes: int, class_share: tuple[float, float]) -> list[Check]:
    """Return what must hold of labels.

    Args:
        counts: items of each split.
        class_share: smallest and largest part of a split that one class may have, give or take one item.
    """
    import great_expectations.expectations as gxe
    from great_expectations.expectations.conditions import Column

    classes = list(range(num_classes))
    known = "check classes and the labels that read() returns in the dataset's file"
    rare = f"a class is too rare or too common in its split: {SPLITTING}; {widen('class_share')}"
    return [
        in_set("label", classes, bad=num_classes, fix=known),
        *(
            Check(
                gxe.ExpectColumnDistinctValuesToContainSet(
                    column="label",
                    value_set=classes,
                    row_condition=Column("split") == split,
                    meta={"fix": SPLITTING},
                ),
                _without_last_class(split),
            )
            for split in counts
        ),
        *(
            Check(
                gxe.ExpectColumnValuesToBeBetween(
                    column="class_share",
                    min_value=class_share[0] - 1 / max(1, count),
                    max_value=class_share[1] + 1 / max(1, count),
                    row_condition=Column("split") == split,
                    meta={"fix": rare},
                ),
                _with_classes_as_one(split),
            )
            for split, count in counts.items()
        ),
    ]


def _without_first(split: str) -> Callable[[pd.DataFrame], pd.DataFrame]:
    return lambda items: items.drop(index=items.index[items["split"] == split][0])


def _without_last_class(split: str) -> Callable[[pd.DataFrame], pd.DataFrame]:
    return lambda items: items[(items["split"] != split) | (items["label"] != items["label"].max())]


def _with_classes_as_one(split: str) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """Return a change: the first three classes of a split, or both, count as one."""
    return lambda items: items.assign(
        label=items["label"].mask((items["split"] == split) & items["label"].isin([0, 2]), 1)
    )


def _copy(items: pd.DataFrame, column: str, first: str, second: str) -> pd.DataFrame:
    """Return a table where the last item of one split has in this column what the first item of another has."""
    here, there = items.index[items["split"] == first][0], items.index[items["split"] == second][-1]
    return items.assign(**{column: items[column].mask(items.index == there, items[column][here])})
