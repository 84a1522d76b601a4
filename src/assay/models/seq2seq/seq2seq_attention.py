# SPDX-License-Identifier: Apache-2.0
"""GRU encoder and decoder with additive attention.

Source: Bahdanau, Cho, Bengio, "Neural Machine Translation by Jointly Learning to Align and Translate", ICLR
2015, https://arxiv.org/abs/1409.0473. The decoder has two layers, as in Wu et al., "Google's Neural Machine
Translation System", 2016, https://arxiv.org/abs/1609.08144: the first reads the words before and asks the
source, the second reads the answer. So no training step waits for the attention of an earlier one. Copying as in
See et al., ACL 2017, https://arxiv.org/abs/1704.04368.
"""

from __future__ import annotations

from typing import Annotated

import torch
from pydantic import Field
from torch import nn

from assay.data.special_tokens import PADDING
from assay.models.capabilities import Steps
from assay.models.declaration import Network
from assay.models.layers.dropout import Dropout
from assay.models.layers.recurrent import Layer
from assay.models.layers.source_and_target import Copying, SharedVectors, parts
from assay.models.layers.word_embedding import cut


class AdditiveAttention(nn.Module):
    """Additive attention: a small network scores each word of the source for each state of the decoder."""

    def __init__(self, states: int, encoded: int, units: int) -> None:
        super().__init__()
        self.queries = nn.Linear(states, units)
        self.keys = nn.Linear(encoded, units, bias=False)
        self.score = nn.Linear(units, 1, bias=False)

    def forward(
        self, states: torch.Tensor, keys: torch.Tensor, encoded: torch.Tensor, real: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the context vectors (N, T, E) of states (N, T, D) over encoded (N, S, E), and the weights (N, T, S).

        Args:
            keys: (N, S, units), the output of ``self.keys`` for ``encoded``.
            real: (N, S), false where the source is padding.
        """
        met = torch.tanh(self.queries(states)[:, :, None] + keys[:, None])  # (N, T, S, units)
        scores = self.score(met).squeeze(-1)
        weights = torch.softmax(
            scores.masked_fill(~real[:, None], torch.finfo(scores.dtype).min), dim=-1
        )  # (N, T, S)
        return weights.to(encoded.dtype) @ encoded, weights


class Seq2SeqAttention(nn.Module, Steps):
    """Bidirectional GRU encoder, two GRU layers with attention between them, one embedding table.

    Args:
        source_length: S, ids of a source.
        vocabulary: number of ids, of source and target alike.
        width: size of a word vector.
        hidden: units of each layer and direction.
        attention: hidden units of the attention network.
        dropout: probability that a number is zeroed in training, of the words' vectors and before the output.
        copying: whether words of the source can be copied; the outputs are then log-probabilities.
        beam: number of hypotheses in decoding; 1 is greedy. Training does not depend on it.
    """

    def __init__(
        self,
        *,
        source_length: int,
        vocabulary: int,
        width: Annotated[int, Field(ge=1)],
        hidden: Annotated[int, Field(ge=1)],
        attention: Annotated[int, Field(ge=1)],
        dropout: Annotated[float, Field(ge=0, lt=1)],
        copying: bool,
        beam: Annotated[int, Field(ge=1, le=16)],
    ) -> None:
        super().__init__()
        del beam
        self.source_length = source_length
        self.vectors = SharedVectors(vocabulary, width)
        self.dropout = Dropout(dropout)
        self.encoder = Layer("gru", width, hidden, bidirectional=True)
        self.asking = nn.GRU(width, hidden, batch_first=True)
        self.attention = AdditiveAttention(hidden, 2 * hidden, attention)
        self.writing = nn.GRU(3 * hidden, hidden, batch_first=True)
        self.readout = nn.Sequential(nn.Linear(3 * hidden, width), nn.Tanh())
        self.copying = Copying(width) if copying else None

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Map ids (N, S + T) to logits or log-probabilities (N, T', V), T' the longest target's ids."""
        source, target = parts(inputs, self.source_length)
        encoded, keys, real = self.encode(source)
        queries, _ = self.asking(self.dropout(self.vectors(target)))
        context, weights = self.attention(queries, keys, encoded, real)
        written, _ = self.writing(torch.cat([queries, context], dim=2))
        return self.judge(written, context, weights, source)

    def encode(self, source: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Map ids (N, S) to states (N, S, 2 * hidden), their keys (N, S, units) and which are real (N, S)."""
        real = source != PADDING
        lengths = real.sum(dim=1).clamp(min=1)
        encoded, _ = self.encoder(self.dropout(self.vectors(source)), lengths)
        return encoded, self.attention.keys(encoded), real

    def judge(
        self, written: torch.Tensor, context: torch.Tensor, weights: torch.Tensor, source: torch.Tensor
    ) -> torch.Tensor:
        """Map states (N, T, hidden) and context vectors (N, T, 2 * hidden) to outputs (N, T, V)."""
        states = self.dropout(self.readout(torch.cat([written, context], dim=2)))
        logits = self.vectors.outputs(states)
        return logits if self.copying is None else self.copying(states, logits, weights, source)

    def start(self, source: torch.Tensor) -> list[torch.Tensor]:
        """Return the state of decoding, each (N, ...): the source's, then both layers' states (N, hidden)."""
        source = cut(source)
        encoded, keys, real = self.encode(source)
        empty = [
            encoded.new_zeros(source.shape[0], layer.hidden_size) for layer in (self.asking, self.writing)
        ]
        return [source, encoded, keys, real, *empty]

    def step(
        self, words: torch.Tensor, memory: list[torch.Tensor]
    ) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """Map the last words (N,) to outputs (N, V) for the next ones, and the new state."""
        source, encoded, keys, real, asking, writing = memory
        queries, asking = self.asking(self.vectors(words[:, None]), asking[None].contiguous())
        context, weights = self.attention(queries, keys, encoded, real)
        written, writing = self.writing(torch.cat([queries, context], dim=2), writing[None].contiguous())
        outputs = self.judge(written, context, weights, source)[:, 0]
        return outputs, [source, encoded, keys, real, asking[0], writing[0]]


MODEL = Network(Seq2SeqAttention, family="recurrent", signatures=("text -> text",))
