# SPDX-License-Identifier: Apache-2.0
"""Image classification: which of K classes does an image show?

The primary metric is accuracy. The control that should lose is the majority class.
"""

from __future__ import annotations

from dataclasses import astuple
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from assay.data import items, loading, reading
from assay.data.augmentation.images import augment
from assay.data.declarations import Augmentation
from assay.data.splits import Split
from assay.files import read_json
from assay.tasks.classification import Classification
from assay.tasks.protocol import Augment, Task


class ImageClassification(Classification):
    """Maps images (N, C, H, W) to classes."""

    def load(self, prepared: Path, splits: tuple[str, ...]) -> dict[str, Split]:
        """Read the named splits of a prepared dataset: (N, C, H, W) float32, normalised over the training items."""
        facts = read_json(prepared / "prepared.json")
        arrays = reading.arrays(prepared)
        return {
            name: Split(
                items.read(arrays["images"], of.rows, partial(normalised, facts=facts)),
                torch.from_numpy(arrays["labels"][of.rows]).long(),
                of.items,
            )
            for name, of in reading.split_rows(prepared, splits).items()
        }

    def model_arguments(self, prepared: Path) -> dict[str, Any]:
        """Return the model arguments that depend on the data."""
        facts = read_json(prepared / "prepared.json")
        return {"shape": tuple(facts["shape"]), "num_classes": len(facts["classes"])}

    def augmenter(self, prepared: Path) -> Augment | None:
        """Return the augmentation of training batches that the dataset declares; None for no augmentation."""
        facts = read_json(prepared / "prepared.json")
        declared = loading.of_prepared(facts).augmentation
        if not isinstance(declared, Augmentation) or not any(astuple(declared)):
            return None
        black = -facts["mean"] / facts["std"]
        return lambda batch, generator: augment(batch, declared, generator, black)


def normalised(images: Tensor, facts: dict[str, Any]) -> Tensor:
    """Return images (N, C, H, W) of bytes as float32, normalised with the mean and deviation in prepared.json."""
    return images.to(torch.float32).div_(255).sub_(facts["mean"]).div_(facts["std"])


TASK: Task[Split, Tensor] = ImageClassification(
    signature="image -> class",
    provides=("shape", "num_classes"),
    controls=("majority",),
    metrics=(
        "accuracy",
        "balanced_accuracy",
        "macro_precision",
        "macro_recall",
        "macro_f1",
        "auroc",
        "calibration_error",
        "cross_entropy",
    ),
)
