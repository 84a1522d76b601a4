# SPDX-License-Identifier: Apache-2.0
"""Tagging: which words of a sentence name which kind of entity?

The primary metric is entity F1, computed like conlleval: an entity is correct if its words and its type match exactly.
The control that should lose assigns each word its most frequent tag.

The outputs are (N, T, K) scores of each word's tags; the prediction is the tag with the highest score.
``cross_entropy`` is that of their softmax, in nats per word; it is not meaningful for models whose scores are not
log-probabilities (a conditional random field's max-marginals).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from assay.artifacts.predictors import Predictor, finite_outputs
from assay.data import loading, reading
from assay.data.augmentation.text import drop
from assay.data.declarations import TextAugmentation
from assay.data.preparation.tagged import NO_TAG
from assay.data.special_tokens import PADDING
from assay.data.splits import Split, first_items
from assay.files import read_json
from assay.tasks.entity_spans import f1, listed, shared
from assay.tasks.exhibits import ConfusionMatrix, Exhibit, Samples
from assay.tasks.metric import PrimaryMetric, SummedMetric, counted, ratio, scores
from assay.tasks.protocol import Augment, Declaration, ScoresValidation, SmoothsLabels, Task


def f1_of(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return F1 from sums of found, predicted and true entities, (..., 3); 0 if there are none."""
    return 2 * sums[..., 0] / np.maximum(sums[..., 1] + sums[..., 2], 1)


def precision_of(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the precision from sums of found and predicted entities, (..., 2); 0 if none are predicted."""
    return sums[..., 0] / np.maximum(sums[..., 1], 1)


COUNTS = ("found", "predicted", "gold")
ENTITY_F1 = SummedMetric("entity_f1", "maximise", COUNTS, counted(*COUNTS), f1_of, highest=1)
ACCURACY = SummedMetric(
    "accuracy", "maximise", ("correct", "words"), counted("correct", "words"), ratio, highest=1
)
SAMPLES = 8


@dataclass(frozen=True)
class Sentences(Split):
    """Tagged sentences: inputs (N, T, 1 + L) hold each word's id, shape and characters; targets (N, T) its tag, padded
    with NO_TAG."""

    words: tuple[tuple[str, ...], ...] = ()
    """Each sentence's words."""
    classes: tuple[str, ...] = ()
    """The names of the tags."""

    def take(self, rows: Tensor) -> Sentences:
        """Return the sentences of these rows (M,), in their order."""
        return replace(super().take(rows), words=tuple(self.words[row] for row in rows.tolist()))


METRICS = {
    "entity_f1": ("entity F1", "%"),
    "entity_precision": ("entity precision", "%"),
    "entity_recall": ("entity recall", "%"),
    "surface_f1": ("surface F1", "%"),
    "f1_{}": ("F1 of {}", "%"),
}


class Tagging(Declaration, SmoothsLabels, ScoresValidation):
    """Maps words with their characters (N, T, 1 + L) to tags (N, T)."""

    primary_metrics: tuple[PrimaryMetric, ...] = (
        ENTITY_F1,
        SummedMetric(
            "entity_precision", "maximise", COUNTS[:2], counted(*COUNTS[:2]), precision_of, highest=1
        ),
        SummedMetric("entity_recall", "maximise", COUNTS[::2], counted(*COUNTS[::2]), ratio, highest=1),
        ACCURACY,
    )
    watched = ENTITY_F1

    def load(self, prepared: Path, splits: tuple[str, ...]) -> dict[str, Sentences]:
        """Read the named splits of a prepared dataset."""
        arrays = reading.arrays(prepared)
        classes = tuple(read_json(prepared / "prepared.json")["classes"])
        loaded = {}
        for name, of in reading.split_rows(prepared, splits, ["text"]).items():
            ids, characters, tags = (
                torch.from_numpy(arrays[kind][of.rows]) for kind in ("words", "characters", "tags")
            )
            loaded[name] = Sentences(
                with_characters(ids, characters),
                tags.long(),
                of.items,
                (ids != PADDING).sum(dim=1),
                tuple(tuple(text.split(" ")) for text in of.columns["text"]),
                classes,
            )
        return loaded

    def limit(self, split: Sentences, count: int) -> Sentences:
        """Return the first ``count`` sentences; all if there are fewer."""
        return first_items(split, count)

    def model_arguments(self, prepared: Path) -> dict[str, Any]:
        """Return the model arguments that depend on the data."""
        facts = read_json(prepared / "prepared.json")
        return {
            "shape": tuple(facts["shape"]),
            "vocabulary": facts["vocabulary"],
            "alphabet": facts["alphabet"],
            "num_classes": len(facts["classes"]),
        }

    def augmenter(self, prepared: Path) -> Augment | None:
        """Return the augmentation of training batches that the dataset declares; None for no augmentation.

        A word that becomes unknown keeps its characters, like an out-of-vocabulary word.
        """
        facts = read_json(prepared / "prepared.json")
        declared = loading.of_prepared(facts).augmentation
        if not isinstance(declared, TextAugmentation) or not declared.drop:
            return None
        probability = declared.drop
        return lambda batch, generator: torch.cat(
            [drop(batch[:, :, 0], probability, generator).unsqueeze(2), batch[:, :, 1:]], dim=2
        )

    def smoothed_loss(self, outputs: Tensor, targets: Tensor, label_smoothing: float) -> Tensor:
        """Return the mean cross-entropy in nats per word of outputs (N, T, K) and targets (N, T)."""
        return F.cross_entropy(
            outputs.flatten(0, 1), targets.flatten(), ignore_index=NO_TAG, label_smoothing=label_smoothing
        )

    def metric_state(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the sums (5,) over sentences: cross-entropy in nats, words, found, predicted and true entities."""
        nats = F.cross_entropy(
            outputs.flatten(0, 1), targets.flatten(), ignore_index=NO_TAG, reduction="sum"
        ).double()
        counts = [(types > 0).sum().double() for types in _compare(outputs, targets)]
        return torch.stack([nats, (targets != NO_TAG).sum().double(), *counts])

    def compute_watched(self, sums: Tensor) -> tuple[float, float]:
        """Return the mean cross-entropy in nats and the entity F1 from the sums (5,)."""
        nats, words, *counts = sums.tolist()
        return nats / words, f1(*counts)

    def predict(self, predictor: Predictor, split: Sentences) -> Tensor:
        """Return a model's scores (N, T, K) for all sentences of a split."""
        return finite_outputs(predictor, split.inputs, split.items)

    def compute_metrics(self, outputs: Tensor, split: Sentences) -> dict[str, float | None]:
        """Return all metrics of (N, T, K) scores; None for a metric that is undefined on the split."""
        real = split.targets != NO_TAG
        found, predicted, gold = _compare(outputs, split.targets)
        values = scores(self.primary_metrics, self.predictions(outputs, split))
        values["surface_f1"] = _surface_f1(outputs, split)
        for number, name in enumerate(split.classes[1::2], start=1):
            of_type = [int((types == number).sum()) for types in (found, predicted, gold)]
            name = name.removeprefix("B-").replace("-", "_")
            values[f"f1_{name}"] = f1(*of_type) if of_type[2] else None
        cross_entropy = F.cross_entropy(outputs[real].double(), split.targets[real]).item()
        values["cross_entropy"] = cross_entropy if math.isfinite(cross_entropy) else None
        return values

    def predictions(self, outputs: Tensor, split: Sentences) -> pd.DataFrame:
        """Return one row per sentence: its number, counts of found, predicted and true entities, of words with the
        correct tag and of all words, and the predicted tags."""
        real = split.targets != NO_TAG
        found, predicted, gold = (
            (types > 0).sum(dim=1).numpy() for types in _compare(outputs, split.targets)
        )
        tags = [
            " ".join(split.classes[tag] for tag in row[: len(words)])
            for row, words in zip(outputs.argmax(2).tolist(), split.words, strict=True)
        ]
        return pd.DataFrame(
            {
                "item": split.items,
                "found": found,
                "predicted": predicted,
                "gold": gold,
                "correct": ((outputs.argmax(2) == split.targets) & real).sum(dim=1).numpy(),
                "words": real.sum(dim=1).numpy(),
                "prediction": tags,
            }
        )

    def exhibits(self, outputs: Tensor, split: Sentences) -> list[Exhibit]:
        """Return the confusion matrix of tags, true in rows and predicted in columns, and the first sentences with
        entities, with their true and predicted entities."""
        size, real = outputs.shape[2], split.targets != NO_TAG
        predicted, gold = _tags(outputs, split.targets)
        pairs = (gold * size + predicted)[real].bincount(minlength=size * size).view(size, size)
        found, expected = listed(predicted), listed(gold)
        rows = [row for row, entities in enumerate(expected) if entities][:SAMPLES]
        samples = [
            {
                "given": " ".join(split.words[row]),
                "expected": _describe(expected[row], row, split),
                "said": _describe(found[row], row, split),
            }
            for row in rows
        ]
        return [ConfusionMatrix(pairs.tolist()), Samples(samples)]


def with_characters(words: Tensor, characters: Tensor) -> Tensor:
    """Return the inputs (N, T, 1 + L) of a model from words' ids (N, T) and characters (N, T, L)."""
    return torch.cat([words.unsqueeze(2), characters], dim=2).long()


def _tags(outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Return the predicted and the true tags (N, T), padded with 0."""
    after = targets == NO_TAG
    return outputs.argmax(2).masked_fill(after, 0), targets.masked_fill(after, 0)


def _compare(outputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return the found, predicted and true entities in the form of :func:`assay.tasks.entity_spans.shared`."""
    return shared(*_tags(outputs, targets))


def _surface_f1(outputs: Tensor, split: Sentences) -> float:
    """Return the F1 of the set of distinct entities (words and type), so that a frequent one counts once.

    Source: Derczynski et al., W-NUT 2017, https://aclanthology.org/W17-4418.
    """
    forms = [
        {
            (kind, split.words[row][start:end])
            for row, entities in enumerate(listed(tags))
            for kind, start, end in entities
        }
        for tags in _tags(outputs, split.targets)
    ]
    return f1(len(forms[0] & forms[1]), len(forms[0]), len(forms[1]))


def _describe(entities: list[tuple[int, int, int]], row: int, split: Sentences) -> str:
    """Return a sentence's entities as text."""
    return "; ".join(
        f"{split.classes[2 * kind + 1].removeprefix('B-')}: {' '.join(split.words[row][start:end])}"
        for kind, start, end in entities
    )


TASK: Task[Sentences, Tensor] = Tagging(
    signature="text -> tags",
    provides=("shape", "vocabulary", "alphabet", "num_classes"),
    controls=("most_frequent_tag",),
    metrics=("entity_f1", "entity_precision", "entity_recall", "accuracy"),
)
