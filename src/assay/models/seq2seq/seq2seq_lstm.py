# SPDX-License-Identifier: Apache-2.0
"""LSTM encoder and decoder: the source is encoded as one vector.

Source: Sutskever, Vinyals, Le, "Sequence to Sequence Learning with Neural Networks", NIPS 2014,
https://arxiv.org/abs/1409.3215, with its turned-round source; the vector is given to the decoder at every step
rather than as its first state, as in Cho et al., EMNLP 2014, https://arxiv.org/abs/1406.1078.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, cast

import torch
from pydantic import Field
from torch import nn

from assay.data.special_tokens import PADDING
from assay.models.capabilities import Steps
from assay.models.declaration import Network
from assay.models.layers.dropout import Dropout
from assay.models.layers.recurrent import Layer, turned
from assay.models.layers.source_and_target import SharedVectors, parts
from assay.models.layers.word_embedding import cut


class Seq2SeqLSTM(nn.Module, Steps):
    """LSTM layers that read the source in reverse, as many for the target, one embedding table.

    Args:
        source_length: S, ids of a source.
        vocabulary: number of ids, of source and target alike.
        width: size of a word vector.
        hidden: units of each layer.
        layers: layers of the encoder, and of the decoder.
        dropout: probability that a number is zeroed in training, of the words' vectors, between layers and before
            the output.
        beam: number of hypotheses in decoding; 1 is greedy. Training does not depend on it.
    """

    def __init__(
        self,
        *,
        source_length: int,
        vocabulary: int,
        width: Annotated[int, Field(ge=1)],
        hidden: Annotated[int, Field(ge=1)],
        layers: Annotated[int, Field(ge=1)],
        dropout: Annotated[float, Field(ge=0, lt=1)],
        beam: Annotated[int, Field(ge=1, le=16)],
    ) -> None:
        super().__init__()
        del beam
        self.source_length = source_length
        self.vectors = SharedVectors(vocabulary, width)
        self.dropout = Dropout(dropout)
        sizes = [width] + [hidden] * (layers - 1)
        self.encoder = nn.ModuleList(Layer("lstm", size, hidden, bidirectional=False) for size in sizes)
        sizes = [width + hidden] + [hidden] * (layers - 1)
        self.decoder = nn.ModuleList(nn.LSTM(size, hidden, batch_first=True) for size in sizes)
        self.readout = nn.Linear(hidden, width)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Map ids (N, S + T) to logits (N, T', V), T' the longest target's ids."""
        source, target = parts(inputs, self.source_length)
        states = self.reminded(target, self.encode(source))
        for layer in self.decoder:
            states = self.dropout(layer(states)[0])
        return self.vectors.outputs(self.readout(states))

    def encode(self, source: torch.Tensor) -> torch.Tensor:
        """Map ids (N, S) to the state (N, hidden) after the first word, which is read last."""
        lengths = (source != PADDING).sum(dim=1).clamp(min=1)
        states = turned(self.vectors(source), lengths)
        end = states[:, 0]
        for layer in self.encoder:
            states, end = layer(self.dropout(states), lengths)
        return end

    def reminded(self, words: torch.Tensor, context: torch.Tensor) -> torch.Tensor:
        """Return the vectors of words (N, T), each followed by the source's (N, hidden)."""
        repeated = context[:, None].expand(-1, words.shape[1], -1)
        return torch.cat([self.dropout(self.vectors(words)), repeated], dim=2)

    def start(self, source: torch.Tensor) -> list[torch.Tensor]:
        """Return the state of decoding, each (N, hidden): the source's vector, then each layer's two states."""
        context = self.encode(cut(source))
        sizes = [layer.hidden_size for layer in cast(Iterable[nn.LSTM], self.decoder) for _ in range(2)]
        return [context, *[context.new_zeros(context.shape[0], size) for size in sizes]]

    def step(
        self, words: torch.Tensor, memory: list[torch.Tensor]
    ) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """Map the last words (N,) to logits (N, V) for the next ones, and the new state."""
        context, *kept = memory
        states, new_state = self.reminded(words[:, None], context), [context]
        for number, layer in enumerate(self.decoder):
            last = tuple(state[None].contiguous() for state in kept[2 * number : 2 * number + 2])
            states, (hidden, cell) = layer(states, last)
            new_state += [hidden[0], cell[0]]
        return self.vectors.outputs(self.readout(states))[:, 0], new_state


MODEL = Network(Seq2SeqLSTM, family="recurrent", signatures=("text -> text",))
