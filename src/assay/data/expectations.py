# SPDX-License-Identifier: Apache-2.0
"""The expectations of a table of items, checked before training; each comes with a way to make it fail.

The table has one row per item, with the derived columns of :func:`assay.data.validation.with_derived`. Great
Expectations takes seconds to import, so it is imported in the functions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
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
"""The derived columns, in order, by the column that each needs besides the split."""
AGAIN = "delete data/raw/<dataset> and data/prepared/<dataset> and run again"
CLEANING = "check clean() in assay/data/preparation/cleaning.py: it should have dropped these items"


@dataclass(frozen=True)
class Check:
    """An expectation, with a hint in ``meta["fix"]`` for when it fails, and a way to make it fail."""

    expectation: Expectation
    spoil: Callable[[pd.DataFrame], pd.DataFrame]
    """Changes a table that meets the expectation to one that does not, for tests: every check must be seen to fail."""


def put(column: str, value: Any) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """Return a change that sets a column of the third row to a value."""

    def spoil(items: pd.DataFrame) -> pd.DataFrame:
        items = items.astype({column: object})
        items.loc[2, column] = value
        return items.infer_objects()

    return spoil


def put_everywhere(column: str, value: Any) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """Return a change that sets a column of all rows to a value."""
    return lambda items: items.assign(**{column: value})


def between(column: str, least: float | None, most: float | None, *, bad: float, fix: str) -> Check:
    """Return the check that each value of a column is between limits, None for no limit; ``bad`` is one outside."""
    import great_expectations.expectations as gxe

    rule = gxe.ExpectColumnValuesToBeBetween(
        column=column, min_value=least, max_value=most, meta={"fix": fix}
    )
    return Check(rule, put(column, bad))


def in_set(column: str, values: Iterable[Any], *, bad: Any, fix: str, mostly: float = 1.0) -> Check:
    """Return the check that each value of a column is one of ``values``; ``bad`` is not.

    Args:
        mostly: the share of the values that must be, if not all.
    """
    import great_expectations.expectations as gxe

    rule = gxe.ExpectColumnValuesToBeInSet(
        column=column, value_set=list(values), mostly=mostly, meta={"fix": fix}
    )
    return Check(rule, (put if mostly == 1 else put_everywhere)(column, bad))


def matches(column: str, pattern: str, *, bad: str, fix: str) -> Check:
    """Return the check that each text of a column matches a regular expression; ``bad`` does not."""
    import great_expectations.expectations as gxe

    rule = gxe.ExpectColumnValuesToMatchRegex(column=column, regex=pattern, meta={"fix": fix})
    return Check(rule, put(column, bad))


def characters_between(column: str, least: int, most: int, *, fix: str) -> Check:
    """Return the check that each text of a column has between ``least`` and ``most`` characters."""
    import great_expectations.expectations as gxe

    rule = gxe.ExpectColumnValueLengthsToBeBetween(
        column=column, min_value=least, max_value=most, meta={"fix": fix}
    )
    return Check(rule, put(column, "x" * (most + 1)))


def present(column: str, *, missing: float = 0.0) -> Check:
    """Return the check that no more than a share of a column's values is missing."""
    import great_expectations.expectations as gxe

    fix = f"too many values are missing: {widen('missing')}" if missing else f"a fact is missing: {AGAIN}"
    rule = gxe.ExpectColumnValuesToNotBeNull(column=column, mostly=1 - missing, meta={"fix": fix})
    return Check(rule, (put_everywhere if missing else put)(column, None))


def mean_between(column: str, least: float, most: float, *, split: str, bad: float, fix: str) -> Check:
    """Return the check that the mean of a column over a split is between limits; ``bad`` is a mean outside."""
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
    """Return the check that no group of items is in two splits."""
    fix = f"a group is in two splits, test has leaked: {STRATEGIES}"
    rule = in_set(DERIVED["group"], [1], bad=2, fix=fix).expectation
    return Check(rule, lambda items: _copy(items, "group", "train", "test"))


def in_order() -> Check:
    """Return the check that training items are earlier than validation items, and these earlier than test items."""
    fix = f"training items are not earlier than test items: {STRATEGIES}"
    rule = between(DERIVED["time"], 0, 0, bad=1, fix=fix).expectation
    return Check(rule, lambda items: _copy(items, "time", "train", "test"))


def widen(limits: str) -> str:
    """Return the hint for correct data outside of the dataset's limits."""
    return f"if the data are correct, widen {limits} in the dataset's file"


def of_table(
    counts: dict[str, int],
    own: Sequence[Check],
    *,
    facts: Sequence[str],
    nouns: tuple[str, str],
    missing: Mapping[str, float] = MappingProxyType({}),
) -> list[Check]:
    """Return the checks of one dataset.

    Args:
        counts: the number of items of each split.
        own: the checks of this kind of item.
        facts: the table's columns, in order.
        nouns: the name of an item: ``("an image", "images")``.
        missing: the largest share of missing values, in [0, 1), of columns that may have any.
    """
    import great_expectations.expectations as gxe

    derived = [name for fact, name in DERIVED.items() if fact in facts]
    columns = gxe.ExpectTableColumnsToMatchOrderedList(
        column_list=[*facts, *derived], meta={"fix": f"the table was written by other code: {AGAIN}"}
    )
    return [
        Check(columns, lambda items: items[["split", "item", *items.columns[2:]]]),
        *(present(column, missing=missing.get(column, 0.0)) for column in facts),
        *_numbered(counts),
        *own,
        *_distinct(nouns),
    ]


def of_any_table(counts: dict[str, int], *, nouns: tuple[str, str]) -> list[Check]:
    """Return the checks that do not depend on the columns; arguments as in :func:`of_table`."""
    return [*_numbered(counts), *_distinct(nouns)]


def _numbered(counts: dict[str, int]) -> list[Check]:
    """Return the checks of the items' numbers and splits."""
    import great_expectations.expectations as gxe
    from great_expectations.expectations.conditions import Column

    unique = gxe.ExpectColumnValuesToBeUnique(
        column="item", meta={"fix": f"items are numbered twice: {AGAIN}"}
    )
    return [
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
    ]


def _distinct(nouns: tuple[str, str]) -> list[Check]:
    """Return the checks that no content is in a split twice, or in two splits."""
    import great_expectations.expectations as gxe

    digest = matches("sha256", r"^[0-9a-f]{64}$", bad="A" * 64, fix=f"not a digest: {AGAIN}")
    equal = gxe.ExpectCompoundColumnsToBeUnique(
        column_list=["split", "sha256"], meta={"fix": f"equal {nouns[1]} in one split: {CLEANING}"}
    )
    leaked = gxe.ExpectColumnValuesToBeInSet(
        column="splits_with_hash",
        value_set=[1],
        meta={"fix": f"{nouns[0]} is in two splits, test has leaked: {CLEANING}"},
    )
    return [
        digest,
        Check(equal, lambda items: _copy(items, "sha256", "train", "train")),
        Check(leaked, lambda items: _copy(items, "sha256", "train", "test")),
    ]


def vocabulary(counts: dict[str, int], *, max_oov_rate: float, fix: str) -> list[Check]:
    """Return the checks of the share of unknown tokens: those that are not in the training items.

    Args:
        counts: the number of items of each split.
        max_oov_rate: the largest mean over a split's items; over the training items it is zero.
        fix: a hint for when the vocabulary is not that of the training items.
    """
    fixes = {
        split: f"the vocabulary is not that of the training items: {fix}"
        if split == "train"
        else f"too many unknown words: {fix}; {widen('max_oov_rate')}"
        for split in counts
    }
    return [
        between("unknown", 0, 1, bad=1.5, fix=f"not a share: {AGAIN}"),
        *(
            mean_between("unknown", 0, 0 if split == "train" else max_oov_rate, split=split, bad=1, fix=hint)
            for split, hint in fixes.items()
        ),
    ]


def encoding(reader: str) -> Check:
    """Return the check that no text has signs of an incorrect encoding; ``reader`` is a hint where to look."""
    return in_set(
        "odd", [0], bad=1, fix=f"control characters or U+FFFD, signs of an incorrect encoding: {reader}"
    )


def of_texts(counts: dict[str, int], *, characters: tuple[int, int], max_oov_rate: float) -> list[Check]:
    """Return the checks of texts, labelled or not.

    Args:
        counts: the number of items of each split.
        characters: the smallest and largest number of characters of a text.
        max_oov_rate: as in :func:`vocabulary`.
    """
    reader = "check the dataset's read(): it should return upstream's texts, one per item, in their encoding"
    tokenizer = "check build_tokenizer() in assay/data/preparation/text.py"
    cut = f"a text was cut, or several are one: {reader}; {widen('characters')}"
    return [
        between("characters", *characters, bad=100_000, fix=cut),
        between("tokens", 1, None, bad=0, fix=f"a text without a token: {tokenizer}"),
        *vocabulary(counts, max_oov_rate=max_oov_rate, fix=tokenizer),
        encoding(reader),
    ]


def labels(counts: dict[str, int], *, num_classes: int, class_share: tuple[float, float]) -> list[Check]:
    """Return the checks of labels.

    Args:
        counts: the number of items of each split.
        class_share: the smallest and largest share of a split that one class may have, within one item.
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
    """Return a change that merges the first three classes of a split, or both."""
    return lambda items: items.assign(
        label=items["label"].mask((items["split"] == split) & items["label"].isin([0, 2]), 1)
    )


def _copy(items: pd.DataFrame, column: str, first: str, second: str) -> pd.DataFrame:
    """Return a table where the last item of one split has the value of the first item of another in this column."""
    here, there = items.index[items["split"] == first][0], items.index[items["split"] == second][-1]
    return items.assign(**{column: items[column].mask(items.index == there, items[column][here])})
