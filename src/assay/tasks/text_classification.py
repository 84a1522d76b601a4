"""Text classification: to which of K classes does a text belong?

The primary metric is accuracy. The control that should lose is the majority class.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import astuple
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from safetensors.torch import load_file
from torch import Tensor

from assay.data import loading
from assay.data.augmentation.text import augment
from assay.data.declarations import TextAugmentation
from assay.data.special_tokens import PADDING
from assay.data.splits import Split
from assay.files import read_json
from assay.tasks.classification import (
    PRIMARY,
    WATCHED,
    answer,
    exhibits,
    limit,
    loss,
    predictions,
    score,
    tally,
    watched,
)

__all__ = [
    "PRIMARY",
    "WATCHED",
    "answer",
    "augmenter",
    "exhibits",
    "limit",
    "load",
    "loss",
    "model_arguments",
]
__all__ += ["predictions", "score", "tally", "watched"]


def load(prepared: Path, splits: tuple[str, ...]) -> dict[str, Split]:
    """Read the named splits of a prepared dataset: token ids (N, T) int64, 0 after a text's end."""
    table = pd.read_parquet(prepared / "items.parquet", columns=["item", "split"])
    arrays = load_file(prepared / "arrays.safetensors")
    loaded = {}
    for split in splits:
        rows = torch.from_numpy(np.flatnonzero(table["split"] == split))  # (N,)
        items = table["item"].to_numpy(np.int64)[rows.numpy()]
        inputs = arrays["tokens"][rows].long()
        lengths = (inputs != PADDING).sum(dim=1)
        loaded[split] = Split(inputs, arrays["labels"][rows].long(), items, lengths)
    return loaded


def model_arguments(prepared: Path) -> dict[str, Any]:
    """Return what the data, not the user, tells a model."""
    facts = read_json(prepared / "prepared.json")
    return {
        "shape": tuple(facts["shape"]),
        "vocabulary": facts["vocabulary"],
        "num_classes": len(facts["classes"]),
    }


def augmenter(prepared: Path) -> Callable[[Tensor, torch.Generator], Tensor] | None:
    """Return how training batches are varied, as declared beside the dataset; None if they are not."""
    facts = read_json(prepared / "prepared.json")
    declared = loading.load(facts["dataset"]).augmentation
    if not isinstance(declared, TextAugmentation) or not any(astuple(declared)):
        return None
    return lambda batch, generator: augment(batch, declared, generator)
