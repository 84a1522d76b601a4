# SPDX-License-Identifier: Apache-2.0
"""Lightning's Trainer, made from the ``trainer`` section of params.yaml: devices, strategy, precision, progress bar."""

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
"""Features of processors with bfloat16 multiplication, which halves the time of a text network's step."""


class _ForwardInBfloat16(MixedPrecision):
    """Autocast of the forward pass only: Lightning's would cover all of ``training_step``, backward included."""

    @contextlib.contextmanager
    def train_step_context(self) -> Generator[None, None, None]:
        yield


class _Progress(pl.Callback):
    """A progress bar on the terminal: the epoch, and the block within it."""

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
    """Return the trainer's precision, with ``bf16-auto`` resolved for this model and machine."""
    if trainer.precision != "bf16-auto":
        return trainer.precision
    with_weights = [module for module in model.modules() if list(module.parameters(recurse=False))]
    if all(isinstance(module, nn.Linear | nn.Embedding) for module in with_weights):
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
    """Return Lightning's Trainer with these settings, without the features that slow a small network down."""
    plugins: list[Any] = []
    if numbers == "bf16-mixed":
        plugins.append(_ForwardInBfloat16(numbers, _device(trainer)))
    if trainer.num_nodes == 1 and trainer.strategy != "ddp":
        # Inside a Slurm step of one task Lightning would silently use one process, ignoring `devices`.
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
    """Return the trainer's strategy; ``auto`` on several devices of one node is ``ddp_fork``.

    Lightning's default reruns the command line for each device, and a job's process has none of its own.
    """
    devices = trainer.devices
    if devices == "auto":
        devices = CUDAAccelerator.auto_device_count() if _device(trainer) == "cuda" else 1
    return "ddp_fork" if trainer.strategy == "auto" and trainer.num_nodes == 1 < devices else trainer.strategy


def check_devices(trainer: TrainerParams, batch_size: int, lightning: pl.Trainer) -> None:
    """Check that the processes that started are those that the ``trainer`` section requests.

    Raises:
        ValueError: they are not, or the batch size is not a multiple of their number.
    """
    world = lightning.world_size
    environment = getattr(lightning.strategy, "cluster_environment", None)
    if trainer.needs_launcher and not (environment and environment.creates_processes_externally):
        raise ValueError(NO_LAUNCHER)
    if trainer.devices != "auto" and world != trainer.devices * trainer.num_nodes:
        requested = f"trainer: devices = {trainer.devices}, num_nodes = {trainer.num_nodes}"
        raise ValueError(
            f"{requested}: {world} processes started; launch one task per device, or use ddp_fork"
        )
    if batch_size % world:
        raise ValueError(f"training.batch_size = {batch_size}: not a multiple of {world} processes")


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Suppress Lightning's log messages and warnings."""
    for name in ("pytorch_lightning", "lightning_fabric"):
        logging.getLogger(name).setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"pytorch_lightning|lightning_fabric")
        yield
