# SPDX-License-Identifier: Apache-2.0
"""Sample text from a model of the next character, one character at a time, at temperature 1.

A model sees one block of characters. A longer text is read from a start that moves on by half a
block at a time: a cache of keys and values with learned positions cannot slide by one, and every way to
generate, cached or not, must give the same text.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from assay.data.special_tokens import UNKNOWN

Logits = Callable[[Tensor], Tensor]
"""Maps ids (N, block) to logits (N, block, V)."""


def draw(logits: Tensor, generator: torch.Generator) -> Tensor:
    """Return ids (N,) drawn from logits (N, V): one character each, never padding or the unknown one."""
    chances = logits[:, UNKNOWN + 1 :].double().softmax(1).cumsum(1)
    drawn = torch.rand(len(logits), 1, generator=generator, dtype=torch.float64)
    return torch.searchsorted(chances, drawn).squeeze(1).clamp(max=chances.shape[1] - 1) + UNKNOWN + 1


def first_seen(length: int, block: int) -> int:
    """Return the first position that a model of ``block`` characters reads in a text of ``length`` characters."""
    half = max(block // 2, 1)
    return max(0, -(-(length - block) // half) * half)


def generate(
    logits_of: Logits, prompt: Tensor, length: int, block: int, generator: torch.Generator
) -> Tensor:
    """Return prompts (N, P) followed by ``length`` ids: (N, P + length).

    The rest of the block after the text is arbitrary: a model of the next character does not see it.
    """
    ids = torch.cat([prompt, prompt.new_zeros(len(prompt), length)], dim=1)
    for end in range(prompt.shape[1], ids.shape[1]):
        start = first_seen(end, block)
        seen = ids.new_zeros(len(ids), block)
        seen[:, : end - start] = ids[:, start:end]
        ids[:, end] = draw(logits_of(seen)[:, end - start - 1], generator)
    return ids
