# SPDX-License-Identifier: Apache-2.0
"""GloVe: word vectors whose products are the logarithms of how often two words stand near each other.

Source: Pennington, Socher and Manning, "GloVe: Global Vectors for Word Representation", EMNLP 2014,
https://aclanthology.org/D14-1162, its weights, its 1/distance and its AdaGrad.
"""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from scipy import sparse
from torch import nn

from assay.data.special_tokens import MASK
from assay.models.declaration import Network
from assay.models.layers.missing_word import near_mask, only_words
from assay.models.layers.word_embedding import HasWordVectors, WordEmbedding

POWER = 0.75
BATCH = 16384


class GloVe(nn.Module, HasWordVectors):
    """Two vectors and two biases per word, with the same role; only the first vector is passed on.

    Args:
        vocabulary: number of ids: padding, unknown word, mask, then words by decreasing frequency.
        words: number of ids with their own vectors; rarer words are left out.
        width: size of a word vector.
        window: words on each side that count as near.
        cap: count above which pairs of words have the same weight.
        learning_rate: learning rate of AdaGrad.
        epochs: passes over the pairs.
        seed: of the initial vectors and the order of pairs.
    """

    def __init__(
        self,
        *,
        vocabulary: int,
        words: Annotated[int, Field(ge=4)],
        width: Annotated[int, Field(ge=1)],
        window: Annotated[int, Field(ge=1)],
        cap: Annotated[float, Field(gt=0)],
        learning_rate: Annotated[float, Field(gt=0)],
        epochs: Annotated[int, Field(ge=1)],
        seed: int,
    ) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.vocabulary, self.window, self.cap, self.seed = vocabulary, window, cap, seed
        self.learning_rate, self.epochs = learning_rate, epochs
        words = min(words, vocabulary)
        self.embedding, self.beside = WordEmbedding(words, width), WordEmbedding(words, width)
        self.bias, self.bias_beside = nn.Parameter(torch.zeros(words)), nn.Parameter(torch.zeros(words))
        self.history: list[dict[str, float]] = []

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """Map ids (N, T), with one masked word per text, to logits (N, vocabulary) of that word."""
        near = near_mask(ids, self.window)  # (N, T)
        around = (self.beside(ids) * near.unsqueeze(2)).sum(dim=1)  # (N, D)
        scores = around @ self.embedding.table.weight.T + near.sum(dim=1, keepdim=True) * self.bias
        return only_words(scores, self.vocabulary)

    def fit(self, inputs: NDArray[np.int64], targets: NDArray[np.int64]) -> None:
        """Fit the vectors to the pairs in the texts (N, T), the masked word of each, targets (N,), restored."""
        pairs = count_pairs(
            np.where(inputs == MASK, targets[:, None], inputs), self.window, self.embedding.words
        )
        rows, columns = torch.from_numpy(pairs.row).long(), torch.from_numpy(pairs.col).long()
        counts = torch.from_numpy(pairs.data).float()
        weights, logarithms = (counts / self.cap).clamp(max=1) ** POWER, counts.log()
        optimizer = torch.optim.Adagrad(self.parameters(), lr=self.learning_rate)
        generator = torch.Generator().manual_seed(self.seed)
        for epoch in range(self.epochs):
            total = 0.0
            for batch in torch.split(torch.randperm(len(counts), generator=generator), BATCH):
                first, second = rows[batch], columns[batch]
                products = (self.embedding.table(first) * self.beside.table(second)).sum(dim=1)
                wrong = products + self.bias[first] + self.bias_beside[second] - logarithms[batch]
                loss = (weights[batch] * wrong**2).sum()
                optimizer.zero_grad()
                (loss / len(batch)).backward()
                optimizer.step()
                total += loss.item()
            self.history.append({"epoch": epoch + 1, "train_loss": total / len(counts)})
        self.eval()


def count_pairs(ids: NDArray[np.int64], window: int, words: int) -> Any:
    """Return the symmetric counts (words, words) of known words near each other, 1/distance each, as COO."""
    total = sparse.csr_matrix((words, words))
    for distance in range(1, min(window, ids.shape[1] - 1) + 1):
        first, second = ids[:, :-distance].ravel(), ids[:, distance:].ravel()
        kept = (first > MASK) & (second > MASK) & (first < words) & (second < words)
        ones = np.full(int(kept.sum()), 1 / distance)
        total = total + sparse.csr_matrix((ones, (first[kept], second[kept])), shape=(words, words))
    return (total + total.T).tocoo()


MODEL = Network(GloVe, family="embeddings", signatures=("text -> missing word",), loop="estimator")
