# SPDX-License-Identifier: Apache-2.0
"""Warm starts: a network copies weights from another trained network.

A network's ``STARTS`` maps its parts to the parts of the other network from which they are initialised. Tables of word
vectors are copied word by word, since each dataset numbers its words itself; a word that the other network does not
know keeps its randomly initialised vector.
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
"""The name of a table of word vectors, one row per word, within its part."""


@dataclass(frozen=True)
class Start:
    """The weights of another trained network."""

    name: str
    """``task/model/seed``, for error messages."""
    weights: dict[str, Tensor]
    rows: Tensor
    """(V,) int64: for each word id of this dataset, the word's id in the other network; -1 for unknown words."""

    arguments: dict[str, Any] = field(default_factory=dict)
    """Further arguments for the class of a network that starts from it: none."""

    def into(self, model: nn.Module) -> None:
        """Overwrite, in place, the parts of ``model`` that its class lists in ``STARTS`` with this network's weights.

        Raises:
            ValueError: the class lists no parts, or this network has no such part, or has it with another shape.
        """
        parts = model.STARTS if isinstance(model, WarmStarts) else {}
        if not parts:
            raise ValueError(
                f"starts_from: {type(model).__name__} cannot start from another network, it has no STARTS"
            )
        with torch.no_grad():
            for here, there in parts.items():
                part = model.get_submodule(here)
                for name, weight in part.state_dict(keep_vars=True).items():
                    source = self.weights.get(f"{there}.{name}")
                    is_table = name == TABLE
                    if source is None or source.shape[is_table:] != weight.shape[is_table:]:
                        actual = "nothing" if source is None else f"shape {tuple(source.shape)}"
                        raise ValueError(
                            f"starts_from: {self.name} has {actual} for {here}.{name} of shape {tuple(weight.shape)};"
                            " give both rows the same widths and depths"
                        )
                    _copy(source, weight, self.rows[: len(weight)] if is_table else None)


def read(status: Path, prepared_there: Path, prepared_here: Path) -> Start:
    """Read the network of a training record, and the translation of its word ids.

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
        raise ValueError(f"{path}: not found; only models of text can start from another model")
    vocabulary: dict[str, int] = Tokenizer.from_file(str(path)).get_vocab()
    return vocabulary


def _copy(source: Tensor, weight: Tensor, rows: Tensor | None) -> None:
    if rows is None:
        weight.copy_(source)
        return
    known = (rows >= 0) & (rows < len(source))
    weight[known] = source[rows[known]]
