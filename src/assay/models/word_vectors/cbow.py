# SPDX-License-Identifier: Apache-2.0
"""Continuous bag of words with negative sampling: the mean of word vectors predicts the word in their middle.

Source: Mikolov et al., "Efficient Estimation of Word Representations in Vector Space", 2013,
https://arxiv.org/abs/1301.3781, with the negative sampling of https://arxiv.org/abs/1310.4546; noise as in
:mod:`assay.models.word_vectors.skip_gram`.
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


class CBOW(nn.Module, OwnLoss, OneLength, HasWordVectors):
    """Two vectors per word, one as a neighbour, one as the word in the middle.

    Its ONNX graph accepts one length: the window is a constant in it.

    Args:
        vocabulary: number of ids: padding, unknown word, mask, then words by decreasing frequency.
        words: number of ids with their own vectors; rarer words count as unknown.
        width: size of a word vector.
        window: words on each side that are averaged.
        negatives: noise words per word.
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
        self.middle = WordEmbedding(min(words, vocabulary), width)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """Map ids (N, T), with one masked word per text, to logits (N, vocabulary) of that word."""
        near = near_mask(ids, self.window).unsqueeze(2)  # (N, T, 1)
        mean = (self.embedding(ids) * near).sum(dim=1) / near.sum(dim=1).clamp(min=1)  # (N, D)
        return only_words(mean @ self.middle.table.weight.T, self.vocabulary)

    def loss(self, ids: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Return the mean negative log-likelihood of words and noise in texts (N, T), with the masked word restored."""
        ids = known(cut(unmasked(ids, targets)), self.embedding.words)
        word = (ids > MASK).float().unsqueeze(2)  # (N, T, 1)
        around, count = self._sums(self.embedding(ids) * word), self._sums(word)
        mean = around / count.clamp(min=1)  # (N, T, D)
        counted = ((word > 0) & (count > 0)).squeeze(2)
        right = F.logsigmoid((mean * self.middle(ids)).sum(dim=2))  # (N, T)
        drawn = noise(ids, self.noise)
        against = F.logsigmoid(-(mean @ self.middle.table(drawn).T)).mean(dim=2)  # (N, T)
        terms = (right + self.negatives * against) * counted
        return -terms.sum() / counted.sum().clamp(min=1)

    def _sums(self, values: torch.Tensor) -> torch.Tensor:
        """Return for each position of (N, T, D) the sum over the window around it, without the position itself."""
        total = F.pad(values.cumsum(dim=1), (0, 0, self.window + 1, self.window))
        length = values.shape[1]
        # After its end a cumulative sum stays what it was.
        total[:, self.window + 1 + length :] = total[:, self.window + length : self.window + length + 1]
        return total[:, 2 * self.window + 1 :] - total[:, :length] - values


MODEL = Network(CBOW, family="embeddings", signatures=("text -> missing word",))
