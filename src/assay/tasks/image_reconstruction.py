# SPDX-License-Identifier: Apache-2.0
"""Reconstruction: how well can an image be reconstructed from a short code?

No labels are needed: the target of an image is the image itself. The primary metric is the mean squared error of a
pixel, in units of the variance of the training pixels. The control that should lose is the mean image.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch import Tensor
from torch.nn import functional as F

from assay.artifacts.predictors import Predictor, finite_outputs
from assay.data.items import in_memory, rows_of
from assay.data.splits import Batch, Split, first_items
from assay.files import read_json
from assay.tasks import image_classification
from assay.tasks.exhibits import Exhibit, ImageGrid
from assay.tasks.metric import Metric, SummedMetric, averaged, ratio
from assay.tasks.protocol import Augment, Declaration, Task

METRICS = {"reconstruction_error": ("reconstruction error", "")}
SHOWN = 8
"""The number of test items in the grid."""


@dataclass(frozen=True)
class Unlabelled(Split):
    """Images that are their own targets; ``targets`` (N, 0) is empty."""

    def batch(self, rows: slice | Tensor) -> Batch:
        """Return the images of these rows, as inputs and as targets."""
        inputs = rows_of(self.inputs, rows)
        return Batch(inputs, inputs)


def unlabelled(split: Split) -> Unlabelled:
    """Return the images of a split without their labels."""
    return Unlabelled(split.inputs, torch.empty(len(split), 0), split.items)


class ImageReconstruction(Declaration):
    """Maps images (N, C, H, W) to images (N, C, H, W)."""

    primary_metrics = (
        SummedMetric(
            "reconstruction_error",
            "minimise",
            ("reconstruction_error",),
            averaged("reconstruction_error"),
            ratio,
        ),
    )
    watched = Metric("reconstruction_error", "minimise")

    def load(self, prepared: Path, splits: tuple[str, ...]) -> dict[str, Unlabelled]:
        """Read the named splits of a prepared dataset of images."""
        labelled = image_classification.TASK.load(prepared, splits)
        return {name: unlabelled(split) for name, split in labelled.items()}

    def limit(self, split: Unlabelled, count: int) -> Unlabelled:
        """Return the first ``count`` items; all if there are fewer."""
        return first_items(split, count)

    def model_arguments(self, prepared: Path) -> dict[str, Any]:
        """Return the model arguments that depend on the data."""
        return {"shape": tuple(read_json(prepared / "prepared.json")["shape"])}

    def augmenter(self, prepared: Path) -> Augment | None:
        """Return None: an augmented image would have to be its own target."""
        del prepared
        return None

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the mean squared error of a pixel."""
        return F.mse_loss(outputs, targets)

    def metric_state(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the sums (2,) over images: mean squared errors, images."""
        errors = errors_of(outputs, targets).sum()
        return torch.stack([errors, torch.full_like(errors, len(targets))])

    def compute_watched(self, sums: Tensor) -> tuple[float, float]:
        """Return the mean squared error, as loss and as metric, from the sums (2,)."""
        mean = (sums[0] / sums[1]).item()
        return mean, mean

    def predict(self, predictor: Predictor, split: Unlabelled) -> Tensor:
        """Return a model's reconstructions (N, C, H, W) of the images of a split."""
        return finite_outputs(predictor, split.inputs, split.items)

    def compute_metrics(self, answers: Tensor, split: Unlabelled) -> dict[str, float | None]:
        """Return the mean squared error of a pixel, and the share of the split's variance that is explained."""
        targets = in_memory(split.inputs).double()
        error = errors_of(answers, targets).mean().item()
        spread = (targets - targets.mean(dim=0)).square().mean().item()
        return {"reconstruction_error": error, "r2": 1 - error / spread if spread else None}

    def predictions(self, answers: Tensor, split: Unlabelled) -> pd.DataFrame:
        """Return one row per item: its number, and the mean squared error of its pixels."""
        errors = errors_of(answers, in_memory(split.inputs)).numpy()
        return pd.DataFrame({"item": split.items, "reconstruction_error": errors})

    def exhibits(self, answers: Tensor, split: Unlabelled) -> list[Exhibit]:
        """Return the first images and their reconstructions; the brightest input pixel is white."""
        inputs = in_memory(split.inputs)
        low, high = inputs.min(), inputs.max()
        rows = {"given": inputs, "reconstructed": answers}
        shares = {title: (images[:SHOWN].mean(dim=1) - low) / (high - low) for title, images in rows.items()}
        return [
            ImageGrid(
                {
                    title: (255 * share).round().clamp(0, 255).to(torch.int64).tolist()
                    for title, share in shares.items()
                }
            )
        ]


def errors_of(outputs: Tensor, targets: Tensor) -> Tensor:
    """Return the mean squared error of each item's pixels, (N,) float64."""
    return (outputs.double() - targets.double()).square().flatten(1).mean(dim=1)


TASK: Task[Unlabelled, Tensor] = ImageReconstruction(
    signature="image -> image",
    provides=("shape",),
    controls=("mean",),
    metrics=("reconstruction_error",),
)
