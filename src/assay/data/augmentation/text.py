# SPDX-License-Identifier: Apache-2.0
"""Augmentation of training texts: swapping neighbours, dropping words. Each step uses the given generator.

Shapes: a batch is (N, T) token ids, padded on the right. The order of items is kept, and padding is unchanged, so a
text keeps its length.

Source: Wei, Zou, "EDA: Easy Data Augmentation Techniques for Boosting Performance on Text Classification
Tasks", EMNLP 2019, https://arxiv.org/abs/1901.11196, with neighbours instead of any two words and an
unknown word instead of a deleted one.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from assay.data.declarations import TextAugmentation
from assay.data.special_tokens import PADDING, UNKNOWN


def augment(tokens: Tensor, declared: TextAugmentation, generator: torch.Generator) -> Tensor:
    """Return an augmented copy of ``tokens``; a step whose parameter is zero is skipped and uses no random numbers.

    Args:
        generator: on the CPU, so that every device gets the same random numbers.
    """
    if declared.swap:
        tokens = swap(tokens, declared.swap, generator)
    if declared.drop:
        tokens = drop(tokens, declared.drop, generator)
    return tokens


def swap(tokens: Tensor, probability: float, generator: torch.Generator) -> Tensor:
    """Swap some words with their right neighbours; of adjacent chosen words only the first is swapped."""
    chosen = (torch.rand(tokens.shape, generator=generator) < probability).to(tokens.device)
    chosen[:, :-1] &= tokens[:, 1:] != PADDING
    chosen[:, -1] = False
    first = chosen & ~functional.pad(chosen, (1, -1))  # (N, T), no two adjacent
    second = functional.pad(first, (1, -1))
    return torch.where(first, tokens.roll(-1, 1), torch.where(second, tokens.roll(1, 1), tokens))


def drop(tokens: Tensor, probability: float, generator: torch.Generator) -> Tensor:
    """Replace some words by the unknown word."""
    chosen = (torch.rand(tokens.shape, generator=generator) < probability).to(tokens.device)
    return tokens.masked_fill(chosen & (tokens != PADDING), UNKNOWN)
