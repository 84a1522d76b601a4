# SPDX-License-Identifier: Apache-2.0
"""Masked words: which word is missing from a text? Other models can start from the trained weights.

The primary metric is accuracy. The control that should lose is the most frequent word. In training, the models mask
other words of the training texts themselves.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional as F

from assay.artifacts.predictors import Predictor, finite_outputs
from assay.data.special_tokens import MASK, PADDING
from assay.data.splits import Split, first_items
from assay.files import read_json
from assay.models.layers.word_embedding import HasWordVectors
from assay.tasks import token_ids
from assay.tasks.classification import ClassificationObjective
from assay.tasks.classification_metrics import ACCURACY
from assay.tasks.exhibits import Exhibit, Samples
from assay.tasks.metric import SummedMetric, averaged, ratio, scores
from assay.tasks.protocol import Augment, Declaration, Task

METRICS = {
    "top_5_accuracy": ("top 5 accuracy", "%"),
    "mean_reciprocal_rank": ("mean reciprocal rank", "%"),
}
TOP = 5
MISSING = "____"
"""The placeholder for the missing word in samples."""
SHOWN_TEXTS, SHOWN_WORDS, NEIGHBOURS = 4, 4, 6
RAREST = 400
"""Neighbours are shown of words spread evenly over this many of the most frequent words."""


@dataclass(frozen=True)
class Texts(Split):
    """Ids (N, T) with one mask per text, and the masked word (N,)."""

    words: tuple[str, ...] = ()
    """The vocabulary, by id."""


@dataclass(frozen=True)
class Answer:
    """A model's predictions."""

    logits: Tensor
    """(N, V)."""
    neighbours: list[tuple[int, list[int]]]
    """Some words, each with the words of the nearest vectors; empty if the model has no word vectors."""


def among_top(table: pd.DataFrame) -> NDArray[np.bool_]:
    """Return whether each missing word is among the ``TOP`` predicted ones, and ones: (N, 2)."""
    return np.stack([table["rank"] <= TOP, np.ones(len(table), bool)], axis=1)


def reciprocals(table: pd.DataFrame) -> NDArray[np.float64]:
    """Return the reciprocal of each missing word's rank, and ones: (N, 2)."""
    return np.stack([1 / table["rank"], np.ones(len(table))], axis=1)


class MaskedWords(Declaration, ClassificationObjective):
    """Maps token ids (N, T), one of each text masked, to the masked word."""

    primary_metrics = (
        ACCURACY,
        SummedMetric("top_5_accuracy", "maximise", ("rank",), among_top, ratio, highest=1),
        SummedMetric("mean_reciprocal_rank", "maximise", ("rank",), reciprocals, ratio, highest=1),
        SummedMetric("cross_entropy", "minimise", ("cross_entropy",), averaged("cross_entropy"), ratio),
    )

    def load(self, prepared: Path, splits: tuple[str, ...]) -> dict[str, Texts]:
        """Read the named splits of a prepared dataset."""
        words = vocabulary(prepared)
        return {
            name: Texts(texts.inputs, texts.labels, texts.items, texts.lengths, words)
            for name, texts in token_ids.read(prepared, splits)
        }

    def limit(self, split: Texts, count: int) -> Texts:
        """Return the first ``count`` items; all if there are fewer."""
        return first_items(split, count)

    def model_arguments(self, prepared: Path) -> dict[str, Any]:
        """Return the model arguments that depend on the data."""
        facts = read_json(prepared / "prepared.json")
        size = facts["vocabulary"]
        return {"shape": tuple(facts["shape"]), "vocabulary": size, "num_classes": size}

    def augmenter(self, prepared: Path) -> Augment | None:
        """Return None: the models mask other words themselves."""
        del prepared
        return None

    def predict(self, predictor: Predictor, split: Texts) -> Answer:
        """Return a model's predictions for all items of a split."""
        logits = finite_outputs(predictor, split.inputs, split.items)
        model = predictor.model
        has_vectors = isinstance(model, HasWordVectors)
        return Answer(logits, _neighbours(model.embedding.table.weight.detach()) if has_vectors else [])

    def compute_metrics(self, answer: Answer, split: Texts) -> dict[str, float | None]:
        """Return all metrics."""
        return scores(self.primary_metrics, self.predictions(answer, split))

    def predictions(self, answer: Answer, split: Texts) -> pd.DataFrame:
        """Return one row per item: its number, the missing word's id, the predicted word's id, the missing word's rank
        (1 is the best), and its cross-entropy in nats."""
        expected = answer.logits.gather(1, split.targets.unsqueeze(1))  # (N, 1)
        return pd.DataFrame(
            {
                "item": split.items,
                "target": split.targets.numpy(),
                "prediction": answer.logits.argmax(dim=1).numpy(),
                "rank": 1 + (answer.logits > expected).sum(dim=1).numpy(),
                "cross_entropy": F.cross_entropy(answer.logits, split.targets, reduction="none")
                .double()
                .numpy(),
            }
        )

    def exhibits(self, answer: Answer, split: Texts) -> list[Exhibit]:
        """Return samples: some texts, and some words with their neighbours."""
        predicted = answer.logits[:SHOWN_TEXTS].argmax(dim=1).tolist()
        shown = split.inputs[:SHOWN_TEXTS].tolist()
        samples = [
            {"given": _text(ids, split.words), "expected": split.words[target], "said": split.words[word]}
            for ids, target, word in zip(shown, split.targets.tolist(), predicted, strict=False)
        ]
        samples += [
            {
                "given": f"neighbours of {split.words[word]}",
                "expected": "",
                "said": ", ".join(split.words[n] for n in near),
            }
            for word, near in answer.neighbours
        ]
        return [Samples(samples)]


def vocabulary(prepared: Path) -> tuple[str, ...]:
    """Return the words of a prepared dataset's vocabulary, by id."""
    numbers = Tokenizer.from_file(str(prepared / "tokenizer.json")).get_vocab()
    return tuple(sorted(numbers, key=lambda word: numbers[word]))


def _text(ids: list[int], words: tuple[str, ...]) -> str:
    return " ".join(MISSING if number == MASK else words[number] for number in ids if number != PADDING)


def _neighbours(vectors: Tensor) -> list[tuple[int, list[int]]]:
    """Return some frequent words, each with its nearest neighbours by the cosine of their vectors (V, D)."""
    unit = F.normalize(vectors[MASK + 1 :], dim=1)  # without the special tokens
    shown = torch.linspace(0, min(RAREST, len(unit)) - 1, SHOWN_WORDS + 1).long()[1:]
    cosines = unit[shown] @ unit.T
    cosines[torch.arange(len(shown)), shown] = -torch.inf
    near = cosines.topk(min(NEIGHBOURS, len(unit) - 1), dim=1).indices + MASK + 1
    return list(zip((shown + MASK + 1).tolist(), near.tolist(), strict=True))


TASK: Task[Texts, Answer] = MaskedWords(
    signature="text -> missing word",
    provides=("shape", "vocabulary", "num_classes"),
    controls=("majority",),
    metrics=("accuracy", "top_5_accuracy", "mean_reciprocal_rank", "cross_entropy"),
)
