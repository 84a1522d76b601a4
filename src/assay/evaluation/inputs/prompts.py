# SPDX-License-Identifier: Apache-2.0
"""Beginnings of texts: the bits per character of each, and a continuation."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer

from assay.artifacts.predictors import Predictor
from assay.data.declarations import Dataset
from assay.data.preparation.characters import LongText, pair
from assay.evaluation.inputs.parsing import texts
from assay.evaluation.inputs.parsing.items import Bad, Item
from assay.evaluation.inputs.parsing.sources import Source, Stream
from assay.evaluation.inputs.reader import Answer, Prepared, Reader
from assay.tasks.language_modelling import SAMPLED, Windows, sample
from assay.tasks.loading import load as load_task

SIGNATURE = "text -> next character"


def declared(dataset: Dataset) -> dict[str, Any]:
    """Return nothing: texts are read as they are."""
    del dataset
    return {}


def reader(prepared: Prepared) -> Reader:
    """Return the reader of beginnings."""
    return Prompts(prepared)


class Prompts:
    """Beginnings of texts, their mean bits per character after the first, and continuations.

    Continuations are sampled with a fixed seed. A text of one character has no bits.
    """

    columns = ("bits_per_character", "continuation")
    suffixes = texts.SUFFIXES
    takes_text = True
    has_graph = False

    def __init__(self, prepared: Prepared) -> None:
        self.prepared, self.encoding = prepared, prepared.encoding
        self.tokenizer = Tokenizer.from_file(str(prepared.folder / "tokenizer.json"))

    @cached_property
    def task(self) -> Any:
        """The task, which computes the bits."""
        return load_task(self.prepared.kind)

    def items(self, source: Source, stream: Stream, column: str | None) -> Iterator[Item | Bad]:
        """Yield the texts of a source."""
        return texts.texts(source, stream, column)

    def answer(self, predictor: Predictor, items: Sequence[Item]) -> list[Answer]:
        """Return the bits per character and the continuation of each text."""
        windows = [LongText(item.value).windows() or [item.value] for item in items]
        owner = np.repeat(np.arange(len(items)), [len(each) for each in windows])
        ids = [
            encoding.ids for encoding in self.tokenizer.encode_batch([each for of in windows for each in of])
        ]
        inputs, targets = (torch.from_numpy(part).long() for part in pair(ids, ignored_targets=0))
        found = self.task.predict(predictor, Windows(inputs, targets, owner, tokenizer=self.tokenizer))
        nats, characters = (
            np.bincount(owner, weights=each, minlength=len(items)) for each in (found.nats, found.characters)
        )
        return [
            (
                nats[number] / characters[number] / math.log(2) if characters[number] else None,
                self._continuation(predictor, item.value, inputs.shape[1]),
            )
            for number, item in enumerate(items)
        ]

    def _continuation(self, predictor: Predictor, beginning: str, window: int) -> str:
        """Return the text that a model generates after a beginning."""
        prompt = torch.tensor([self.tokenizer.encode(beginning).ids])
        ids = sample(predictor, prompt, SAMPLED, window)[0, prompt.shape[1] :]
        text: str = self.tokenizer.decode(ids.tolist())
        return text
