# SPDX-License-Identifier: Apache-2.0
"""Text classification: to which of K classes does a text belong?

The primary metric is accuracy. The control that should lose is the majority class.
"""

from __future__ import annotations

from dataclasses import astuple
from pathlib import Path
from typing import Any

from torch import Tensor

from assay.data import loading
from assay.data.augmentation.text import augment
from assay.data.declarations import TextAugmentation
from assay.data.splits import Split
from assay.files import read_json
from assay.tasks import token_ids
from assay.tasks.classification import Classification
from assay.tasks.protocol import Augment, Task


class TextClassification(Classification):
    """Maps token ids (N, T) to classes."""

    def load(self, prepared: Path, splits: tuple[str, ...]) -> dict[str, Split]:
        """Read the named splits of a prepared dataset: token ids (N, T) int64, padded with 0."""
        return {
            name: Split(texts.inputs, texts.labels, texts.items, texts.lengths)
            for name, texts in token_ids.read(prepared, splits)
        }

    def model_arguments(self, prepared: Path) -> dict[str, Any]:
        """Return the model arguments that depend on the data."""
        facts = read_json(prepared / "prepared.json")
        return {
            "shape": tuple(facts["shape"]),
            "vocabulary": facts["vocabulary"],
            "num_classes": len(facts["classes"]),
        }

    def augmenter(self, prepared: Path) -> Augment | None:
        """Return the augmentation of training batches that the dataset declares; None for no augmentation."""
        facts = read_json(prepared / "prepared.json")
        declared = loading.of_prepared(facts).augmentation
        if not isinstance(declared, TextAugmentation) or not any(astuple(declared)):
            return None
        return lambda batch, generator: augment(batch, declared, generator)


TASK: Task[Split, Tensor] = TextClassification(
    signature="text -> class",
    provides=("shape", "vocabulary", "num_classes"),
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
