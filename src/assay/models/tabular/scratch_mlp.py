# SPDX-License-Identifier: Apache-2.0
"""A multi-layer perceptron in plain NumPy: forward pass, back-propagation and gradient descent from the formulas.

Source: Rumelhart, Hinton and Williams, "Learning representations by back-propagating errors", Nature 1986,
https://doi.org/10.1038/323533a0, with ReLU units and the initial weights of He et al., ICCV 2015,
https://arxiv.org/abs/1502.01852. With a_0 the input, z_l = a_(l-1) W_l + b_l, a_l = max(z_l, 0), and the
loss the mean cross-entropy of softmax(z_L):

    dL/dz_L = (softmax(z_L) - onehot(target)) / N
    dL/dW_l = a_(l-1)^T dL/dz_l,  dL/db_l = the sum of dL/dz_l over the batch
    dL/dz_l = (dL/dz_(l+1) W_(l+1)^T) where z_l > 0, else 0

and each step v <- momentum * v - learning_rate * (dL/dW + weight_decay * W), W <- W + v; biases do not
decay.
"""

from __future__ import annotations

from itertools import pairwise
from math import prod
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from assay.models.declaration import Estimator

Floats = NDArray[np.floating]
Layer = tuple[Floats, Floats]
"""Weights (inputs, outputs) and biases (outputs,)."""


def initialise(widths: list[int], rng: np.random.Generator) -> list[Layer]:
    """Draw weights from a normal distribution of variance 2 / inputs; biases are 0; float32."""
    layers: list[Layer] = []
    for inputs, outputs in pairwise(widths):
        weights = rng.standard_normal((inputs, outputs), dtype=np.float32) * np.float32(np.sqrt(2 / inputs))
        layers.append((weights, np.zeros(outputs, dtype=np.float32)))
    return layers


def forward(layers: list[Layer], inputs: Floats) -> tuple[Floats, list[Floats]]:
    """Return logits (N, K) and the inputs of each layer, for the backward pass."""
    activations = [inputs]
    for weights, biases in layers[:-1]:
        activations.append(np.maximum(activations[-1] @ weights + biases, 0))
    weights, biases = layers[-1]
    return activations[-1] @ weights + biases, activations


def log_softmax(logits: Floats) -> Floats:
    """Return the logarithm of the softmax of each row; the row's maximum is subtracted to avoid overflow."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    result: Floats = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return result


def gradients(layers: list[Layer], inputs: Floats, targets: NDArray[np.int64]) -> tuple[float, list[Layer]]:
    """Return the loss of a batch, and its gradients with respect to each layer's weights and biases, in order."""
    logits, activations = forward(layers, inputs)
    scores = log_softmax(logits)
    rows = np.arange(len(targets))
    loss = float(-scores[rows, targets].mean())
    errors = np.exp(scores)
    errors[rows, targets] -= 1
    errors /= len(targets)  # dL/dz of the last layer: (N, K)
    found: list[Layer] = []
    for index in reversed(range(len(layers))):
        found.append((activations[index].T @ errors, errors.sum(axis=0)))
        if index > 0:
            errors = (errors @ layers[index][0].T) * (activations[index] > 0)
    return loss, found[::-1]


class ScratchMLP:
    """Fully connected layers with ReLU, trained by mini-batch gradient descent with momentum.

    ``history`` holds one row per epoch: ``epoch`` from 1, ``train_loss`` the mean over its batches.

    Args:
        shape: (C, H, W) of one image; any is flattened.
        num_classes: number of logits.
        seed: draws the initial weights and the order of the items.
        hidden: units of each hidden layer; an empty list leaves a linear classifier.
        learning_rate: step along the gradient.
        momentum: share of the last step that is kept.
        weight_decay: factor of the weights that is added to their gradient.
        batch_size: items per step; the last batch of an epoch may be smaller.
        epochs: passes over the items.
    """

    def __init__(
        self,
        *,
        shape: tuple[int, int, int],
        num_classes: int,
        seed: int,
        hidden: list[Annotated[int, Field(ge=1)]],
        learning_rate: Annotated[float, Field(gt=0)],
        momentum: Annotated[float, Field(ge=0, lt=1)],
        weight_decay: Annotated[float, Field(ge=0)],
        batch_size: Annotated[int, Field(ge=1)],
        epochs: Annotated[int, Field(ge=1)],
    ) -> None:
        self.widths = [prod(shape), *hidden, num_classes]
        self.seed = seed
        self.learning_rate = learning_rate
        self.momentum = momentum
        self.weight_decay = weight_decay
        self.batch_size = batch_size
        self.epochs = epochs
        self.layers: list[Layer] = []
        self.history: list[dict[str, float]] = []

    def fit(self, images: NDArray[np.float32], targets: NDArray[np.int64]) -> None:
        """Fit on images (N, C, H, W) and targets (N,), from scratch each time."""
        rng = np.random.default_rng(self.seed)
        inputs = images.reshape(len(images), -1)
        self.layers = initialise(self.widths, rng)
        self.history = []
        velocities = [(np.zeros_like(weights), np.zeros_like(biases)) for weights, biases in self.layers]
        for epoch in range(1, self.epochs + 1):
            order = rng.permutation(len(inputs))
            losses = 0.0
            for start in range(0, len(order), self.batch_size):
                batch = order[start : start + self.batch_size]
                loss, slopes = gradients(self.layers, inputs[batch], targets[batch])
                self.step(slopes, velocities)
                losses += loss * len(batch)
            self.history.append({"epoch": epoch, "train_loss": losses / len(order)})

    def step(self, slopes: list[Layer], velocities: list[Layer]) -> None:
        """Move weights, biases and velocities, in place, one step down the gradient."""
        for (weights, biases), (down, down_biases), (speed, speed_biases) in zip(
            self.layers, slopes, velocities, strict=True
        ):
            speed *= self.momentum
            speed -= self.learning_rate * (down + self.weight_decay * weights)
            speed_biases *= self.momentum
            speed_biases -= self.learning_rate * down_biases
            weights += speed
            biases += speed_biases

    def outputs(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the last layer's outputs (N, num_classes)."""
        outputs, _ = forward(self.layers, images.reshape(len(images), -1))
        return outputs.astype(np.float32)

    def parameters(self) -> int:
        """Return the number of learned parameters: weights and biases."""
        return sum(weights.size + biases.size for weights, biases in self.layers)


MODEL = Estimator(ScratchMLP, family="from the formulas", signatures=("image -> class",))
