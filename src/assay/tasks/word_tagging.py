# SPDX-License-Identifier: Apache-2.0
"""Word tagging: which class has each word of a sentence, such as its part of speech?

The primary metric is accuracy over words. The control that should lose assigns each word its most frequent tag.

The outputs are (N, T, K) scores of each word's tags, as in :mod:`assay.tasks.tagging`.
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from assay.data.items import in_memory
from assay.data.preparation.tagged import NO_TAG
from assay.data.special_tokens import UNKNOWN
from assay.tasks.classification_metrics import macro_f1
from assay.tasks.exhibits import ConfusionMatrix, Exhibit, Samples
from assay.tasks.metric import SummedMetric, counted, ratio, scores
from assay.tasks.protocol import Task
from assay.tasks.tagging import ACCURACY, SAMPLES, Sentences, Tagging

UNKNOWN_WORDS = ("unknown_correct", "unknown_words")
METRICS = {"unknown_accuracy": ("accuracy on unknown words", "%")}


class WordTagging(Tagging):
    """Maps words with their characters (N, T, 1 + L) to classes (N, T)."""

    primary_metrics = (
        ACCURACY,
        SummedMetric(
            "unknown_accuracy", "maximise", UNKNOWN_WORDS, counted(*UNKNOWN_WORDS), ratio, highest=1
        ),
    )
    watched = ACCURACY

    def metric_state(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the sums (3,) over sentences: cross-entropy in nats, words, and words with the correct tag."""
        nats = F.cross_entropy(
            outputs.flatten(0, 1), targets.flatten(), ignore_index=NO_TAG, reduction="sum"
        ).double()
        counts = ((targets != NO_TAG).sum(), (outputs.argmax(2) == targets).sum())
        return torch.stack([nats, *(count.double() for count in counts)])

    def compute_watched(self, sums: Tensor) -> tuple[float, float]:
        """Return the mean cross-entropy in nats and the accuracy from the sums (3,)."""
        nats, words, correct = sums.tolist()
        return nats / words, correct / words

    def compute_metrics(self, outputs: Tensor, split: Sentences) -> dict[str, float | None]:
        """Return all metrics of (N, T, K) scores; None for a metric that is undefined on the split."""
        real = split.targets != NO_TAG
        said, true = outputs.argmax(2)[real], split.targets[real]
        cross_entropy = F.cross_entropy(outputs[real].double(), true).item()
        return {
            **scores(self.primary_metrics, self.predictions(outputs, split)),
            "macro_f1": macro_f1(true.numpy(), said.numpy()),
            "cross_entropy": cross_entropy if math.isfinite(cross_entropy) else None,
        }

    def predictions(self, outputs: Tensor, split: Sentences) -> pd.DataFrame:
        """Return one row per sentence: its number, its words and those with the correct tag, the same of unknown words,
        and the predicted tags."""
        real, said = split.targets != NO_TAG, outputs.argmax(2)
        correct = (said == split.targets) & real
        unknown = (in_memory(split.inputs)[:, :, 0] == UNKNOWN) & real
        return pd.DataFrame(
            {
                "item": split.items,
                "correct": correct.sum(dim=1).numpy(),
                "words": real.sum(dim=1).numpy(),
                "unknown_correct": (correct & unknown).sum(dim=1).numpy(),
                "unknown_words": unknown.sum(dim=1).numpy(),
                "prediction": [_named(row, split, place) for place, row in enumerate(said)],
            }
        )

    def exhibits(self, outputs: Tensor, split: Sentences) -> list[Exhibit]:
        """Return the confusion matrix of tags, true in rows and predicted in columns, and the first sentences with
        their true and predicted tags."""
        real, said = split.targets != NO_TAG, outputs.argmax(2)
        samples = [
            {
                "given": " ".join(split.words[row]),
                "expected": _named(split.targets[row], split, row),
                "said": _named(said[row], split, row),
            }
            for row in range(min(SAMPLES, len(split.words)))
        ]
        counts = _confusion(said[real], split.targets[real], outputs.shape[2])
        return [ConfusionMatrix(counts.tolist()), Samples(samples)]


def _named(tags: Tensor, split: Sentences, row: int) -> str:
    """Return the names of the tags (T,) of a sentence, separated by spaces."""
    return " ".join(split.classes[tag] for tag in tags[: len(split.words[row])].tolist())


def _confusion(said: Tensor, true: Tensor, size: int) -> NDArray[np.int64]:
    """Return the counts (K, K) of words by true and predicted tag, from tags (W,)."""
    counts: NDArray[np.int64] = (true * size + said).bincount(minlength=size * size).view(size, size).numpy()
    return counts


TASK: Task[Sentences, Tensor] = WordTagging(
    signature="text -> tags",
    provides=("shape", "vocabulary", "alphabet", "num_classes"),
    controls=("most_frequent_tag",),
    metrics=("accuracy", "unknown_accuracy"),
)
