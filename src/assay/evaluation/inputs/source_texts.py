# SPDX-License-Identifier: Apache-2.0
"""A user's source texts to translate, rewrite or summarise."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import torch

from assay.artifacts.predictors import Predictor
from assay.evaluation.inputs import text
from assay.evaluation.inputs.parsing import texts
from assay.evaluation.inputs.parsing.items import Bad, Item
from assay.evaluation.inputs.parsing.sources import Source, Stream
from assay.evaluation.inputs.reader import Answer, Prepared, Reader
from assay.tasks.loading import load as load_task
from assay.tasks.sequence_to_sequence import Pairs, pack

SIGNATURE = "text -> text"

declared = text.declared


def reader(prepared: Prepared) -> Reader:
    """Return the reader of source texts."""
    return SourceTexts(prepared)


class SourceTexts:
    """Texts, fixed and truncated like the dataset's sources, and the texts that a model generates word by word."""

    columns = ("prediction",)
    suffixes = texts.SUFFIXES
    takes_text = True
    has_graph = False

    def __init__(self, prepared: Prepared) -> None:
        self.prepared, self.encoding = prepared, prepared.encoding
        self.texts = text.Texts(prepared)

    @cached_property
    def task(self) -> Any:
        """The task, which searches for the most likely text."""
        return load_task(self.prepared.kind)

    def items(self, source: Source, stream: Stream, column: str | None) -> Iterator[Item | Bad]:
        """Yield the texts of a source."""
        return texts.texts(source, stream, column)

    def answer(self, predictor: Predictor, items: Sequence[Item]) -> list[Answer]:
        """Return the generated text of each text."""
        length, target_length = self.prepared.facts["shape"]
        sources = [" ".join(self.texts.mend(item.value).split()) for item in items]
        source = torch.from_numpy(text.ids(self.texts.tokenizer, sources, length))
        inputs, targets, lengths = pack(source, torch.zeros(len(source), target_length, dtype=torch.int64))
        pairs = Pairs(
            inputs,
            targets,
            np.arange(1, len(sources) + 1),
            lengths,
            np.array(sources, object),
            np.full(len(sources), "", object),  # the targets are unknown
            self.texts.tokenizer,
        )
        return [(found,) for found in self.task.predict(predictor, pairs).hypotheses]
