"""How fast training reads from a mapped file: python benchmarks/memory_map.py --megabytes 400

Images of random pixels are written, then an epoch is learned by turns from memory and from the file, --rounds times.
Prints images a second, medians, for a linear classifier, for which reading is much of the time, and for a small
convolutional network.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import torch
from torch import nn

from assay.data import items
from assay.data.splits import Split
from assay.tasks import loading
from tests.training import large_data

NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "linear": lambda: nn.Sequential(nn.Flatten(), nn.Linear(784, 10)),
    "convolutional": lambda: nn.Sequential(
        nn.Conv2d(1, 8, 3, stride=2), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 13 * 13, 10)
    ),
}


def seconds(splits: Mapping[str, Split], network: Callable[[], nn.Module], folder: Path) -> float:
    """Return the duration of an epoch of training, validation on a few items included."""
    began = time.perf_counter()
    large_data.train_an_epoch(network(), splits, folder)
    return time.perf_counter() - began


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        large_data.write(folder, arguments.megabytes * 10**6)
        splits = {}
        for way, limit in (("memory", 2**62), ("map", 0)):
            items.IN_MEMORY_BYTES = limit
            splits[way] = loading.load("image_classification").load(folder, ("train", "validation"))
        print("| network | memory, images/s | map, images/s | ratio |\n|---|---|---|---|")
        for label, network in NETWORKS.items():
            rates: dict[str, list[float]] = {way: [] for way in splits}
            for _ in range(arguments.rounds):
                for way, found in splits.items():
                    took = seconds(found, network, folder)
                    rates[way].append(len(found["train"]) / took)
            memory, mapped = (statistics.median(rates[way]) for way in ("memory", "map"))
            print(f"| {label} | {memory:,.0f} | {mapped:,.0f} | {mapped / memory:.2f} |", flush=True)


if __name__ == "__main__":
    torch.manual_seed(0)
    main()
