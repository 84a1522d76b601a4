# SPDX-License-Identifier: Apache-2.0
"""Cleaning of items of any kind: repeated items are dropped, with reasons, and splits are drawn.

Upstream's splits are kept; those that upstream does not have are held out by a strategy of
:mod:`assay.data.preparation.split_strategies`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from assay.data.preparation.split_strategies import Fold, Held, SplitStrategy, TestPart

if TYPE_CHECKING:
    import pandas as pd

SPLITS = ("train", "validation", "test")
_SHOWN_ITEMS = 20


def clean(
    digests: NDArray[np.object_],
    labels: NDArray[Any],
    split: NDArray[np.str_],
    *,
    noun: str,
    numbers: NDArray[np.int64] | None = None,
) -> tuple[NDArray[np.int64], list[dict[str, Any]]]:
    """Return the items to keep, in order, and records of the dropped ones with reasons.

    The first of equal items within a split is kept; if their labels differ, none is, since the correct label is
    unknown. An item of train or validation that is also in test is dropped from train or validation, so that
    test stays upstream's; then an item of train that is also in validation is dropped from train.

    Args:
        digests: (N,) hash of each item's content.
        labels: (N,) classes or numbers.
        split: (N,) upstream's split: ``train``, ``validation``, ``test``, or ``""`` if it has none.
        noun: the name of the content that equal items share, for the reasons: ``pixels``, ``text``.
        numbers: (N,) the numbers that the records name items by; None for their places, from 0.

    Returns:
        kept: (M,) the places of items, from 0, ascending.
        dropped: one record per reason and split: ``{reason, split, count, items: the first 20}``.

    Raises:
        ValueError: ``split`` holds another name.
    """
    unknown = np.flatnonzero(~np.isin(split, [*SPLITS, ""]))
    if len(unknown):
        raise ValueError(
            f"item {unknown[0]}, counted from 0 as the dataset's read() returns them, has the split"
            f" {str(split[unknown[0]])!r}; allowed are {', '.join(SPLITS)} or '' for none; fix read()"
        )
    import pandas as pd  # it takes half a second, and predicting a user's items does not need it

    items = pd.DataFrame({"digest": digests, "label": labels, "split": split}, index=numbers)
    equal_items = items.groupby(["split", "digest"], sort=False)["label"]
    conflicting = equal_items.transform("nunique") > 1
    repeated = items.duplicated(["split", "digest"]) & ~conflicting
    in_test = items[items["split"] == "test"].groupby("digest")["label"].agg(["min", "max"])
    leaking = (items["split"] == "train") & items["digest"].isin(in_test.index) & ~conflicting & ~repeated
    test_labels = in_test.reindex(items["digest"]).set_index(items.index)
    agreeing = (test_labels["min"] == items["label"]) & (test_labels["max"] == items["label"])
    reasons = {
        f"same {noun} as an earlier item of the split": repeated,
        f"same {noun} with different labels in the split": conflicting,
        "also in test": leaking & agreeing,
        "also in test, with another label": leaking & ~agreeing,
    }
    dropped = [
        {
            "reason": reason,
            "split": name or "all",
            "count": int((mask & (items["split"] == name)).sum()),
            "items": items.index[mask & (items["split"] == name)][:_SHOWN_ITEMS].tolist(),
        }
        for reason, mask in reasons.items()
        for name in sorted(items["split"].unique())
        if (mask & (items["split"] == name)).any()
    ]
    is_dropped = np.logical_or.reduce([mask.to_numpy() for mask in reasons.values()])
    kept = np.flatnonzero(~is_dropped)
    for leaky, held_out in (("validation", "test"), ("train", "validation")):
        kept, leaks = _drop_leaks(items, kept, leaky, held_out)
        dropped += leaks
    return kept, dropped


def _drop_leaks(
    items: pd.DataFrame, kept: NDArray[np.int64], leaky: str, held_out: str
) -> tuple[NDArray[np.int64], list[dict[str, Any]]]:
    """Return the items without those of one split that are also in a held out one, and records of the dropped ones."""
    left = items.iloc[kept]
    held = left.loc[left["split"] == held_out].set_index("digest")["label"]
    leaking = (left["split"] == leaky) & left["digest"].isin(held.index)
    agreeing = left["digest"].map(held) == left["label"]
    reason = f"also in {held_out}"
    masks = {reason: leaking & agreeing, f"{reason}, with another label": leaking & ~agreeing}
    dropped = [
        {
            "reason": reason,
            "split": leaky,
            "count": int(mask.sum()),
            "items": left.index[mask][:_SHOWN_ITEMS].tolist(),
        }
        for reason, mask in masks.items()
        if mask.any()
    ]
    return kept[~leaking.to_numpy()], dropped


class ImpossibleSplitError(ValueError):
    """The items cannot be split as requested; one line."""


def draw_split(
    upstream: NDArray[np.str_],
    strategy: SplitStrategy,
    seed: int,
    validation_fraction: float,
    test_fraction: TestPart,
    *,
    dataset: str,
) -> NDArray[np.str_]:
    """Return each item's split: upstream's validation and test, or items held out by a strategy.

    Test is held out first, then validation from the rest.

    Args:
        upstream: (N,) as in :func:`clean`; items without a split are in train or held out.
        validation_fraction: part of the items outside of test that goes to validation, unless upstream has validation.
        test_fraction: part of the items outside of upstream's validation that goes to test, unless upstream has test;
            a fraction of them, or a fold.

    Raises:
        ImpossibleSplitError: the strategy cannot split the items: a class has fewer than two, or a part would have
            none, or fewer items than classes; or a fold is requested of items whose test part upstream names.
    """
    split = upstream.astype("<U10")
    rest = np.flatnonzero((split != "validation") & (split != "test"))
    if not len(rest):
        raise ImpossibleSplitError(f"{dataset}: a split is not possible: upstream leaves no item to train on")
    split[rest] = "train"
    for name, part in (("test", test_fraction), ("validation", validation_fraction)):
        if name in upstream and not isinstance(part, Fold):
            continue
        try:
            if name in upstream:
                raise ValueError(
                    "the items' own split names those of test, so there are no folds; remove folds"
                )
            rest, held = _hold_out(strategy, rest, part, seed)
        except ValueError as error:
            raise ImpossibleSplitError(f"{dataset}: a split is not possible: {error}") from None
        split[held] = name
    return split


def _hold_out(strategy: SplitStrategy, rows: NDArray[np.int64], part: TestPart, seed: int) -> Held:
    if isinstance(part, Fold):
        return strategy.hold_out_fold(rows, part, seed)
    return strategy.hold_out(rows, part, seed)
