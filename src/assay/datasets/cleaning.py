"""What is done to items of any kind before they are used: repeats dropped with a reason, splits drawn."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

SPLITS = ("train", "validation", "test")
_SHOWN_ITEMS = 20


def clean(
    digests: NDArray[np.object_], labels: NDArray[np.int64], split: NDArray[np.str_], *, noun: str
) -> tuple[NDArray[np.int64], list[dict[str, Any]]]:
    """Return the items to keep, in order, and what was dropped and why.

    Of equal items inside a split the first is kept; where their labels differ none is, for nobody knows
    which label is right. An item of train that stands in test too is dropped from train, so that test
    stays upstream's.

    Args:
        digests: (N,) hash of each item's content.
        split: (N,) upstream's split.
        noun: what equal items have in common, as the reasons name it: ``pixels``, ``text``.

    Returns:
        kept: (M,) item numbers, ascending.
        dropped: one record a reason and split: ``{reason, split, count, items: the first 20}``.
    """
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
    return np.flatnonzero(~lost), dropped


def draw_split(
    upstream: NDArray[np.str_],
    labels: NDArray[np.int64],
    seed: int,
    validation_fraction: float,
    test_fraction: float,
) -> NDArray[np.str_]:
    """Return each item's split: upstream's test (or a drawn one), the rest into train and validation.

    Every part has the classes in nearly the same proportions.

    Raises:
        ValueError: a class has fewer than two items, or a part would have fewer items than classes.
    """
    from sklearn.model_selection import train_test_split  # 1.4 s, which ingestion and validation do not need

    split = upstream.astype("<U10")
    rest = np.flatnonzero(split != "test")
    if len(rest) == len(split):
        rest, test = train_test_split(rest, test_size=test_fraction, stratify=labels[rest], random_state=seed)
        split[test] = "test"
    train, validation = train_test_split(
        rest, test_size=validation_fraction, stratify=labels[rest], random_state=seed
    )
    split[train], split[validation] = "train", "validation"
    return split
