# SPDX-License-Identifier: Apache-2.0
"""Transformer encoder that predicts masked words: a small BERT before fine-tuning.

Source: Devlin et al., "BERT: Pre-training of Deep Bidirectional Transformers for Language Understanding", NAACL
2019, https://arxiv.org/abs/1810.04805, its masked words without its pairs of sentences. 15% of a text's words
are predicted; of these 80% are masked, 10% are replaced by a random word, 10% stay. The table of word vectors
serves as the output layer too (Press and Wolf, EACL 2017, https://arxiv.org/abs/1608.05859).
"""

from __future__ import annotations

from typing import Annotated

import torch
from pydantic import Field
from torch import nn
from torch.nn import functional as F

from assay.data.special_tokens import MASK, PADDING
from assay.models.capabilities import OwnLoss
from assay.models.declaration import Network
from assay.models.layers.missing_word import at_mask, known, only_words, unmasked
from assay.models.layers.text_encoder import TextEncoder
from assay.models.layers.word_embedding import HasWordVectors, WordEmbedding, cut

PREDICTED, MASKED, RANDOM = 0.15, 0.8, 0.1
"""Part of the words that are to be said; parts of these that are masked, and replaced."""


ROWS = 64
"""Words are judged a multiple of so many at once: each new shape of a product costs milliseconds to prepare."""


class Bert(nn.Module, OwnLoss, HasWordVectors):
    """Word vectors, encoder, Linear, GELU, normalisation, product with every word vector.

    Args:
        vocabulary: number of ids: padding, unknown word, mask, then words by decreasing frequency.
        shape: (T,), the ids of one text.
        words: number of ids with their own vector; rarer words count as unknown and are never predicted.
        width: size of a word vector; a multiple of ``heads``.
        depth: number of blocks.
        heads: attention heads per block.
        dropout: probability that a number is zeroed in training, of the input and of each branch.
        length: longest text of networks that start from this one; at least T.
    """

    def __init__(
        self,
        *,
        vocabulary: int,
        shape: tuple[int],
        words: Annotated[int, Field(ge=4)],
        width: Annotated[int, Field(ge=1)],
        depth: Annotated[int, Field(ge=1)],
        heads: Annotated[int, Field(ge=1)],
        dropout: Annotated[float, Field(ge=0, lt=1)],
        length: Annotated[int, Field(ge=1)],
    ) -> None:
        super().__init__()
        if length < shape[0]:
            raise ValueError(f"bert: length = {length} is less than the {shape[0]} words of a text")
        self.vocabulary = vocabulary
        self.embedding = WordEmbedding(min(words, vocabulary), width)
        self.encoder = TextEncoder(length=length, width=width, depth=depth, heads=heads, dropout=dropout)
        self.transform = nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.LayerNorm(width))
        self.bias = nn.Parameter(torch.zeros(self.embedding.words))

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """Map ids (N, T), with one masked word per text, to logits (N, vocabulary) of that word."""
        ids = cut(ids)
        states = self.encoder(self.embedding(ids), ids != PADDING)  # (N, T, D)
        return only_words(self._say(at_mask(states, ids)), self.vocabulary)

    def loss(self, ids: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Return the mean cross-entropy in nats of newly drawn words of the texts (N, T).

        Args:
            targets: (N,), the masked words of ``ids``, which are restored first.
        """
        ids = known(cut(unmasked(ids, targets)), self.embedding.words)
        chance = torch.rand(ids.shape, device=ids.device)
        predicted = (chance < PREDICTED) & (ids > MASK)
        seen = torch.where(predicted & (chance < PREDICTED * MASKED), MASK, ids)
        other = torch.randint_like(ids, MASK + 1, self.embedding.words)
        seen = torch.where(predicted & (chance >= PREDICTED * (1 - RANDOM)), other, seen)
        states = self.encoder(self.embedding(seen), ids != PADDING)
        predicted[0, 0] = True  # avoid a mean over nothing
        spare = -int(predicted.sum()) % ROWS
        logits = self._say(F.pad(states[predicted], (0, 0, 0, spare)))
        return F.cross_entropy(
            logits.float(), F.pad(ids[predicted], (0, spare), value=PADDING), ignore_index=PADDING
        )

    def _say(self, states: torch.Tensor) -> torch.Tensor:
        """Map states (M, D) to logits (M, words)."""
        # Not F.linear: the graph would share the table with the lookup, which the quantiser of 8 bits cannot part.
        scores: torch.Tensor = self.transform(states) @ self.embedding.table.weight.T
        return scores + self.bias


MODEL = Network(Bert, family="attention", signatures=("text -> missing word",))
