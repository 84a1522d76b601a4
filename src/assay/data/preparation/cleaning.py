# SPDX-License-Identifier: Apache-2.0
"""Clean items of any kind before they are used: drop repeats, with a reason for each, and draw splits.

Upstream's split is used wherever upstream names one; what it does not name is held out by a strategy of
:mod:`assay.data.preparation.split_strategies`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from assay.data.preparation.split_strategies import SplitStrategy

SPLITS = ("train", "validation", "test")
_SHOWN_ITEMS = 20


def clean(
    digests: NDArray[np.object_], labels: NDArray[Any], split: NDArray[np.str_], *, noun: str
) -> tuple[NDArray[np.int64], list[dict[str, Any]]]:
    """Return the items to keep, in order, and what was dropped and why.

    Of equal items inside a split the first is kept; where their labels differ none is, for nobody knows
    which label is right. An item of train or validation that stands in test too is dropped from there, so that
    test stays upstream's; then one of train that stands in validation too is dropped from train.

    Args:
        digests: (N,) hash of each item's content.
        labels: (N,) classes or numbers.
        split: (N,) upstream's split: ``train``, ``validation``, ``test``, or ``""`` where it names none.
        noun: what equal items have in common, as the reasons name it: ``pixels``, ``text``.

    Returns:
        kept: (M,) item numbers, ascending.
        dropped: one record a reason and split: ``{reason, split, count, items: the first 20}``.

    Raises:
        ValueError: ``split`` holds another name.
    """
    unknown = np.flatnonzero(~np.isin(split, [*SPLITS, ""]))
    if len(unknown):
        raise ValueError(
            f"item {unknown[0]}, counted from 0 as the dataset's read() returns them, is of the split"
            f" {str(split[unknown[0]])!r}; allowed are {', '.join(SPLITS)} or '' for none; mend read()"
        )
    items = pd.DataFrame({"digest": digests, "label": labels, "split": split})
    alike = items.groupby(["split", "digest"], sort=False)["label"]
    conflicting = alike.transform("nunique") > 1
    repeated = items.duplicated(["split", "digest"]) & ~conflicting
    in_test = items[items["split"] == "test"].groupby("digest")["label"].agg(["min", "max"])
    leaking = (items["split"] == "train") & items["digest"].isin(in_test.index) & ~conflicting & ~repeated
    test_labels = in_test.reindex(items["digest"]).set_index(items.index)
    agreeing = (test_labels["min"] == items["label"]) & (test_labels["max"] == items["label"])
    reasons = {
        f"same {noun} as an earlier item of the split": repeated,
        f"same {noun} with different labels in the split": conflicting,
        "stands in test too": leaking & agreeing,
        "stands in test too, with another label": leaking & ~agreeing,
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
    lost = np.logical_or.reduce([mask.to_numpy() for mask in reasons.values()])
    kept = np.flatnonzero(~lost)
    for loser, keeper in (("validation", "test"), ("train", "validation")):
        kept, leaks = _drop_leaks(items, kept, loser, keeper)
        dropped += leaks
    return kept, dropped


def _drop_leaks(
    items: pd.DataFrame, kept: NDArray[np.int64], loser: str, keeper: str
) -> tuple[NDArray[np.int64], list[dict[str, Any]]]:
    """Return the items that stay where those of one split that stand in another are dropped, and what was."""
    left = items.iloc[kept]
    held = left.loc[left["split"] == keeper].set_index("digest")["label"]
    leaking = (left["split"] == loser) & left["digest"].isin(held.index)
    agreeing = left["digest"].map(held) == left["label"]
    reason = f"stands in {keeper} too"
    masks = {reason: leaking & agreeing, f"{reason}, with another label": leaking & ~agreeing}
    dropped = [
        {
            "reason": reason,
            "split": loser,
            "count": int(mask.sum()),
            "items": left.index[mask][:_SHOWN_ITEMS].tolist(),
        }
        for reason, mask in masks.items()
        if mask.any()
    ]
    return kept[~leaking.to_numpy()], dropped


def draw_split(
    upstream: NDArray[np.str_],
    strategy: SplitStrategy,
    seed: int,
    validation_fraction: float,
    test_fraction: float,
    *,
    dataset: str,
) -> NDArray[np.str_]:
    """Return each item's split: upstream's validation and test; what it does not name is held out by a strategy.

    Test is held out first, then validation from what is left.

    Args:
        upstream: (N,) as :func:`clean` takes it; all are train that it does not name.
        validation_fraction: part of what is left of test that goes to validation, unless upstream names validation.
        test_fraction: part of what is left of upstream's validation that goes to test, unless upstream names test.

    Raises:
        ValueError: the strategy cannot split the items: a class has fewer than two, or a part would have none, or
            fewer items than classes.
    """
    split = upstream.astype("<U10")
    rest = np.flatnonzero((split != "validation") & (split != "test"))
    if not len(rest):
        raise ValueError(f"{dataset}: a split is not possible: upstream leaves no item to train on")
    split[rest] = "train"
    for name, fraction in (("test", test_fraction), ("validation", validation_fraction)):
        if name in upstream:
            continue
        try:
            rest, held = strategy.hold_out(rest, fraction, seed)
        except ValueError as fault:
            raise ValueError(f"{dataset}: a split is not possible: {fault}") from None
        split[held] = name
    return split
