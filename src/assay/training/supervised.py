# SPDX-License-Identifier: Apache-2.0
"""The training loop of networks, with Lightning's Trainer.

With its default settings Lightning more than halves the speed of a small network. Its overhead per batch is reduced to
an overhead per block: a Lightning "batch" is a block of many optimizer steps, gathered and augmented at once, over
which ``training_step`` loops. With several processes a block is one step, since the reducer of DistributedDataParallel
expects one backward pass per forward pass.

All random numbers depend only on the seed and the epoch, so that an interrupted run ends with the same weights.
"""

from __future__ import annotations

import contextlib
import ctypes
import math
import random
import re
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np
import pytorch_lightning as pl
import torch
from torch import Tensor, nn
from torch.multiprocessing.spawn import ProcessRaisedException

from assay.config.training import Diverged, TrainerParams, TrainingParams, TrainResult
from assay.data.splits import Batch, Split
from assay.models.capabilities import OwnLoss
from assay.tasks.protocol import Augment, Objective, training_loss, weighted_loss
from assay.training import lightning as lightning_trainer
from assay.training.checkpoint import Checkpoint
from assay.training.loop import Loop
from assay.training.optimizers import learning_rate, optimizer_of

BLOCK_ITEMS = 2048
"""The number of items gathered and augmented at once: some 6 MB of 28x28 scans, which fit in the processor's cache."""
VALIDATION_ITEMS = 512
"""The number of items in a forward pass of validation."""


def train(
    model: nn.Module,
    task: Objective,
    train: Split,
    validation: Split,
    *,
    params: TrainingParams,
    trainer: TrainerParams,
    seed: int,
    threads: int,
    augment: Augment | None,
    folder: Path,
) -> TrainResult:
    """Train ``model`` in place; it ends with the weights of its best epoch on ``validation``.

    The best epoch has the best watched metric and, among equals, the lowest loss. An interrupted run resumes from the
    checkpoint in ``folder`` if it was written with the same code, data, params, seed and initial weights.

    Raises:
        Diverged: the loss is not finite.
        ValueError: the params do not fit the data or the machine.
    """
    began = time.monotonic()
    torch.set_num_threads(threads)
    _keep_memory()
    if any(isinstance(module, nn.Conv2d) for module in model.modules()):
        _lay_out(model, torch.channels_last)
    checkpoint = Checkpoint(folder, model, [params, trainer, seed, threads], [train, validation])
    module = _Module(
        model, task, train, validation, params, seed, augment if params.augment else None, checkpoint
    )
    with lightning_trainer.quiet():
        lightning = lightning_trainer.make(
            trainer, lightning_trainer.precision(trainer, model), module.epochs
        )
        lightning_trainer.check_devices(trainer, module.batch_size, lightning)
        try:
            lightning.fit(module, ckpt_path=checkpoint.trusted(), weights_only=True)
        except ProcessRaisedException as error:
            diverged = re.search(r"Diverged: .* at optimizer step (\d+)", str(error))
            raise Diverged(int(diverged[1])) if diverged else error from None
        finally:
            torch.set_flush_denormal(False)
    history = _history(lightning.callback_metrics["history"], _columns(task))
    best_epoch = int(lightning.callback_metrics["best_epoch"])
    earlier = float(lightning.callback_metrics["earlier_seconds"])
    if lightning.is_global_zero:
        checkpoint.remove()
    model.zero_grad()
    _lay_out(model, torch.contiguous_format)
    model.eval()
    return TrainResult(history, best_epoch, len(history), earlier + time.monotonic() - began)


def _lay_out(model: nn.Module, memory_format: torch.memory_format) -> None:
    # torch's type stubs lack this overload.
    model.to(memory_format=memory_format)  # type: ignore[call-overload]


def _keep_memory() -> None:
    """Configure malloc to keep freed memory for the next tensors.

    By default glibc returns large blocks to the kernel, which clears their pages again at the next step: up to a
    quarter of a convolutional network's time.
    """
    trim_threshold, mmap_max = -1, -4  # M_TRIM_THRESHOLD and M_MMAP_MAX of malloc.h
    with contextlib.suppress(AttributeError, OSError):  # another C library
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(trim_threshold, 2**31 - 1)
        mallopt(mmap_max, 0)


def _derive(seed: int, *path: int) -> int:
    """Return a seed that is distinct for each path, in [0, 2**63)."""
    return int(np.random.SeedSequence([seed, *path]).generate_state(1, np.uint64)[0] >> 1)


ORDER, AUGMENTATION, DROPOUT = range(3)


class _Blocks:
    """The training items, block by block, in an order that depends on the seed and the epoch."""

    def __init__(self, module: _Module, train: Split, augment: Augment | None, seed: int) -> None:
        self.module, self.augment, self.seed = module, augment, seed
        self.split = train
        trainer = module.trainer
        self.world, self.rank = trainer.world_size, trainer.global_rank
        self.batch, self.num_steps = module.batch_size, module.steps_per_epoch
        self.block = self.batch * max(BLOCK_ITEMS // self.batch, 1)

    def __len__(self) -> int:
        return self.num_steps if self.world > 1 else math.ceil(self.num_steps * self.batch / self.block)

    def __iter__(self) -> Iterator[Batch]:
        epoch = self.module.current_epoch
        generator = torch.Generator().manual_seed(_derive(self.seed, epoch, ORDER))
        left = self.module.num_steps - epoch * self.num_steps
        order = torch.randperm(len(self.split), generator=generator)
        order = order[: min(self.num_steps, left) * self.batch]
        if self.split.lengths is not None:
            order = group_by_length(order, self.split.lengths, self.batch, self.block, generator)
        for number, rows in enumerate(torch.split(order, self.block)):
            block = self.split.batch(rows)
            if self.augment:
                generator = torch.Generator().manual_seed(_derive(self.seed, epoch, AUGMENTATION, number))
                block = replace(block, inputs=self.augment(block.inputs, generator))
            if self.world == 1:
                yield block
                continue
            # Each process makes the whole block and takes its share of each step, so that the random
            # numbers are the same for any number of processes.
            for batch in block.split(self.batch):
                yield batch.shard(self.rank, self.world)


def group_by_length(
    order: Tensor, lengths: Tensor, batch: int, block: int, generator: torch.Generator
) -> Tensor:
    """Return the order of items (M,) with each block's items grouped into batches of similar length.

    The batches of a block are in random order; otherwise every block would end with the longest.
    """
    blocks = []
    for items in torch.split(order, block):
        batches = items[lengths[items].argsort(stable=True)].view(-1, batch)
        blocks.append(batches[torch.randperm(len(batches), generator=generator)].flatten())
    return torch.cat(blocks)


class _Module(pl.LightningModule):
    """A model in training."""

    def __init__(
        self,
        model: nn.Module,
        task: Objective,
        train: Split,
        validation: Split,
        params: TrainingParams,
        seed: int,
        augment: Augment | None,
        checkpoint: Checkpoint,
    ) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.model, self.task, self.params, self.seed = model, task, params, seed
        self.own_loss = model.loss if isinstance(model, OwnLoss) else None
        self.loss = training_loss(task, params.label_smoothing)
        self.weighted_loss = None
        if train.weights is not None:
            if self.own_loss:
                raise ValueError(
                    f"{type(model).__name__} does not support item weights, but the data have them"
                )
            self.weighted_loss = weighted_loss(task, params.label_smoothing)
        self.train_split, self.validation, self.augment = train, validation, augment
        self.checkpoint = checkpoint
        self.batch_size = min(params.batch_size, len(train))
        self.steps_per_epoch = len(train) // self.batch_size
        self.num_steps = params.epochs * self.steps_per_epoch
        if params.max_steps:
            self.num_steps = min(self.num_steps, params.max_steps)
        self.epochs = math.ceil(self.num_steps / self.steps_per_epoch)
        self.steps_done = 0
        self.losses: list[Tensor] = []  # one per block of this epoch, (steps,) each
        self.history: list[dict[str, float]] = []
        self.best: dict[str, Tensor] = {}
        self.best_epoch = 0
        self.best_rank = (-math.inf, -math.inf)
        self.began = time.monotonic()
        self.earlier_seconds = 0.0

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return optimizer_of(self.model, self.params)

    def train_dataloader(self) -> Any:
        return _Blocks(self, self.train_split, self.augment, self.seed)

    def on_train_start(self) -> None:
        # Adam's averages of vanished gradients become denormals, which cost a tenth of the speed.
        torch.set_flush_denormal(True)
        lengths = self.validation.lengths
        if lengths is not None:  # otherwise every batch would be as wide as the longest item
            self.validation = self.validation.take(lengths.argsort(stable=True))

    def transfer_batch_to_device(self, batch: Batch, device: torch.device, dataloader_idx: int) -> Batch:
        """Return a block on the device; Lightning's default would rebuild it field by field."""
        del dataloader_idx
        return batch.to(device)

    def on_train_epoch_start(self) -> None:
        seed = _derive(self.seed, self.current_epoch, DROPOUT, self.global_rank)
        random.seed(seed)
        np.random.seed(seed % 2**32)
        torch.manual_seed(seed)
        self.losses = []

    def training_step(self, block: Batch, _: int) -> None:
        """Take the block's optimizer steps, one per batch."""
        loss_of = self._own_loss if self.own_loss else self._task_loss
        optimizer = cast(torch.optim.Optimizer, self.optimizers(use_pl_optimizer=False))
        weights = [weight for group in optimizer.param_groups for weight in group["params"]]
        world = self.trainer.world_size
        backward = Tensor.backward if world == 1 else self.manual_backward
        losses = []
        for batch in block.split(self.batch_size // world):
            rate = learning_rate(self.steps_done, self.num_steps, self.params)
            for group in optimizer.param_groups:
                group["lr"] = rate
            loss = loss_of(batch)
            for weight in weights:
                weight.grad = None
            backward(loss)
            if self.params.gradient_clip:
                nn.utils.clip_grad_norm_(weights, self.params.gradient_clip)
            optimizer.step()
            losses.append(loss.detach())
            self.steps_done += 1
        self.losses.append(self._finite(torch.stack(losses)))
        if self.trainer.received_sigterm:
            raise SystemExit(128 + signal.SIGTERM)  # Lightning would continue to the end of the epoch

    def _task_loss(self, batch: Batch) -> Tensor:
        with self.trainer.precision_plugin.forward_context():
            outputs = self.model(batch.inputs)
        if self.weighted_loss:
            assert batch.weights is not None
            return self.weighted_loss(outputs.float(), batch.targets, batch.weights)
        return self.loss(outputs.float(), batch.targets)

    def _own_loss(self, batch: Batch) -> Tensor:
        assert self.own_loss
        with self.trainer.precision_plugin.forward_context():
            return self.own_loss(batch.inputs, batch.targets).float()

    def _finite(self, losses: Tensor) -> Tensor:
        finite = losses.isfinite()
        if not finite.all():
            raise Diverged(self.steps_done - len(losses) + int(finite.int().argmin()) + 1)
        return losses

    def on_train_epoch_end(self) -> None:
        """Validate, keep the best weights, save a checkpoint if one is due, stop if the metric no longer improves."""
        row = self._row()
        is_due = self.checkpoint.is_due() and self.current_epoch + 1 < self.epochs
        if self.trainer.world_size > 1:  # batch norm's buffers and the clock differ between processes
            row, is_due = self.trainer.strategy.broadcast((row, is_due))
        self.history.append(row)
        if not math.isfinite(row["validation_loss"]):
            raise Diverged(self.steps_done)
        metric = self.task.watched
        rank = (metric.rank(row[f"validation_{metric.name}"]), -row["validation_loss"])
        if rank > self.best_rank:
            self.best_rank, self.best_epoch = rank, len(self.history)
            self.best = {name: value.clone() for name, value in self.model.state_dict().items()}
        if self.params.patience and len(self.history) - self.best_epoch >= self.params.patience:
            self.trainer.should_stop = True
        elif is_due:
            self.checkpoint.save(self.trainer)

    def _row(self) -> dict[str, float]:
        optimizer = cast(torch.optim.Optimizer, self.optimizers(use_pl_optimizer=False))
        train_loss = cast(
            Tensor, self.trainer.strategy.reduce(torch.cat(self.losses).mean(), reduce_op="mean")
        )
        values = (len(self.history) + 1, train_loss.item(), *self._validate())
        return dict(zip(_columns(self.task), (*values, optimizer.param_groups[0]["lr"]), strict=True))

    @torch.inference_mode()
    def _validate(self) -> tuple[float, float]:
        """Return the loss, without label smoothing, and the watched metric on validation."""
        self.model.eval()
        sums, own = [], 0.0
        for batch in self.validation.batches(VALIDATION_ITEMS):
            batch = batch.to(self.device)
            with self.trainer.precision_plugin.forward_context():
                outputs = self.model(batch.inputs)
            sums.append(self.task.metric_state(outputs.float(), batch.targets))
            if self.own_loss:
                own += self._own_loss(batch).item() * len(batch)
        self.model.train()
        loss, metric = self.task.compute_watched(torch.stack(sums).sum(dim=0))
        return own / len(self.validation) if self.own_loss else loss, metric

    def on_train_end(self) -> None:
        """Restore the best weights, and pass the result to the main process through the trainer's metrics."""
        self.model.load_state_dict(self.best)
        rows = [[row[column] for column in _columns(self.task)] for row in self.history]
        self.trainer.callback_metrics.update(
            history=torch.tensor(rows, dtype=torch.float64),
            best_epoch=torch.tensor(self.best_epoch),
            earlier_seconds=torch.tensor(self.earlier_seconds, dtype=torch.float64),
        )

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["assay"] = {
            "steps_done": self.steps_done,
            "history": self.history,
            "best": self.best,
            "best_epoch": self.best_epoch,
            "best_rank": list(self.best_rank),
            "earlier_seconds": self.earlier_seconds + time.monotonic() - self.began,
        }

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        state = checkpoint["assay"]
        self.steps_done, self.history = state["steps_done"], state["history"]
        self.best, self.best_epoch = state["best"], state["best_epoch"]
        self.best_rank = tuple(state["best_rank"])
        self.earlier_seconds = state["earlier_seconds"]


def _columns(task: Objective) -> tuple[str, ...]:
    return ("epoch", "train_loss", "validation_loss", f"validation_{task.watched.name}", "learning_rate")


def _history(rows: Tensor, columns: tuple[str, ...]) -> list[dict[str, float]]:
    return [
        {
            column: int(value) if column == "epoch" else value
            for column, value in zip(columns, row, strict=True)
        }
        for row in rows.tolist()
    ]


class Start(Protocol):
    """Weights from which training starts."""

    def into(self, model: nn.Module) -> None: ...


def learn(
    family: Callable[..., nn.Module],
    arguments: dict[str, Any],
    spec: dict[str, Any],
    splits: dict[str, Any],
    *,
    task: Objective,
    augment: Augment | None,
    start: Start | None,
    folder: Path,
) -> tuple[nn.Module, TrainResult]:
    """Build a network, its weights initialised with the seed of ``spec``, and train it.

    Args:
        start: overwrites the initial weights of the parts that the network's class copies from it.
    """
    torch.manual_seed(spec["seed"])
    model = family(**arguments)
    if start:
        start.into(model)
    result = train(
        model,
        task,
        splits["train"],
        splits["validation"],
        params=TrainingParams.model_validate(spec["training"]),
        trainer=TrainerParams.model_validate(spec["lightning"]),
        seed=spec["seed"],
        threads=1,
        augment=augment,
        folder=folder,
    )
    return model, result


LOOP = Loop(learn, params="assay.config.training:TrainingParams", uses_trainer=True)
