"""The loop that everyone writes: what training_throughput.py holds Assay's training against."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def train(model: nn.Module, inputs: Tensor, targets: Tensor, *, batch_size: int) -> None:
    """Train ``model`` for one epoch with fused Adam at 0.001; items that fill no batch are left out."""
    if inputs.ndim == 4 and any(isinstance(module, nn.Conv2d) for module in model.modules()):
        model.to(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.001, fused=True)
    model.train()
    order = torch.randperm(len(targets))
    for start in range(0, len(targets) - batch_size + 1, batch_size):
        items = order[start : start + batch_size]
        optimizer.zero_grad()
        F.cross_entropy(model(inputs[items]), targets[items]).backward()
        optimizer.step()
