"""Optimizers and schedules equal PyTorch's of the same names."""

import math

import pytest
import torch
from torch import nn

from assay.training.optimizers import learning_rate, optimizer_of
from tests.training.plain_training import PARAMS


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "adagrad", "rmsprop", "adam", "adamw"])
def test_every_optimizer_is_that_of_torch(optimizer):
    params = PARAMS.model_copy(update={"optimizer": optimizer, "momentum": 0.9, "weight_decay": 0.1})
    optimizer_made = optimizer_of(nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 2)), params)
    expected = {"sgd": "SGD", "momentum": "SGD", "adagrad": "Adagrad", "rmsprop": "RMSprop"}
    assert type(optimizer_made).__name__ == expected.get(
        optimizer, "AdamW" if optimizer == "adamw" else "Adam"
    )
    matrices, vectors = optimizer_made.param_groups
    assert (matrices["weight_decay"], vectors["weight_decay"]) == (0.1, 0.0)
    assert {weight.ndim for weight in matrices["params"]} == {2}
    assert matrices.get("momentum", 0.0) == (0.9 if optimizer in ("momentum", "rmsprop") else 0.0)


@pytest.mark.parametrize("warmup", [0.1, 0.3])
def test_one_cycle_is_that_of_torch(warmup):
    params = PARAMS.model_copy(update={"schedule": "one_cycle", "warmup": warmup, "learning_rate": 0.5})
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.5)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=0.5, total_steps=40, pct_start=warmup, cycle_momentum=False
    )
    for step in range(40):
        assert learning_rate(step, 40, params) == pytest.approx(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()


def test_schedules_by_hand():
    def course(schedule, warmup, num_steps):
        params = PARAMS.model_copy(update={"schedule": schedule, "warmup": warmup, "learning_rate": 1.0})
        return [learning_rate(step, num_steps, params) for step in range(num_steps)]

    assert course("constant", 0.5, 4) == [0.5, 1.0, 1.0, 1.0]
    assert course("step", 0.0, 4) == pytest.approx([1.0, 1.0, 0.1, 0.01])
    assert course("cosine", 0.0, 4) == pytest.approx(
        [1.0, (1 + math.sqrt(0.5)) / 2, 0.5, (1 - math.sqrt(0.5)) / 2]
    )
    assert course("one_cycle", 0.0, 1) == [1.0]
    for schedule in ("constant", "cosine", "one_cycle", "step"):
        for warmup in (0.0, 0.01, 0.5, 0.99):
            for num_steps in (1, 2, 3, 50):
                assert all(0 <= rate <= 1 for rate in course(schedule, warmup, num_steps))
