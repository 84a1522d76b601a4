# SPDX-License-Identifier: Apache-2.0
"""Named entities in tags: what a sentence's tags say, and how many entities two taggings share.

Tags are numbered ``O`` = 0, ``B-x`` = 2 i + 1, ``I-x`` = 2 i + 2 for the entity type number i. As in the
evaluation of CoNLL-2000, an ``I-x`` that follows neither ``B-x`` nor ``I-x`` begins an entity, and an entity is
right if its first word, its last word and its type are.

Source: Tjong Kim Sang, Buchholz, "Introduction to the CoNLL-2000 Shared Task: Chunking", CoNLL 2000,
https://aclanthology.org/W00-0726, and its program conlleval.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def spans(tags: Tensor) -> tuple[Tensor, Tensor]:
    """Return where entities begin, and where they end.

    Args:
        tags: (N, T); what follows a sentence's end is 0.

    Returns:
        types: (N, T), 1 + the type's number where an entity begins, else 0.
        ends: (N, T), at each such place the place of the entity's last word.
    """
    types = (tags + 1) // 2  # (N, T), 0 outside of entities
    before = F.pad(types[:, :-1], (1, 0))
    begins = (types > 0) & ((tags % 2 == 1) | (types != before))
    goes_on = F.pad(
        ((types > 0) & ~begins)[:, 1:], (0, 1)
    )  # whether the next word belongs to the same entity
    last = torch.where(goes_on, tags.shape[1], torch.arange(tags.shape[1], device=tags.device))
    ends = last.flip(1).cummin(dim=1).values.flip(1)
    return torch.where(begins, types, 0), ends


def shared(predicted: Tensor, gold: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return the types of three sets of entities, each (N, T) as :func:`spans` gives them.

    Args:
        predicted: tags (N, T).
        gold: likewise.

    Returns:
        Those found (of both), those predicted and those of ``gold``.
    """
    predicted_types, predicted_ends = spans(predicted)
    gold_types, gold_ends = spans(gold)
    same = (predicted_types == gold_types) & (predicted_ends == gold_ends)
    return torch.where(same, gold_types, 0), predicted_types, gold_types


def listed(tags: Tensor) -> list[list[tuple[int, int, int]]]:
    """Return each sentence's entities as (type, first word, word after the last) from tags (N, T)."""
    found: list[list[tuple[int, int, int]]] = [[] for _ in tags]
    types, ends = spans(tags)
    for row, start in types.nonzero().tolist():
        found[row].append((int(types[row, start]) - 1, start, int(ends[row, start]) + 1))
    return found


def f1(found: float, predicted: float, gold: float) -> float:
    """Return the harmonic mean of precision and recall from counts; 0 if there is nothing to count."""
    return 2 * found / (predicted + gold) if predicted + gold else 0.0
