"""GPT training: Assay beside a plain PyTorch loop over the same net, windows and optimizer, one core.

    python benchmarks/gpt_training.py [--rounds 7] [--steps 120]

The net, batch and schedule are those of nanoGPT's setting for a processor. Prints tokens per second: the median
over rounds in which the contenders take turns, and the median of each round's ratio to the plain loop in the same
precision. Assay's time holds all that a cell pays (Trainer, validation on 12 windows, best weights). The windows
are random: what is learned does not change the speed.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from torch.nn import functional as F

from assay.config.params import load_params
from assay.config.training import TrainerParams, TrainingParams
from assay.data.splits import Split
from assay.models.language.gpt import GPT
from assay.tasks import language_modelling
from assay.training import supervised
from assay.training.optimizers import learning_rate

VOCABULARY, BLOCK, BATCH = 67, 64, 12
PRECISIONS = ("32-true", "bf16-mixed")


def windows(count: int) -> Split:
    """Return random windows of ids with their targets."""
    ids = torch.randint(2, VOCABULARY, (count, BLOCK + 1), generator=torch.Generator().manual_seed(0))
    return Split(ids[:, :-1].contiguous(), ids[:, 1:].contiguous(), torch.arange(count).numpy())


def make() -> GPT:
    torch.manual_seed(0)
    return GPT(vocabulary=VOCABULARY, shape=(BLOCK,), width=128, depth=4, heads=4, dropout=0.0)


def plain(data: Split, params: TrainingParams, precision: str) -> None:
    """Train as everyone writes it."""
    model = make()
    decayed = [weight for weight in model.parameters() if weight.ndim > 1]
    others = [weight for weight in model.parameters() if weight.ndim <= 1]
    groups = [
        {"params": decayed, "weight_decay": params.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=params.learning_rate, fused=True)
    order = torch.randperm(len(data.targets))
    steps = len(order) // BATCH
    for step in range(steps):
        items = order[step * BATCH : (step + 1) * BATCH]
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, steps, params)
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16-mixed"):
            logits = model(data.inputs[items])
        loss = F.cross_entropy(logits.float().flatten(0, 1), data.targets[items].flatten())
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), params.gradient_clip)
        optimizer.step()


def assay(data: Split, params: TrainingParams, precision: str) -> None:
    """Train as a cell does."""
    trainer = TrainerParams.model_validate(
        {"accelerator": "cpu", "devices": 1, "num_nodes": 1, "strategy": "auto", "precision": precision}
    )
    with tempfile.TemporaryDirectory() as folder:
        supervised.train(
            make(),
            language_modelling.TASK,
            data,
            data.take(torch.arange(BATCH)),
            params=params,
            trainer=trainer,
            seed=0,
            threads=1,
            augment=None,
            folder=Path(folder),
        )


CONTENDERS = {"plain PyTorch": plain, "assay": assay}


def timed(work: Callable[[], None]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--steps", type=int, default=120)
    arguments = parser.parse_args()
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    torch.set_num_threads(1)
    params = (
        load_params(Path("params.yaml"))
        .training_of("public", "tinyshakespeare", "gpt")
        .model_copy(update={"epochs": 1})
    )
    data = windows(arguments.steps * BATCH)
    print(f"{'precision':11} {'contender':14} {'tokens/s':>9} {'to plain':>9}")
    for precision in PRECISIONS:
        contenders = {
            name: partial(run, data, params, precision)
            for name, run in (("plain PyTorch", plain), ("assay", assay))
        }
        for run in contenders.values():
            run()  # warm-up
        rounds = [{name: timed(run) for name, run in contenders.items()} for _ in range(arguments.rounds)]
        for name in contenders:
            speed = statistics.median(arguments.steps * BATCH * BLOCK / taken[name] for taken in rounds)
            ratio = statistics.median(taken["plain PyTorch"] / taken[name] for taken in rounds)
            print(f"{precision:11} {name:14} {speed:9,.0f} {ratio:9.2f}", flush=True)


if __name__ == "__main__":
    main()
