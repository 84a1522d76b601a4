# SPDX-License-Identifier: Apache-2.0
"""Beam search for models that generate token by token; a beam of one is greedy decoding.

A model with ``start`` and ``step`` is called for one word after the other and keeps a state; any other model
reads the growing text again for each word.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from assay.data.special_tokens import BEGIN, END, PADDING, UNKNOWN
from assay.models.capabilities import Steps

NEVER = (PADDING, UNKNOWN, BEGIN)
"""Ids that no model may write."""


class Rereading(Steps):
    """Adapts a predictor without steps: it reads the text so far again at every step.

    Args:
        predictor: its ``logits`` map ids (N, S + T) to (N, T' <= T, V).
        target_length: T.
    """

    def __init__(self, predictor: Any, target_length: int) -> None:
        self.predictor, self.target_length = predictor, target_length

    def start(self, source: Tensor) -> list[Tensor]:
        """Return the inputs (N, S + T), with an empty target, and the position of the next word (N,)."""
        empty = torch.full((len(source), self.target_length), PADDING, dtype=source.dtype)
        return [torch.cat([source, empty], dim=1), torch.zeros(len(source), dtype=torch.int64)]

    def step(self, words: Tensor, memory: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """Insert the words (N,) and return the logits of the next ones."""
        inputs, places = memory
        place = int(places[0])
        inputs = inputs.clone()
        inputs[:, inputs.shape[1] - self.target_length + place] = words
        outputs = self.predictor.outputs(inputs.numpy(), batch_size=len(inputs))
        return torch.from_numpy(outputs[:, place]), [inputs, places + 1]


def writer(predictor: Any, target_length: int) -> Steps:
    """Return the fastest way to generate with a predictor."""
    for able in (predictor, predictor.model):
        if isinstance(able, Steps):
            return able
    return Rereading(predictor, target_length)


@torch.inference_mode()
def search(writer: Steps, source: Tensor, *, beam: int, longest: int) -> NDArray[np.int64]:
    """Return the best hypothesis for each source: ids (N, longest), padded after END.

    Hypotheses are kept by their log-probability; at the end the best one per word is returned, END
    included (Wu et al. 2016, https://arxiv.org/abs/1609.08144, with alpha = 1), so that short ones are not
    preferred.

    Args:
        source: (N, S) ids.
        beam: number of hypotheses.
        longest: maximum number of words; longer hypotheses are truncated.

    Raises:
        ValueError: a logit is not finite.
    """
    num_items = len(source)
    memory = writer.start(source)
    words = torch.full((num_items,), BEGIN)
    texts = torch.full((num_items, 1, 0), PADDING)  # (N, beam, length)
    scores = torch.zeros(num_items, 1)  # (N, beam)
    for _ in range(longest):
        logits, memory = writer.step(words, memory)
        if not math.isfinite(logits.sum().item()):  # a tenth of the time that isfinite() of each takes
            raise ValueError("logits of a hypothesis are not finite")
        offered = _offers(logits, texts)  # (N, beam, V)
        kept = min(beam, offered.shape[1] * offered.shape[2])
        scores, places = (scores[:, :, None] + offered).flatten(1).topk(kept)  # (N, kept)
        parents, chosen = places // offered.shape[2], places % offered.shape[2]
        texts = torch.cat(
            [texts.gather(1, parents[:, :, None].expand(-1, -1, texts.shape[2])), chosen[:, :, None]], dim=2
        )
        rows = (parents + torch.arange(num_items)[:, None] * offered.shape[1]).flatten()
        memory, words = [part.index_select(0, rows) for part in memory], chosen.flatten()
        if ((chosen == END) | (chosen == PADDING)).all():
            break
    lengths = (texts != PADDING).sum(dim=2)
    best = (scores / lengths).argmax(dim=1)
    found = np.full((num_items, longest), PADDING, dtype=np.int64)
    found[:, : texts.shape[2]] = texts[torch.arange(num_items), best].numpy()
    return found


def _offers(logits: Tensor, texts: Tensor) -> Tensor:
    """Return the log-probability of each next word (N, beam, V); a finished text does not change."""
    log_probabilities = torch.log_softmax(logits.float(), dim=-1)
    log_probabilities[:, list(NEVER)] = -torch.inf
    offers = log_probabilities.view(*texts.shape[:2], -1)
    if texts.shape[2]:
        ended = (texts[:, :, -1] == END) | (texts[:, :, -1] == PADDING)
        offers[ended] = -torch.inf
        offers[..., PADDING] = torch.where(ended, 0.0, -torch.inf)
    return offers


def words_of(ids: NDArray[np.int64]) -> list[list[int]]:
    """Return each row's ids before its END."""
    return [[int(word) for word in row[: _length(row)]] for row in ids]


def _length(row: NDArray[np.int64]) -> int:
    ends = np.flatnonzero((row == END) | (row == PADDING))
    return int(ends[0]) if len(ends) else len(row)
