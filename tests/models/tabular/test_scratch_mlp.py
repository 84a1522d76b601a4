"""Back-propagation against autograd and finite differences; descent against torch's SGD."""

import ast
import inspect

import numpy as np
import pytest
import torch
from torch import nn

from assay.models.tabular import scratch_mlp
from assay.models.tabular.scratch_mlp import ScratchMLP, forward, gradients, initialise, log_softmax


@pytest.fixture
def problem():
    """A network 6-5-4-3 and a batch of 7, in float64."""
    rng = np.random.default_rng(0)
    layers = [
        (rng.normal(size=(i, o)), rng.normal(size=o)) for i, o in zip((6, 5, 4), (5, 4, 3), strict=True)
    ]
    return layers, rng.normal(size=(7, 6)), rng.integers(0, 3, 7)


def fitted(images, targets, **changed):
    knobs = {
        "hidden": [16],
        "learning_rate": 0.1,
        "momentum": 0.0,
        "weight_decay": 0.0,
        "batch_size": 8,
        "epochs": 20,
    }
    classes = int(targets.max()) + 1
    model = ScratchMLP(shape=images.shape[1:], num_classes=classes, seed=0, **{**knobs, **changed})
    model.fit(images, targets)
    return model


def test_gradients_are_those_of_autograd(problem):
    layers, inputs, targets = problem
    tensors = [(torch.tensor(w, requires_grad=True), torch.tensor(b, requires_grad=True)) for w, b in layers]
    values = torch.tensor(inputs)
    for weights, biases in tensors[:-1]:
        values = torch.relu(values @ weights + biases)
    logits = values @ tensors[-1][0] + tensors[-1][1]
    expected = nn.functional.cross_entropy(logits, torch.tensor(targets))
    expected.backward()

    loss, found = gradients(layers, inputs, targets)
    np.testing.assert_allclose(forward(layers, inputs)[0], logits.detach().numpy(), rtol=1e-12, atol=1e-13)
    assert loss == pytest.approx(expected.item(), rel=1e-12)
    for (weights, biases), (down, down_biases) in zip(tensors, found, strict=True):
        np.testing.assert_allclose(down, weights.grad.numpy(), rtol=1e-10, atol=1e-14)
        np.testing.assert_allclose(down_biases, biases.grad.numpy(), rtol=1e-10, atol=1e-14)


def test_gradients_are_finite_differences(problem):
    layers, inputs, targets = problem
    _, found = gradients(layers, inputs, targets)
    for layer, slopes in zip(layers, found, strict=True):
        for values, slope in zip(layer, slopes, strict=True):
            for place in np.ndindex(values.shape):
                kept = values[place]
                values[place] = kept + 1e-6
                above, _ = gradients(layers, inputs, targets)
                values[place] = kept - 1e-6
                below, _ = gradients(layers, inputs, targets)
                values[place] = kept
                assert slope[place] == pytest.approx((above - below) / 2e-6, rel=1e-5, abs=1e-8)


def test_huge_logits_do_not_overflow():
    np.testing.assert_array_equal(log_softmax(np.array([[1e4, 0.0, -1e4]])), [[0.0, -1e4, -2e4]])


def test_a_linear_network_has_the_textbook_gradient():
    # One item, zero weights: softmax is 1/2 each, so dL/dW = x (1/2 - onehot).
    layers = [(np.zeros((2, 2)), np.zeros(2))]
    loss, [(down, down_biases)] = gradients(layers, np.array([[3.0, 5.0]]), np.array([1]))
    assert loss == pytest.approx(np.log(2))
    np.testing.assert_allclose(down, [[1.5, -1.5], [2.5, -2.5]])
    np.testing.assert_allclose(down_biases, [0.5, -0.5])


def test_steps_are_those_of_torch_sgd(digits):
    images, targets = digits[0][:64], digits[1][:64]
    knobs = {
        "hidden": [12],
        "learning_rate": 0.05,
        "momentum": 0.9,
        "weight_decay": 0.01,
        "batch_size": 24,
        "epochs": 3,
    }
    found = fitted(images, targets, **knobs)

    rng = np.random.default_rng(0)
    tensors = [
        [torch.tensor(v, requires_grad=True) for v in layer] for layer in initialise([64, 12, 10], rng)
    ]
    decayed = {"params": [w for w, _ in tensors], "weight_decay": 0.01}
    optimiser = torch.optim.SGD([decayed, {"params": [b for _, b in tensors]}], lr=0.05, momentum=0.9)
    inputs = torch.tensor(images).flatten(1)
    for _ in range(3):
        for batch in torch.tensor(rng.permutation(64)).split(24):
            hidden = torch.relu(inputs[batch] @ tensors[0][0] + tensors[0][1])
            logits = hidden @ tensors[1][0] + tensors[1][1]
            loss = nn.functional.cross_entropy(logits, torch.tensor(targets)[batch])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    for layer, expected in zip(found.layers, tensors, strict=True):
        for values, tensor in zip(layer, expected, strict=True):
            np.testing.assert_allclose(values, tensor.detach().numpy(), rtol=1e-4, atol=1e-5)


def test_initial_weights_are_those_of_he():
    (weights, biases), *_ = initialise([400, 500, 3], np.random.default_rng(0))
    assert weights.dtype == np.float32
    assert weights.var() == pytest.approx(2 / 400, rel=0.02)
    assert not biases.any()


def test_learns_exclusive_or():
    images = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=np.float32).reshape(4, 1, 1, 2)
    targets = np.array([0, 1, 1, 0])
    model = fitted(images, targets, batch_size=4, epochs=500, momentum=0.9)
    assert model.outputs(images).argmax(axis=1).tolist() == targets.tolist()


def test_learns_digits(digits):
    images, targets = digits
    model = fitted(images[:1300], targets[:1300], hidden=[64], batch_size=32, epochs=30, momentum=0.9)
    assert (model.outputs(images[1300:]).argmax(axis=1) == targets[1300:]).mean() > 0.92
    assert (model.outputs(images[:1300]).argmax(axis=1) == targets[:1300]).mean() > 0.99


def test_history_has_one_row_an_epoch(digits):
    images, targets = digits[0][:100], digits[1][:100]
    model = fitted(images, targets, epochs=4)
    assert [row["epoch"] for row in model.history] == [1, 2, 3, 4]
    assert model.history[-1]["train_loss"] < model.history[0]["train_loss"]
    model.fit(images, targets)
    assert len(model.history) == 4


def test_weight_decay_shrinks_weights(digits):
    images, targets = digits[0][:100], digits[1][:100]
    free, held = (fitted(images, targets, weight_decay=decay) for decay in (0.0, 0.1))
    assert np.square(held.layers[0][0]).sum() < np.square(free.layers[0][0]).sum()


def test_parameters_are_counted(digits):
    model = fitted(digits[0][:50], digits[1][:50], epochs=1)
    assert model.parameters() == 64 * 16 + 16 + 16 * 10 + 10


DECLARED = "assay.models.declaration"  # which imports no more than that


def test_numpy_alone():
    imported = {
        name.name if isinstance(node, ast.Import) else node.module
        for node in ast.walk(ast.parse(inspect.getsource(scratch_mlp)))
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for name in node.names
    }
    assert imported == {
        "__future__",
        "itertools",
        "math",
        "typing",
        "numpy",
        "numpy.typing",
        "pydantic",
        DECLARED,
    }
