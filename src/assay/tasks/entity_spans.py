# SPDX-License-Identifier: Apache-2.0
"""Named entities of tagged sentences, and the entities that two taggings share.

Tags are numbered ``O`` = 0, ``B-x`` = 2 i + 1, ``I-x`` = 2 i + 2 for the entity type number i. As in the
evaluation of CoNLL-2000, an ``I-x`` that follows neither ``B-x`` nor ``I-x`` begins an entity, and an entity is
correct if its first word, its last word and its type are.

Source: Tjong Kim Sang, Buchholz, "Introduction to the CoNLL-2000 Shared Task: Chunking", CoNLL 2000,
https://aclanthology.org/W00-0726, and its program conlleval.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def spans(tags: Tensor) -> tuple[Tensor, Tensor]:
    """Return the types of entities at their first words, and the positions of their last words.

    Args:
        tags: (N, T), padded with 0.

    Returns:
        types: (N, T), 1 + the type's number at an entity's first word, else 0.
        ends: (N, T), at an entity's first word the position of its last word.
    """
    types = (tags + 1) // 2  # (N, T), 0 outside of entities
    before = F.pad(types[:, :-1], (1, 0))
    begins = (types > 0) & ((tags % 2 == 1) | (types != before))
    continues = F.pad(
        ((types > 0) & ~begins)[:, 1:], (0, 1)
    )  # whether the next word belongs to the same entity
    last = torch.where(continues, tags.shape[1], torch.arange(tags.shape[1], device=tags.device))
    ends = last.flip(1).cummin(dim=1).values.flip(1)
    return torch.where(begins, types, 0), ends


def shared(predicted: Tensor, gold: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return the types of three sets of entities, each (N, T) in the form of :func:`spans`.

    Args:
        predicted: tags (N, T).
        gold: tags (N, T).

    Returns:
        The entities in both (found), those in ``predicted`` and those in ``gold``.
    """
    predicted_types, predicted_ends = spans(predicted)
    gold_types, gold_ends = spans(gold)
    same = (predicted_types == gold_types) & (predicted_ends == gold_ends)
    return torch.where(same, gold_types, 0), predicted_types, gold_types


def listed(tags: Tensor) -> list[list[tuple[int, int, int]]]:
    """Return each sentence's entities as (type, first word, word after the last) from tags (N, T)."""
    entities: list[list[tuple[int, int, int]]] = [[] for _ in tags]
    types, ends = spans(tags)
    for row, start in types.nonzero().tolist():
        entities[row].append((int(types[row, start]) - 1, start, int(ends[row, start]) + 1))
    return entities


def f1(found: float, predicted: float, gold: float) -> float:
    """Return the harmonic mean of precision and recall from counts; 0 if there are no entities."""
    return 2 * found / (predicted + gold) if predicted + gold else 0.0
