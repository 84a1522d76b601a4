# SPDX-License-Identifier: Apache-2.0
"""Knowledge distillation: a smaller student of the same class learns from the labels and the trained teacher.

Source: Hinton, Vinyals and Dean, "Distilling the Knowledge in a Neural Network", 2015,
https://arxiv.org/abs/1503.02531: soft targets at a temperature. Hidden states: Romero et al., "FitNets: Hints for
Thin Deep Nets", ICLR 2015, https://arxiv.org/abs/1412.6550, without their regressor: only if the states of both
networks have the same shape. With ``teacher`` = 0 the same student learns from the labels only, for comparison.
"""

from __future__ import annotations

import contextlib
import copy
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Literal

import safetensors.torch
import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from assay.artifacts.store import count_parameters
from assay.artifacts.weights import plain_state
from assay.compression.context import CompressedModel, CompressionContext, Method
from assay.compression.support.student_init import inherit
from assay.config import registry
from assay.models.capabilities import OwnLoss
from assay.provenance.records import Skip
from assay.tasks.protocol import Objective, SmoothsLabels, training_loss

NEVER = -1e4
"""The logit of classes that the loss does not use: far below all others, but finite."""


def compress(
    context: CompressionContext,
    *,
    temperature: Annotated[float, Field(ge=1, le=100)],
    teacher: Annotated[float, Field(ge=0, le=1)],
    hidden: Annotated[float, Field(ge=0)],
    epochs: Annotated[float, Field(gt=0, le=20)],
    begin: Literal["drawn", "teacher"],
) -> CompressedModel:
    """Return a student distilled from the context's network.

    Args:
        temperature: divides the logits of both networks before they are compared, if the outputs are logits.
        teacher: weight of the teacher in the loss; the labels have the rest. 0 does not use the teacher.
        hidden: weight, relative to the soft targets, of the squared error between the inputs of the last Linear
            layers of both networks, in units of the teacher's mean square; ignored if the shapes differ.
        epochs: training steps, as a share of the teacher's.
        begin: whether the student is initialised randomly from the cell's seed, or with the teacher's strongest
            units, as far as they fit (:mod:`assay.compression.support.student_init`).

    Raises:
        Skip: the model's row has no student, or it is not smaller than its teacher, or the items have weights.
    """
    if context.student is None:
        raise Skip(f"params.yaml describes no student of {context.cell['model']}")
    if context.splits["train"].weights is not None:
        raise Skip("the training items have weights, which distillation does not support")
    target, arguments = context.record["target"], {**context.record["arguments"], **context.student}
    torch.manual_seed(context.cell["seed"])
    student = registry.load(target)(**arguments)
    parameters, before = count_parameters(student), count_parameters(context.model)
    if parameters >= before:
        raise Skip(f"the student has {parameters} parameters, its teacher {before}: it is not smaller")
    if begin == "teacher":
        inherit(student, context.model, context.examples)
    smoothing = context.cell["training"]["label_smoothing"]
    taught = Taught(
        student, Lesson(context.model, context.task, temperature, teacher, hidden, label_smoothing=smoothing)
    )
    context.fine_tune(taught, share=epochs, rate=1.0)
    return CompressedModel("safetensors", student, parameters, {"arguments": arguments})


@dataclass(frozen=True)
class Lesson:
    """The teacher of a student, and the weights of the loss."""

    teacher: nn.Module
    task: Objective
    temperature: float
    share: float
    """The weight of the teacher in the loss."""
    hidden: float
    label_smoothing: float


class Taught(nn.Module, OwnLoss):
    """A student during training: the weights of this module are the student's, without the teacher's."""

    def __init__(self, student: nn.Module, lesson: Lesson) -> None:
        super().__init__()
        self.student, self.lesson = student, lesson
        self._teacher = [
            copy.deepcopy(lesson.teacher).eval().requires_grad_(False)
        ]  # a list is not registered

    def extra_repr(self) -> str:
        """Return the settings: an interrupted training is resumed only with the same teacher and lesson."""
        lesson = self.lesson
        digest = hashlib.sha256(safetensors.torch.save(plain_state(lesson.teacher))).hexdigest()
        return f"{lesson.temperature}, {lesson.share}, {lesson.hidden}, {digest}"

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the student's outputs."""
        outputs: Tensor = self.student(inputs)
        return outputs

    def loss(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """Return the mixed loss for inputs (N, ...) and targets (N, ...); in evaluation mode the loss of the labels."""
        own = self.student.loss if isinstance(self.student, OwnLoss) else None
        share = self.lesson.share if self.training else 0.0
        if own is not None and not share:
            return own(inputs, targets)
        with listening(self.student) as states:
            outputs = self.student(inputs).float()
        smoothing = self.lesson.label_smoothing if self.training else 0.0
        loss = training_loss(self.lesson.task, smoothing)
        hard: Tensor = own(inputs, targets) if own is not None else loss(outputs, targets)
        if not share:
            return hard
        return (1 - share) * hard + share * self.imitation(inputs, targets, outputs, states)

    def imitation(self, inputs: Tensor, targets: Tensor, outputs: Tensor, states: list[Tensor]) -> Tensor:
        """Return how far outputs (N, ..., K) and states of the student are from the teacher's."""
        teacher = self._teacher[0].to(inputs.device)
        with torch.no_grad(), listening(teacher) as taught:
            expected = teacher(inputs).float()
        read = read_by(self.lesson.task, outputs, targets)
        if isinstance(self.lesson.task, SmoothsLabels):
            loss = soft_loss(outputs, expected, read, self.lesson.temperature)
        else:  # no classes, so no temperature: the teacher's outputs are the targets
            loss = self.lesson.task.loss(outputs, expected)
        if self.lesson.hidden and states and taught and states[-1].shape == taught[-1].shape:
            loss = loss + self.lesson.hidden * hidden_loss(states[-1], taught[-1], read.any(dim=-1))
        return loss


@contextlib.contextmanager
def listening(network: nn.Module) -> Iterator[list[Tensor]]:
    """Yield a list that receives the inputs of the last Linear layer of ``network``; it stays empty without one."""
    heard: list[Tensor] = []
    layers = [layer for layer in network.modules() if isinstance(layer, nn.Linear)]
    handles = [
        layer.register_forward_pre_hook(lambda _, inputs: heard.append(inputs[0])) for layer in layers[-1:]
    ]
    try:
        yield heard
    finally:
        for handle in handles:
            handle.remove()


def read_by(task: Objective, outputs: Tensor, targets: Tensor) -> Tensor:
    """Return which of the outputs (N, ..., K) the task's loss uses: not those of padding, nor of other tasks.

    They are those with a gradient: at outputs of zero no probability is so small that its gradient vanishes.
    """
    zeros = torch.zeros_like(outputs, dtype=torch.float32, requires_grad=True)
    with torch.enable_grad():
        (gradient,) = torch.autograd.grad(task.loss(zeros, targets), zeros)
    return gradient != 0


def soft_loss(outputs: Tensor, expected: Tensor, read: Tensor, temperature: float) -> Tensor:
    """Return the Kullback-Leibler divergence in nats of softened probabilities, times the temperature squared.

    Args:
        outputs: (N, ..., K) logits of the student; ``expected`` those of the teacher.
        read: (N, ..., K), which of them count; the mean is over the rows in which any of them does.
    """
    # Rows without any such entry become uniform in both networks: a divergence of zero.
    student, teacher = (
        (logits / temperature).masked_fill(~read, NEVER).log_softmax(dim=-1) for logits in (outputs, expected)
    )
    divergence = F.kl_div(student, teacher, log_target=True, reduction="sum")
    return temperature**2 * divergence / read.any(dim=-1).sum().clamp(min=1)


def hidden_loss(states: Tensor, expected: Tensor, rows: Tensor) -> Tensor:
    """Return the mean squared error of states (N, ..., D) in units of the teacher's mean square.

    Args:
        rows: (N, ...), which positions count; all do if the positions of states and outputs differ.
    """
    if rows.ndim == states.ndim - 1:
        rows = rows[tuple(slice(size) for size in states.shape[:-1])]  # networks may cut padding off
        states, expected = states[rows], expected[rows]
    error = F.mse_loss(states.float(), expected.float())
    return error / expected.float().square().mean().clamp(min=1e-12)


METHOD = Method(compress, loops=("supervised",), student=True)
