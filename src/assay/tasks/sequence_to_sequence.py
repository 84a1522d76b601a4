# SPDX-License-Identifier: Apache-2.0
"""Texts made of texts, of whatever kind: what every such task loads, learns and answers.

The inputs are one tensor (N, S + T): a source's ids, padded to S, then BEGIN and the target's ids, padded to T.
The targets (N, T) are the same ids with END behind them; padding is not learned.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
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
from assay.data import reading
from assay.data.items import in_memory
from assay.data.special_tokens import BEGIN, END, PADDING
from assay.data.splits import Split, first_items
from assay.files import read_json
from assay.models.generation.beam_search import search, words_of, writer
from assay.tasks.exhibits import Exhibit, Samples
from assay.tasks.metric import Metric
from assay.tasks.protocol import Augment, SmoothsLabels

METRICS = {
    "exact_match": ("exact match", "%"),
    "greedy_exact_match": ("greedy exact match", "%"),
    "perplexity": ("perplexity", ""),
}
ITEMS = 64
"""Items that are answered at once; all together, the logits of every word would need gigabytes."""
SAMPLES = 8


@dataclass(frozen=True)
class Pairs(Split):
    """Pairs of texts: as ids for a model, and as they are for who judges it."""

    sources: NDArray[np.object_] | None = None
    """(N,) texts, and likewise the next."""
    references: NDArray[np.object_] | None = None
    tokenizer: Tokenizer | None = None

    @property
    def target_length(self) -> int:
        """Return T."""
        return self.targets.shape[1]

    def take(self, rows: Tensor) -> Pairs:
        """Return the items of these rows (M,), in their order."""
        assert self.sources is not None
        assert self.references is not None
        kept = rows.numpy()
        return replace(super().take(rows), sources=self.sources[kept], references=self.references[kept])


@dataclass(frozen=True)
class Answer:
    """What a model says to the items of a split."""

    hypotheses: list[str]
    """N texts, as it wrote them on its own, by beam search where it has a beam."""
    greedy: list[str]
    """N texts, each word the best one after the words before."""
    surprise: NDArray[np.float64]
    """(N,) nats of the reference, END included, each word given the ones before."""
    words: NDArray[np.int64]
    """(N,) ids of the reference, END included."""


class SequenceToSequence(SmoothsLabels):
    """Texts to texts; each task adds its primary metric, its metrics and its table of predictions."""

    watched = Metric("cross_entropy", "minimise")
    """Not the primary metric: to write out every text of validation would cost more than to learn."""

    def load(self, prepared: Path, splits: tuple[str, ...]) -> dict[str, Pairs]:
        """Read the named splits of a prepared dataset."""
        arrays = reading.arrays(prepared)
        tokenizer = Tokenizer.from_file(str(prepared / "tokenizer.json"))
        loaded = {}
        for name, of in reading.split_rows(prepared, splits, ["source", "target"]).items():
            source, target = (torch.from_numpy(arrays[side][of.rows]).long() for side in ("source", "target"))
            inputs, targets, lengths = pack(source, target)
            texts = of.columns
            loaded[name] = Pairs(
                inputs, targets, of.items, lengths, texts["source"], texts["target"], tokenizer
            )
        return loaded

    def limit(self, split: Pairs, count: int) -> Pairs:
        """Return the first ``count`` pairs; all if there are fewer."""
        return first_items(split, count)

    def model_arguments(self, prepared: Path) -> dict[str, Any]:
        """Return the arguments that the data decide."""
        facts = read_json(prepared / "prepared.json")
        source, target = facts["shape"]
        return {"source_length": source, "target_length": target + 1, "vocabulary": facts["vocabulary"]}

    def augmenter(self, prepared: Path) -> Augment | None:
        """Return None: no dataset of pairs declares how its items could be varied."""
        del prepared
        return None

    def smoothed_loss(self, outputs: Tensor, targets: Tensor, label_smoothing: float) -> Tensor:
        """Return the mean cross-entropy in nats a word of outputs (N, T', V); targets (N, T) are padding after T'."""
        return F.cross_entropy(
            outputs.flatten(0, 1),
            targets[:, : outputs.shape[1]].flatten(),
            ignore_index=PADDING,
            label_smoothing=label_smoothing,
        )

    def metric_state(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the sums (2,) over words: cross-entropy in nats, words."""
        surprise = surprises(outputs, targets).sum().double()
        return torch.stack([surprise, (targets != PADDING).sum().double()])

    def compute_watched(self, sums: Tensor) -> tuple[float, float]:
        """Return the mean cross-entropy in nats a word from the sums (2,), as loss and as what is watched."""
        surprise, words = sums.tolist()
        return surprise / words, surprise / words

    def predict(self, predictor: Predictor, split: Pairs) -> Answer:
        """Return a model's answers to all items of a split, ``ITEMS`` at a time, those of like length together.

        Raises:
            ValueError: a logit is not finite.
        """
        assert split.tokenizer is not None
        lengths = split.lengths if split.lengths is not None else torch.zeros(len(split))
        source_length = split.inputs.shape[1] - split.target_length
        ask = writer(predictor, split.target_length)
        wide = int(predictor.arguments.get("beam", 1))
        written = {beam: [""] * len(split.items) for beam in (1, wide)}
        surprise = np.zeros(len(split.items))
        for rows in torch.split(lengths.argsort(stable=True), ITEMS):
            part = split.take(rows)
            outputs = finite_outputs(predictor, part.inputs, part.items)
            # As an array: NumPy takes a tensor of one number for that number.
            surprise[rows.numpy()] = surprises(outputs.float(), part.targets).double().sum(dim=1).numpy()
            for beam, texts in written.items():
                ids = search(
                    ask, in_memory(part.inputs)[:, :source_length], beam=beam, longest=split.target_length
                )
                for row, words in zip(rows.tolist(), words_of(ids), strict=True):
                    texts[row] = split.tokenizer.decode(words)
        return Answer(written[wide], written[1], surprise, (split.targets != PADDING).sum(dim=1).numpy())

    def exhibits(self, answer: Answer, split: Pairs) -> list[Exhibit]:
        """Return what the report shows beside numbers: the first items, what was expected and what was written."""
        assert split.sources is not None
        assert split.references is not None
        shown = zip(split.sources, split.references, answer.hypotheses, strict=True)
        samples = [{"given": given, "expected": expected, "said": said} for given, expected, said in shown]
        return [Samples(samples[:SAMPLES])]


def pack(source: Tensor, target: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return inputs (N, S + T), targets (N, T) and lengths (N,) of ids (N, S) and (N, T - 1).

    Items are alike in length by the longer of their two texts, then by both together: it leaves less padding than
    either text or their sum (benchmarks/padding.py).
    """
    begin, nothing = (torch.full((len(target), 1), word) for word in (BEGIN, PADDING))
    lengths = (target != PADDING).sum(dim=1, keepdim=True)  # (N, 1)
    targets = torch.cat([target, nothing], dim=1).scatter(1, lengths, END)
    inputs = torch.cat([source, begin, target], dim=1)
    both = torch.stack([lengths[:, 0], (source != PADDING).sum(dim=1)])  # (2, N)
    return inputs, targets, both.amax(dim=0) * inputs.shape[1] + lengths[:, 0]


def surprises(outputs: Tensor, targets: Tensor) -> Tensor:
    """Return the cross-entropy (N, T') of each word in nats, 0 where there is none."""
    kept = targets[:, : outputs.shape[1]]
    found = F.cross_entropy(outputs.flatten(0, 1), kept.flatten(), ignore_index=PADDING, reduction="none")
    return found.view(kept.shape)


def likelihoods(answer: Answer) -> dict[str, float]:
    """Return cross-entropy in nats a word and perplexity, of the dataset's tokens."""
    mean = float(answer.surprise.sum() / answer.words.sum())
    return {"cross_entropy": mean, "perplexity": float(np.exp(min(mean, 700.0)))}


def exact(hypotheses: list[str], split: Pairs) -> NDArray[np.bool_]:
    """Return for each item (N,) whether the hypothesis is the reference."""
    assert split.references is not None
    return np.array([ours == theirs for ours, theirs in zip(hypotheses, split.references, strict=True)])


def rows(answer: Answer, split: Pairs) -> pd.DataFrame:
    """Return one row an item: its number, what was written, whether it is right, how likely the reference is."""
    return pd.DataFrame(
        {
            "item": split.items,
            "hypothesis": answer.hypotheses,
            "exact_match": exact(answer.hypotheses, split),
            "surprise": answer.surprise,
            "words": answer.words,
        }
    )
