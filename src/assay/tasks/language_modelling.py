# SPDX-License-Identifier: Apache-2.0
"""Language modelling: which character comes next?

The primary metric is bits per character, over all target characters of a split. The first characters of a window have
little context, so a value depends on the length of windows. The control that should lose is the unigram model.
Published values are in nats per character: compare them with cross_entropy.
"""

from __future__ import annotations

import math
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

from assay.artifacts.predictors import ModulePredictor, Predictor, finite_outputs
from assay.data import items, reading
from assay.data.preparation.characters import IGNORED
from assay.data.special_tokens import PADDING
from assay.data.splits import Split, first_items
from assay.files import read_json
from assay.models.capabilities import Generates
from assay.models.generation import sampling
from assay.tasks.exhibits import Exhibit, Samples
from assay.tasks.metric import SummedMetric, counted, perplexity, ratio, scores
from assay.tasks.protocol import Augment, Declaration, SmoothsLabels, Task


def bits(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return bits per character from summed nats and characters (..., 2)."""
    return ratio(sums) / math.log(2)


COUNTS = ("nats", "characters")
BITS = SummedMetric("bits_per_character", "minimise", COUNTS, counted(*COUNTS), bits)
SAMPLES = 4
SAMPLED = 128
"""The number of characters that a model generates after the first half of a window."""

METRICS = {"bits_per_character": ("bits per character", "")}


@dataclass(frozen=True)
class Windows(Split):
    """Windows of characters: ids (N, T), and the next id at each position (N, T), or -100 without a target."""

    tokenizer: Tokenizer | None = None
    """Converts ids to characters."""


@dataclass(frozen=True)
class Answer:
    """A model's predictions for the windows of a split."""

    nats: NDArray[np.float64]
    """(N,): the summed cross-entropy of each window's characters."""
    characters: NDArray[np.int64]
    """(N,): the number of target characters of each window."""
    predictor: Predictor
    """Generates the samples of the exhibits."""


class LanguageModelling(Declaration, SmoothsLabels):
    """Maps ids of characters (N, T) to the next ids (N, T)."""

    watched = BITS
    primary_metrics = (
        BITS,
        SummedMetric("perplexity", "minimise", COUNTS, counted(*COUNTS), perplexity),
        SummedMetric("cross_entropy", "minimise", COUNTS, counted(*COUNTS), ratio),
    )

    def load(self, prepared: Path, splits: tuple[str, ...]) -> dict[str, Windows]:
        """Read the named splits of a prepared dataset."""
        arrays = reading.arrays(prepared)
        tokenizer = Tokenizer.from_file(str(prepared / "tokenizer.json"))
        return {
            name: Windows(
                items.read(arrays["inputs"], of.rows, Tensor.long),
                torch.from_numpy(arrays["targets"][of.rows]).long(),
                of.items,
                tokenizer=tokenizer,
            )
            for name, of in reading.split_rows(prepared, splits).items()
        }

    def limit(self, split: Windows, count: int) -> Windows:
        """Return the first ``count`` windows; all if there are fewer."""
        return first_items(split, count)

    def model_arguments(self, prepared: Path) -> dict[str, Any]:
        """Return the model arguments that depend on the data."""
        facts = read_json(prepared / "prepared.json")
        return {"shape": tuple(facts["shape"]), "vocabulary": facts["vocabulary"]}

    def augmenter(self, prepared: Path) -> Augment | None:
        """Return None: every character is a target, so an augmented one would be learned."""
        del prepared
        return None

    def smoothed_loss(self, logits: Tensor, targets: Tensor, label_smoothing: float) -> Tensor:
        """Return the mean cross-entropy in nats of logits (N, T, V) and targets (N, T)."""
        return F.cross_entropy(
            logits.flatten(0, 1), targets.flatten(), ignore_index=IGNORED, label_smoothing=label_smoothing
        )

    def metric_state(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Return the sums (2,) over windows: nats, characters."""
        nats = _nats(logits, targets).double().sum()
        return torch.stack([nats, (targets != IGNORED).sum().double()])

    def compute_watched(self, sums: Tensor) -> tuple[float, float]:
        """Return nats and bits per character from the sums (2,)."""
        nats, characters = sums.tolist()
        return nats / characters, nats / characters / math.log(2)

    def predict(self, predictor: Predictor, split: Windows) -> Answer:
        """Return a model's predictions for all windows of a split."""
        logits = finite_outputs(predictor, split.inputs, split.items)
        nats = _nats(logits, split.targets).double().sum(dim=1)
        return Answer(nats.numpy(), (split.targets != IGNORED).sum(dim=1).numpy(), predictor)

    def compute_metrics(self, answer: Answer, split: Windows) -> dict[str, float | None]:
        """Return all metrics; None for a perplexity that is too large for a floating-point number."""
        return scores(self.primary_metrics, self.predictions(answer, split))

    def predictions(self, answer: Answer, split: Windows) -> pd.DataFrame:
        """Return one row per window: its number, the summed nats of its characters, and their number."""
        return pd.DataFrame({"item": split.items, "nats": answer.nats, "characters": answer.characters})

    def exhibits(self, answer: Answer, split: Windows) -> list[Exhibit]:
        """Return samples: first halves of windows with their second halves and the model's continuations, which are
        sampled with a fixed seed."""
        assert split.tokenizer is not None
        inputs = items.in_memory(split.inputs)
        whole = (inputs != PADDING).all(dim=1).nonzero().flatten()
        windows = inputs[whole[:: -(-len(whole) // SAMPLES) or 1]]  # (N, T), spread over the split
        prompts = windows[:, : windows.shape[1] // 2]
        said = sample(answer.predictor, prompts, SAMPLED, windows.shape[1])[:, prompts.shape[1] :]
        expected = windows[:, prompts.shape[1] :]
        texts = [split.tokenizer.decode_batch(ids.tolist()) for ids in (prompts, expected, said)]
        rows = zip(*texts, strict=True)
        return [Samples([dict(zip(("given", "expected", "said"), row, strict=True)) for row in rows])]


def sample(predictor: Predictor, prompts: Tensor, length: int, block: int) -> Tensor:
    """Return prompts (N, P) continued by ``length`` ids, with the model's own cached generation if it has one."""
    generator = torch.Generator().manual_seed(0)
    if isinstance(predictor, ModulePredictor) and isinstance(predictor.model, Generates):
        return predictor.model.generate(prompts, length, generator)
    return sampling.generate(
        lambda ids: torch.from_numpy(predictor.outputs(ids.numpy())), prompts, length, block, generator
    )


def _nats(logits: Tensor, targets: Tensor) -> Tensor:
    """Return the cross-entropy (N, T) of logits (N, T, V) at each position; 0 without a target."""
    return F.cross_entropy(logits.transpose(1, 2), targets, ignore_index=IGNORED, reduction="none")


TASK: Task[Windows, Answer] = LanguageModelling(
    signature="text -> next character",
    provides=("shape", "vocabulary"),
    controls=("unigram",),
    metrics=("bits_per_character", "perplexity", "cross_entropy"),
)
