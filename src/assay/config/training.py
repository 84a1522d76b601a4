# SPDX-License-Identifier: Apache-2.0
"""The parameters of training and its result; imports no torch.

The two sections are part of params.yaml, which holds all of their values.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from assay.config.section import Section
from assay.provenance.records import EndsAs

NO_LAUNCHER = (
    "trainer: num_nodes above 1 and strategy = ddp need srun or torchrun, and neither started this process;"
    " set num_nodes: 1 and strategy: auto"
)
LAUNCHED = ("SLURM_NTASKS", "TORCHELASTIC_RUN_ID")
"""Variables by which Lightning recognises srun and torchrun."""


class TrainingParams(Section):
    """How a neural model is trained, the same on every machine."""

    optimizer: Literal["sgd", "momentum", "adagrad", "rmsprop", "adam", "adamw"]
    """The optimizer; ``sgd`` is plain gradient descent, ``momentum`` the heavy-ball method."""
    learning_rate: float = Field(gt=0, le=100)
    """Highest learning rate of the schedule, per optimizer step."""
    momentum: float = Field(ge=0, lt=1)
    """Fraction of the last step kept in the next one; used only by ``momentum`` and ``rmsprop``."""
    weight_decay: float = Field(ge=0, le=10)
    """Weight decay of weights with two or more dimensions (no biases, no norms): decoupled from the
    gradient in ``adamw``, an L2 penalty in the others."""
    schedule: Literal["constant", "cosine", "one_cycle", "step"]
    """Learning rate after warm-up: constant; half a cosine to zero; half a cosine to 1/250,000
    (Smith 2018), with a warm-up from 1/25; a tenth from half and a hundredth from three quarters of all
    steps (He 2016)."""
    warmup: float = Field(ge=0, lt=1)
    """Fraction of all optimizer steps during which the learning rate rises to its highest."""
    batch_size: int = Field(ge=1)
    """Items per optimizer step, over all devices together; an incomplete last batch of an epoch is dropped."""
    epochs: int = Field(ge=1)
    """Maximum number of passes over the training items."""
    max_steps: int = Field(ge=0)
    """Maximum number of optimizer steps, over all epochs; 0 for no limit."""
    label_smoothing: float = Field(ge=0, lt=1)
    """Fraction of the target's probability spread over all classes (Szegedy 2016), during training only."""
    gradient_clip: float = Field(ge=0)
    """Maximum Euclidean norm of all gradients together; 0 for no clipping."""
    augment: bool
    """Whether training batches are augmented as the dataset declares."""
    patience: int = Field(ge=0)
    """Early stopping: number of epochs without a better validation result after which training ends; 0 for never."""


class TrainerParams(Section):
    """Where a neural model is trained; the values are Lightning's."""

    accelerator: Literal["auto", "cpu", "gpu"]
    """The hardware; ``auto`` is a GPU if there is one."""
    devices: int | Literal["auto"] = Field(ge=1, le=1024)
    """Devices, or processes on a CPU, per node; ``auto`` is every GPU, or one process on a CPU."""
    num_nodes: int = Field(ge=1, le=1024)
    """Machines; more than one needs a cluster's launcher (srun, torchrun)."""
    strategy: Literal["auto", "ddp", "ddp_fork"]
    """How several devices work together: ``ddp_fork`` starts the other processes itself, on one node; ``ddp``
    needs srun or torchrun to have started them."""
    precision: Literal["32-true", "bf16-mixed", "bf16-auto"]
    """Precision of the forward pass; ``bf16-auto`` is bf16-mixed on a GPU or processor that multiplies bfloat16
    matrices in hardware (AMX, AVX-512 BF16), 32-true elsewhere."""

    @property
    def needs_launcher(self) -> bool:
        """Whether srun or torchrun must have started this process; otherwise Lightning waits for the others forever."""
        return self.num_nodes > 1 or self.strategy == "ddp"

    def check_launcher(self) -> None:
        """Raise a one-line ValueError if a launcher is needed but did not start this process."""
        if self.needs_launcher and not any(name in os.environ for name in LAUNCHED):
            raise ValueError(NO_LAUNCHER)


@dataclass(frozen=True)
class TrainResult:
    """The result of training, except the weights."""

    history: list[dict[str, float]]
    """One row per epoch, with the columns that this model can fill."""
    best_epoch: int
    """Epoch whose weights were kept, counted from 1; chosen on validation."""
    epochs_run: int
    seconds: float
    """Wall time of training, including the earlier part of an interrupted run."""


class Diverged(EndsAs):
    """The loss is no longer a finite number."""

    status = "diverged"

    def __init__(self, step: int) -> None:
        super().__init__(
            f"the loss is not finite at optimizer step {step}; lower the learning rate or clip gradients"
        )
        self.step = step
        """Optimizer step at which it was first noticed, counted from 1."""

    def __reduce__(self) -> tuple[type[Diverged], tuple[int]]:
        return type(self), (self.step,)  # the default would rebuild it from its message
