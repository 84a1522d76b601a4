# SPDX-License-Identifier: Apache-2.0
"""Vary training texts: swap neighbours, drop words. Each step draws from the generator that it is given.

Shapes: a batch is (N, T) token ids, padded on the right. Labels are never seen here, and items keep their
places. Padding is never touched, so a text keeps its length.

Source: Wei, Zou, "EDA: Easy Data Augmentation Techniques for Boosting Performance on Text Classification
Tasks", EMNLP 2019, https://arxiv.org/abs/1901.11196, with neighbours in place of any two words and an
unknown word in place of a gap.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from assay.data.declarations import TextAugmentation
from assay.data.special_tokens import PADDING, UNKNOWN


def augment(tokens: Tensor, declared: TextAugmentation, generator: torch.Generator) -> Tensor:
    """Return a varied copy of ``tokens``; a part of ``declared`` that is zero draws and changes nothing.

    Args:
        generator: on the CPU, so that every device gets the same draws.
    """
    if declared.swap:
        tokens = swap(tokens, declared.swap, generator)
    if declared.drop:
        tokens = drop(tokens, declared.drop, generator)
    return tokens


def swap(tokens: Tensor, probability: float, generator: torch.Generator) -> Tensor:
    """Let some words change places with their right neighbour; of chosen neighbours the first one does."""
    chosen = (torch.rand(tokens.shape, generator=generator) < probability).to(tokens.device)
    chosen[:, :-1] &= tokens[:, 1:] != PADDING
    chosen[:, -1] = False
    first = chosen & ~functional.pad(chosen, (1, -1))  # (N, T), no two side by side
    second = functional.pad(first, (1, -1))
    return torch.where(first, tokens.roll(-1, 1), torch.where(second, tokens.roll(1, 1), tokens))


def drop(tokens: Tensor, probability: float, generator: torch.Generator) -> Tensor:
    """Make some words unknown."""
    chosen = (torch.rand(tokens.shape, generator=generator) < probability).to(tokens.device)
    return tokens.masked_fill(chosen & (tokens != PADDING), UNKNOWN)
