# SPDX-License-Identifier: Apache-2.0
"""Shared by networks that predict a missing word: its position, its neighbours, the restored text."""

from __future__ import annotations

import torch
from torch.nn import functional as F

from assay.data.special_tokens import MASK, UNKNOWN

NEVER = -1e4
"""Logit of what is never said: far below all others, and finite."""


def at_mask(states: torch.Tensor, ids: torch.Tensor) -> torch.Tensor:
    """Return the state (N, D) of states (N, T, D) where ids (N, T) have the mask."""
    return (states * (ids == MASK).unsqueeze(2).to(states.dtype)).sum(dim=1)


def near_mask(ids: torch.Tensor, window: int) -> torch.Tensor:
    """Return 1.0 in (N, T) for the known words at most ``window`` places from the mask, 0.0 elsewhere."""
    masked = (ids == MASK).float()
    near = F.max_pool1d(masked.unsqueeze(1), 2 * window + 1, stride=1, padding=window).squeeze(1)
    return near * (ids > MASK)


def unmasked(ids: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Return ids (N, T) with each text's masked word, targets (N,), restored."""
    return torch.where(ids == MASK, targets.unsqueeze(1), ids)


def known(ids: torch.Tensor, words: int) -> torch.Tensor:
    """Return ids (N, T) in which words without their own vector are unknown."""
    return torch.where(ids < words, ids, UNKNOWN)


def noise(ids: torch.Tensor, count: int) -> torch.Tensor:
    """Return words (count,) drawn from ids (N, T) by their frequency; any id if there are none."""
    words = ids[ids > MASK]
    if not len(words):
        return ids[0, :1]
    return words[torch.randint(len(words), (count,), device=ids.device)]


def only_words(scores: torch.Tensor, vocabulary: int) -> torch.Tensor:
    """Return scores (N, words) as logits (N, vocabulary); ids without a vector, or not words, are never predicted."""
    return F.pad(scores[:, MASK + 1 :], (MASK + 1, vocabulary - scores.shape[1]), value=NEVER)
