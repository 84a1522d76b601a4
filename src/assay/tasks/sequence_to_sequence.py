# SPDX-License-Identifier: Apache-2.0
"""Loading, loss and predictions of the tasks that map texts to texts.

The inputs are one tensor (N, S + T): a source's ids, padded to S, then BEGIN and the target's ids, padded to T.
The targets (N, T) are the target's ids followed by END; padding is excluded from the loss.
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
from assay.tasks.metric import Metric, PrimaryMetric, SummedMetric, averaged, counted, perplexity, ratio
from assay.tasks.protocol import Augment, SmoothsLabels

METRICS = {
    "exact_match": ("exact match", "%"),
    "greedy_exact_match": ("greedy exact match", "%"),
    "perplexity": ("perplexity", ""),
}
EXACT_MATCH = SummedMetric(
    "exact_match", "maximise", ("exact_match",), averaged("exact_match"), ratio, highest=1
)
LIKELIHOODS: tuple[PrimaryMetric, ...] = (
    SummedMetric("perplexity", "minimise", ("surprise", "words"), counted("surprise", "words"), perplexity),
    SummedMetric("cross_entropy", "minimise", ("surprise", "words"), counted("surprise", "words"), ratio),
)
"""Per token of the dataset's tokenizer; the cross-entropy is in nats."""
ITEMS = 64
"""The number of items predicted at once; the logits of every word of all items would need gigabytes."""
SAMPLES = 8


@dataclass(frozen=True)
class Pairs(Split):
    """Pairs of texts: as ids for models, and as strings for metrics."""

    sources: NDArray[np.object_] | None = None
    """(N,) texts; ``references`` too."""
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
    """A model's predictions for the items of a split."""

    hypotheses: list[str]
    """N generated texts, by beam search if the model has a beam."""
    greedy: list[str]
    """N texts, generated greedily."""
    nats: NDArray[np.float64]
    """(N,) the summed cross-entropy of the reference's words, END included, each given the words before."""
    words: NDArray[np.int64]
    """(N,) the number of ids of the reference, END included."""


class SequenceToSequence(SmoothsLabels):
    """Maps texts to texts; each task adds its primary metric, its metrics and its table of predictions."""

    watched = Metric("cross_entropy", "minimise")
    """Not the primary metric: generating every text of validation would cost more than training."""

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
        """Return the model arguments that depend on the data."""
        facts = read_json(prepared / "prepared.json")
        source, target = facts["shape"]
        return {"source_length": source, "target_length": target + 1, "vocabulary": facts["vocabulary"]}

    def augmenter(self, prepared: Path) -> Augment | None:
        """Return None: no dataset of pairs declares an augmentation."""
        del prepared
        return None

    def smoothed_loss(self, outputs: Tensor, targets: Tensor, label_smoothing: float) -> Tensor:
        """Return the mean cross-entropy in nats per word of outputs (N, T', V); targets (N, T) are padding after T'."""
        return F.cross_entropy(
            outputs.flatten(0, 1),
            targets[:, : outputs.shape[1]].flatten(),
            ignore_index=PADDING,
            label_smoothing=label_smoothing,
        )

    def metric_state(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Return the sums (2,) over words: cross-entropy in nats, words."""
        nats = word_nats(outputs, targets).sum().double()
        return torch.stack([nats, (targets != PADDING).sum().double()])

    def compute_watched(self, sums: Tensor) -> tuple[float, float]:
        """Return the mean cross-entropy in nats per word from the sums (2,), as the loss and as the watched metric."""
        nats, words = sums.tolist()
        return nats / words, nats / words

    def predict(self, predictor: Predictor, split: Pairs) -> Answer:
        """Return a model's predictions for all items of a split, ``ITEMS`` of similar length at a time.

        Raises:
            ValueError: a logit is not finite.
        """
        assert split.tokenizer is not None
        lengths = split.lengths if split.lengths is not None else torch.zeros(len(split))
        source_length = split.inputs.shape[1] - split.target_length
        ask = writer(predictor, split.target_length)
        wide = int(predictor.arguments.get("beam", 1))
        written = {beam: [""] * len(split.items) for beam in (1, wide)}
        nats = np.zeros(len(split.items))
        for rows in torch.split(lengths.argsort(stable=True), ITEMS):
            part = split.take(rows)
            outputs = finite_outputs(predictor, part.inputs, part.items)
            # As an array: NumPy treats a tensor of one number as a scalar.
            nats[rows.numpy()] = word_nats(outputs.float(), part.targets).double().sum(dim=1).numpy()
            for beam, texts in written.items():
                ids = search(
                    ask, in_memory(part.inputs)[:, :source_length], beam=beam, longest=split.target_length
                )
                for row, words in zip(rows.tolist(), words_of(ids), strict=True):
                    texts[row] = split.tokenizer.decode(words)
        return Answer(written[wide], written[1], nats, (split.targets != PADDING).sum(dim=1).numpy())

    def exhibits(self, answer: Answer, split: Pairs) -> list[Exhibit]:
        """Return samples: the first items with their references and the generated texts."""
        assert split.sources is not None
        assert split.references is not None
        shown = zip(split.sources, split.references, answer.hypotheses, strict=True)
        samples = [{"given": given, "expected": expected, "said": text} for given, expected, text in shown]
        return [Samples(samples[:SAMPLES])]


def pack(source: Tensor, target: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return inputs (N, S + T), targets (N, T) and lengths (N,) of ids (N, S) and (N, T - 1).

    The lengths, for batches of similar items, order by the longer of an item's two texts, then by the target: this
    leaves less padding than either text or their sum (benchmarks/padding.py).
    """
    begin, nothing = (torch.full((len(target), 1), word) for word in (BEGIN, PADDING))
    lengths = (target != PADDING).sum(dim=1, keepdim=True)  # (N, 1)
    targets = torch.cat([target, nothing], dim=1).scatter(1, lengths, END)
    inputs = torch.cat([source, begin, target], dim=1)
    both = torch.stack([lengths[:, 0], (source != PADDING).sum(dim=1)])  # (2, N)
    return inputs, targets, both.amax(dim=0) * inputs.shape[1] + lengths[:, 0]


def word_nats(outputs: Tensor, targets: Tensor) -> Tensor:
    """Return the cross-entropy (N, T') of each word in nats; 0 for padding."""
    kept = targets[:, : outputs.shape[1]]
    nats = F.cross_entropy(outputs.flatten(0, 1), kept.flatten(), ignore_index=PADDING, reduction="none")
    return nats.view(kept.shape)


def exact(hypotheses: list[str], split: Pairs) -> NDArray[np.bool_]:
    """Return whether each hypothesis equals its reference, (N,)."""
    assert split.references is not None
    return np.array([ours == theirs for ours, theirs in zip(hypotheses, split.references, strict=True)])


def rows(answer: Answer, split: Pairs) -> pd.DataFrame:
    """Return one row per item: its number, the generated text, whether it is correct, the nats of the reference."""
    return pd.DataFrame(
        {
            "item": split.items,
            "hypothesis": answer.hypotheses,
            "exact_match": exact(answer.hypotheses, split),
            "surprise": answer.nats,
            "words": answer.words,
        }
    )
