"""The loop that everyone writes: what training_throughput.py holds Assay's training against.

    python plain_torch.py DATA.npz CORE

reads one line a round, "NET BATCH_SIZE ITEMS", and answers with the seconds of one epoch over so many items:
wall and processor.
"""

import os
import sys
import time

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from assay.models.image.cnn import CNN
from assay.models.image.mlp import MLP


def make(net: str) -> nn.Module:
    """Return one of the two networks, its first weights always the same."""
    torch.manual_seed(0)
    if net == "mlp":
        return MLP(shape=(1, 28, 28), num_classes=10, hidden=[128, 128], dropout=0.0)
    return CNN(shape=(1, 28, 28), num_classes=10, channels=[32, 64, 64], dense=64, dropout=0.0)


def train(model: nn.Module, inputs: Tensor, targets: Tensor, *, batch_size: int) -> None:
    """Train ``model`` for one epoch with fused Adam at 0.001; items that fill no batch are left out."""
    if isinstance(model, CNN):
        model.to(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.001, fused=True)
    order = torch.randperm(len(targets))
    for start in range(0, len(targets) - batch_size + 1, batch_size):
        items = order[start : start + batch_size]
        optimizer.zero_grad()
        F.cross_entropy(model(inputs[items]), targets[items]).backward()
        optimizer.step()


def serve() -> None:
    os.sched_setaffinity(0, {int(sys.argv[2])})
    torch.set_num_threads(1)
    data = np.load(sys.argv[1])
    images, labels = torch.from_numpy(data["images"]), torch.from_numpy(data["labels"])
    for line in sys.stdin:
        net, batch_size, items = line.split()
        model, count = make(net), int(items)
        wall, processor = time.perf_counter(), time.process_time()
        train(model, images[:count], labels[:count], batch_size=int(batch_size))
        print(time.perf_counter() - wall, time.process_time() - processor, flush=True)


if __name__ == "__main__":
    serve()
