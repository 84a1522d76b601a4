# SPDX-License-Identifier: Apache-2.0
"""Weights that a network takes over from another one, which learned something else before.

A network says in ``STARTS`` which of its parts begin as which parts of the other network. Tables of word vectors are
taken over word by word, since each dataset numbers its words itself; a word that the other did not know keeps the
vector that was drawn for it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from torch import Tensor, nn

from assay.artifacts import store
from assay.data.special_tokens import PADDING, UNKNOWN
from assay.models.capabilities import WarmStarts
from assay.provenance import records

TOKENIZER = "tokenizer.json"
TABLE = "table.weight"
"""The name that a table of word vectors, a row a word, has within its part."""


@dataclass(frozen=True)
class Start:
    """What another network learned."""

    name: str
    """``task/model/seed``, for errors."""
    weights: dict[str, Tensor]
    rows: Tensor
    """(V,) int64: for each word id here, the word's id there; -1 if it was not known."""

    arguments: dict[str, Any] = field(default_factory=dict)
    """What the class of a network that starts from it is made with besides: nothing."""

    def into(self, model: nn.Module) -> None:
        """Overwrite, in place, the parts of ``model`` that its class says begin as this network's.

        Raises:
            ValueError: the class takes over nothing, or this network has no such part, or of another shape.
        """
        parts = model.STARTS if isinstance(model, WarmStarts) else {}
        if not parts:
            raise ValueError(f"starts_from: {type(model).__name__} takes over nothing from another network")
        with torch.no_grad():
            for here, there in parts.items():
                part = model.get_submodule(here)
                for name, weight in part.state_dict(keep_vars=True).items():
                    source = self.weights.get(f"{there}.{name}")
                    is_table = name == TABLE
                    if source is None or source.shape[is_table:] != weight.shape[is_table:]:
                        found = "nothing" if source is None else f"shape {tuple(source.shape)}"
                        raise ValueError(
                            f"starts_from: {self.name} has {found} for {here}.{name} of shape {tuple(weight.shape)};"
                            " give both rows the same widths and depths"
                        )
                    _copy(source, weight, self.rows[: len(weight)] if is_table else None)


def read(status: Path, prepared_there: Path, prepared_here: Path) -> Start:
    """Read the network that a record names, and how its word ids translate.

    Raises:
        ValueError: the network cannot be loaded.
    """
    record = records.require(status, "train")
    module = store.load_module(status.parent, record["artifact"])
    spec = record["spec"]
    words, known = (_words(path.parent / TOKENIZER) for path in (prepared_here, prepared_there))
    rows = torch.full((len(words),), -1)
    for word, number in words.items():
        rows[number] = known.get(word, known.get(word.lower(), -1))
    rows[[PADDING, UNKNOWN]] = torch.tensor([PADDING, UNKNOWN])
    return Start(f"{spec['task']}/{spec['model']}/{spec['seed']}", dict(module.state_dict()), rows)


def _words(path: Path) -> dict[str, int]:
    if not path.is_file():
        raise ValueError(f"{path}: not found; a model can start from another one on data with words alone")
    vocabulary: dict[str, int] = Tokenizer.from_file(str(path)).get_vocab()
    return vocabulary


def _copy(source: Tensor, weight: Tensor, rows: Tensor | None) -> None:
    if rows is None:
        weight.copy_(source)
        return
    known = (rows >= 0) & (rows < len(source))
    weight[known] = source[rows[known]]
