# SPDX-License-Identifier: Apache-2.0
"""Bidirectional LSTM with a conditional random field over the tags.

Source: Ma and Hovy, "End-to-end Sequence Labeling via Bi-directional LSTM-CNNs-CRF", ACL 2016,
https://arxiv.org/abs/1603.01354; Lample et al., "Neural Architectures for Named Entity Recognition", NAACL 2016,
https://arxiv.org/abs/1603.01360. Word vectors are learned from scratch, unlike theirs. The cost of a missed word is
that of Mohit et al., "Recall-Oriented Learning of Named Entities in Arabic Wikipedia", EACL 2012,
https://aclanthology.org/E12-1017.
"""

from __future__ import annotations

from typing import Annotated

import torch
from pydantic import Field
from torch import nn
from torch.nn import functional as F

from assay.models.capabilities import OneLength, OwnLoss, WarmStarts
from assay.models.declaration import Network
from assay.models.layers.crf import CRF
from assay.models.layers.word_reader import padded, without_padding
from assay.models.tagging.bilstm_tagger import BiLSTMTagger


class BiLSTMCRF(nn.Module, OwnLoss, WarmStarts, OneLength):
    """The network of ``bilstm_tagger``, and the scores of transitions between tags.

    Its ONNX graph accepts one length: the loop over the words is unrolled.

    Args:
        vocabulary: number of ids of words: 0 is padding, 1 the unknown word, then words by decreasing frequency.
        alphabet: number of ids of characters.
        num_classes: number of tags.
        words: number of ids with their own vector; rarer words count as unknown.
        width: size of a word vector.
        character_width: size of a character vector.
        filters: number of character features per word; with 0, characters are not read.
        hidden: units of each direction.
        dropout: probability that a number is zeroed in training, before and after the LSTM.
        recall_cost: added in training to the score of "no entity" at the words of entities, so that the others
            must win by more and fewer entities are missed where they are rarer in training; 0 is the plain
            likelihood.
    """

    STARTS = {"tagger.reader.embedding": "embedding"}

    def __init__(
        self,
        *,
        vocabulary: int,
        alphabet: int,
        num_classes: int,
        words: Annotated[int, Field(ge=3)],
        width: Annotated[int, Field(ge=1)],
        character_width: Annotated[int, Field(ge=1)],
        filters: Annotated[int, Field(ge=0)],
        hidden: Annotated[int, Field(ge=1)],
        dropout: Annotated[float, Field(ge=0, lt=1)],
        recall_cost: Annotated[float, Field(ge=0)],
    ) -> None:
        super().__init__()
        self.recall_cost = recall_cost
        self.tagger = BiLSTMTagger(
            vocabulary=vocabulary,
            alphabet=alphabet,
            num_classes=num_classes,
            words=words,
            width=width,
            character_width=character_width,
            filters=filters,
            hidden=hidden,
            dropout=dropout,
        )
        self.crf = CRF(num_classes)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Map words (N, T, 1 + L) to max-marginals (N, T, num_classes), whose maxima are the Viterbi path."""
        words, lengths = without_padding(inputs)
        scores = self.tagger.score(words, lengths).float()
        return padded(self.crf.max_marginals(scores, lengths), inputs.shape[1])

    def loss(self, inputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Return the negative log-likelihood in nats per word of the tags (N, T) of words (N, T, 1 + L).

        The cost is omitted in evaluation.
        """
        words, lengths = without_padding(inputs)
        scores, tags = self.tagger.score(words, lengths).float(), targets[:, : words.shape[1]]
        if self.training:
            missed = F.pad((tags > 0).unsqueeze(2).to(scores.dtype), (0, scores.shape[2] - 1))  # (N, T, K)
            scores = scores + self.recall_cost * missed
        return self.crf.nll(scores, tags, lengths).sum() / lengths.sum()


MODEL = Network(BiLSTMCRF, family="recurrent", signatures=("text -> tags",))
