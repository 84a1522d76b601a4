"""How many of the tokens that training reads are padding, with and without batches of items alike in length.

    python benchmarks/padding.py [--task multi30k]

Prints a table; reads data/prepared. Counted over one epoch, source and target, with the task's batch size.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from assay.config.params import load_params
from assay.data.special_tokens import PADDING
from assay.data.splits import Split
from assay.tasks import loading
from assay.training.supervised import BLOCK_ITEMS, alike


def share(split: Split, order: torch.Tensor, batch: int, source_length: int) -> float:
    """Return the share of padding in what is left of each batch once columns of padding alone are cut."""
    read = words = 0
    for rows in torch.split(order, batch):
        for part in split.inputs[rows].split([source_length, split.inputs.shape[1] - source_length], dim=1):
            real = part != PADDING
            read += len(rows) * int(real.any(dim=0).sum())
            words += int(real.sum())
    return 1 - words / read


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--task", default="multi30k", help="a task of pairs in params.yaml")
    parser.add_argument("--prepared", type=Path, default=Path("data/prepared"), help="where its dataset lies")
    arguments = parser.parse_args()
    params = load_params(Path("params.yaml"))
    asked = params.tasks[arguments.task]
    batch = (params.training.model_dump() | asked.training.model_dump(exclude_unset=True))["batch_size"]
    task = loading.load(asked.kind)
    folder = arguments.prepared / asked.dataset
    split = task.load(folder, ("train",))["train"]
    source_length = task.model_arguments(folder)["source_length"]
    generator = torch.Generator().manual_seed(0)
    order = torch.randperm(len(split.targets), generator=generator)
    order = order[: len(order) // batch * batch]
    grouped = alike(order, split.lengths, batch, batch * max(BLOCK_ITEMS // batch, 1), generator)
    whole = 1 - (split.inputs != PADDING).float().mean().item()
    print(f"| {arguments.task}, batches of {batch} | padding |\n|---|---|")
    print(f"| all items padded to the longest | {whole:.1%} |")
    print(f"| batches of any items | {share(split, order, batch, source_length):.1%} |")
    print(f"| batches of items alike in length | {share(split, grouped, batch, source_length):.1%} |")


if __name__ == "__main__":
    main()
