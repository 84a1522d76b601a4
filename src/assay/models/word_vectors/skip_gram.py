# SPDX-License-Identifier: Apache-2.0
"""Skip-gram with negative sampling: word vectors that predict the words near a word.

Source: Mikolov et al., "Distributed Representations of Words and Phrases and their Compositionality", NeurIPS 2013,
https://arxiv.org/abs/1310.4546. The noise is drawn from the batch's own words, once per batch for all of them; the
most common words are not subsampled.
"""

from __future__ import annotations

from typing import Annotated

import torch
from pydantic import Field
from torch import nn
from torch.nn import functional as F

from assay.data.special_tokens import MASK
from assay.models.capabilities import OneLength, OwnLoss
from assay.models.declaration import Network
from assay.models.layers.missing_word import known, near_mask, noise, only_words, unmasked
from assay.models.layers.word_embedding import HasWordVectors, WordEmbedding, cut


class SkipGram(nn.Module, OwnLoss, OneLength, HasWordVectors):
    """Two vectors per word, one as the word in the middle, one as a neighbour.

    Its ONNX graph accepts one length: the window is a constant in it.

    Args:
        vocabulary: number of ids: padding, unknown word, mask, then words by decreasing frequency.
        words: number of ids with their own vectors; rarer words count as unknown.
        width: size of a word vector.
        window: words on each side that count as near; the nearest weigh most.
        negatives: noise words per pair.
        noise: distinct noise words per batch, over which the negatives are averaged.
    """

    def __init__(
        self,
        *,
        vocabulary: int,
        words: Annotated[int, Field(ge=4)],
        width: Annotated[int, Field(ge=1)],
        window: Annotated[int, Field(ge=1)],
        negatives: Annotated[int, Field(ge=1)],
        noise: Annotated[int, Field(ge=1)],
    ) -> None:
        super().__init__()
        self.vocabulary, self.window, self.negatives, self.noise = vocabulary, window, negatives, noise
        self.embedding = WordEmbedding(min(words, vocabulary), width)
        self.beside = WordEmbedding(min(words, vocabulary), width)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """Map ids (N, T), with one masked word per text, to logits (N, vocabulary) of that word."""
        near = near_mask(ids, self.window)  # (N, T)
        around = (self.beside(ids) * near.unsqueeze(2)).sum(dim=1)  # (N, D)
        return only_words(around @ self.embedding.table.weight.T, self.vocabulary)

    def loss(self, ids: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Return the mean negative log-likelihood of pairs and noise in texts (N, T), with the masked word restored."""
        ids = known(cut(unmasked(ids, targets)), self.embedding.words)
        middle, beside = self.embedding(ids), self.beside(ids)  # (N, T, D)
        word = (ids > MASK).float()
        pairs, right = middle.new_zeros(()), middle.new_zeros(())
        weight = torch.zeros_like(word)  # of each word as the one in the middle
        for distance in range(1, min(self.window, ids.shape[1] - 1) + 1):
            share = (self.window - distance + 1) / self.window
            both = share * word[:, :-distance] * word[:, distance:]
            for first, second in ((middle, beside), (beside, middle)):
                scores = (first[:, :-distance] * second[:, distance:]).sum(dim=2)
                right = right + (both * F.logsigmoid(scores)).sum()
            weight[:, :-distance] += both
            weight[:, distance:] += both
            pairs = pairs + 2 * both.sum()
        drawn = noise(ids, self.noise)
        against = F.logsigmoid(-(middle @ self.beside.table(drawn).T)).mean(dim=2)  # (N, T)
        mean: torch.Tensor = -(right + self.negatives * (weight * against).sum()) / pairs.clamp(min=1.0)
        return mean


MODEL = Network(SkipGram, family="embeddings", signatures=("text -> missing word",))
