# SPDX-License-Identifier: Apache-2.0
"""Optimizers and learning rate schedules, by their names in params.yaml."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import nn

from assay.config.training import TrainingParams


def learning_rate(step: int, num_steps: int, params: TrainingParams) -> float:
    """Return the learning rate of one of ``num_steps`` optimizer steps, counted from 0."""
    top = params.learning_rate
    if params.schedule == "one_cycle":
        corner = max(
            params.warmup * num_steps - 1, 0
        )  # the maximum, as in torch's OneCycleLR; not always an integer
        if step < corner:
            return _half_cosine(top / 25, top, step / corner)
        return _half_cosine(top, top / 250_000, (step - corner) / (num_steps - 1 - corner or 1))
    warmup = round(params.warmup * num_steps)
    if step < warmup:
        return top * (step + 1) / warmup
    if params.schedule == "cosine":
        return _half_cosine(top, 0.0, (step - warmup) / (num_steps - warmup))
    if params.schedule == "step":
        return top * 0.1 ** ((2 * step >= num_steps) + (4 * step >= 3 * num_steps))
    return top


def _half_cosine(start: float, end: float, done: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * done)) / 2


def optimizer_of(model: nn.Module, params: TrainingParams) -> torch.optim.Optimizer:
    """Return the optimizer of a model's weights; one-dimensional weights (biases, scales) are not decayed."""
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    groups: list[dict[str, Any]] = [{"params": weights, "weight_decay": 0.0}]
    if params.weight_decay:
        groups = [
            {"params": [w for w in weights if w.ndim > 1], "weight_decay": params.weight_decay},
            {"params": [w for w in weights if w.ndim <= 1], "weight_decay": 0.0},
        ]
    rate = params.learning_rate
    match params.optimizer:
        case "sgd":
            return torch.optim.SGD(groups, lr=rate, fused=True)
        case "momentum":
            return torch.optim.SGD(groups, lr=rate, momentum=params.momentum, fused=True)
        case "adagrad":
            return torch.optim.Adagrad(groups, lr=rate, fused=True)
        case "rmsprop":
            return torch.optim.RMSprop(groups, lr=rate, momentum=params.momentum)
        case "adam":
            return torch.optim.Adam(groups, lr=rate, fused=True)
        case "adamw":
            return torch.optim.AdamW(groups, lr=rate, fused=True)
