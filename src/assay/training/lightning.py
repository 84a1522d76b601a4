# SPDX-License-Identifier: Apache-2.0
"""Lightning's Trainer for the flags of params.yaml: devices, strategy, precision, a progress bar."""

from __future__ import annotations

import contextlib
import logging
import sys
import warnings
from collections.abc import Generator, Iterator
from typing import Any, Literal

import pytorch_lightning as pl
import torch
from lightning_fabric.plugins.environments.lightning import LightningEnvironment
from pytorch_lightning.accelerators import CUDAAccelerator
from pytorch_lightning.plugins import MixedPrecision
from torch import nn
from tqdm import tqdm

from assay.config.training import NO_LAUNCHER, TrainerParams

Precision = Literal["32-true", "bf16-mixed"]
BFLOAT16 = ("amx_bf16", "avx512_bf16")
"""Features of a processor that multiplies bfloat16 numbers itself: a text network's step takes half the time so."""


class _ForwardInBfloat16(MixedPrecision):
    """Autocast of the forward pass alone: Lightning's would cover ``training_step``, backward included."""

    @contextlib.contextmanager
    def train_step_context(self) -> Generator[None, None, None]:
        yield


class _Progress(pl.Callback):
    """One line on the terminal: epochs done, and how validation went."""

    def on_train_start(self, trainer: pl.Trainer, *_: Any) -> None:
        self.bar = tqdm(total=trainer.max_epochs, initial=trainer.current_epoch, unit="epoch", leave=False)

    def on_train_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        self.bar.set_postfix(block=f"{trainer.fit_loop.batch_idx + 1}/{trainer.num_training_batches}")

    def on_train_epoch_end(self, *_: Any) -> None:
        self.bar.update()

    def on_train_end(self, *_: Any) -> None:
        self.bar.close()

    def on_exception(self, *_: Any) -> None:
        self.bar.close()


def precision(trainer: TrainerParams, model: nn.Module) -> Precision:
    """Return the precision that ``bf16-auto`` means for a model on this machine."""
    if trainer.precision != "bf16-auto":
        return trainer.precision
    weighty = [module for module in model.modules() if list(module.parameters(recurse=False))]
    if all(isinstance(module, nn.Linear | nn.Embedding) for module in weighty):
        return (
            "32-true"  # converting costs a small perceptron more than it saves: 0.6 of its speed at batch 32
        )
    capabilities = torch.cpu.get_capabilities()
    is_fast = _device(trainer) == "cuda" or any(capabilities.get(name, False) for name in BFLOAT16)
    return "bf16-mixed" if is_fast else "32-true"


def _device(trainer: TrainerParams) -> str:
    # torch.cuda.is_available() would start CUDA, after which ddp_fork could not fork.
    return "cuda" if trainer.accelerator != "cpu" and CUDAAccelerator.is_available() else "cpu"


def make(trainer: TrainerParams, numbers: Precision, epochs: int) -> pl.Trainer:
    """Return Lightning's Trainer with these flags and nothing of what a small network would wait for."""
    plugins: list[Any] = []
    if numbers == "bf16-mixed":
        plugins.append(_ForwardInBfloat16(numbers, _device(trainer)))
    if trainer.num_nodes == 1 and trainer.strategy != "ddp":
        # Inside a Slurm step of one task Lightning would silently use one process, whatever was asked.
        plugins.append(LightningEnvironment())
    return pl.Trainer(
        accelerator=trainer.accelerator,
        devices=trainer.devices,
        num_nodes=trainer.num_nodes,
        strategy=_strategy(trainer),
        plugins=plugins,
        max_epochs=epochs,
        callbacks=[_Progress()] if sys.stderr.isatty() else [],
        limit_val_batches=0,
        logger=False,
        enable_checkpointing=False,
        enable_model_summary=False,
        enable_progress_bar=False,
        use_distributed_sampler=False,
    )


def _strategy(trainer: TrainerParams) -> str:
    """Return what ``auto`` means: of several devices of one node, the way to start processes that a job can go.

    Lightning would run the program's command line again for each device; a job's process has none of its own.
    """
    devices = trainer.devices
    if devices == "auto":
        devices = CUDAAccelerator.auto_device_count() if _device(trainer) == "cuda" else 1
    return "ddp_fork" if trainer.strategy == "auto" and trainer.num_nodes == 1 < devices else trainer.strategy


def check_devices(trainer: TrainerParams, batch_size: int, lightning: pl.Trainer) -> None:
    """Raise ValueError if the processes that came up are not those that were asked for."""
    world = lightning.world_size
    environment = getattr(lightning.strategy, "cluster_environment", None)
    if trainer.needs_launcher and not (environment and environment.creates_processes_externally):
        raise ValueError(NO_LAUNCHER)
    if trainer.devices != "auto" and world != trainer.devices * trainer.num_nodes:
        asked = f"trainer: devices = {trainer.devices}, num_nodes = {trainer.num_nodes}"
        raise ValueError(f"{asked}: {world} processes came up; launch one task a device, or use ddp_fork")
    if batch_size % world:
        raise ValueError(f"training.batch_size = {batch_size}: not a multiple of {world} processes")


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep Lightning's advice to itself."""
    for name in ("pytorch_lightning", "lightning_fabric"):
        logging.getLogger(name).setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"pytorch_lightning|lightning_fabric")
        yield
