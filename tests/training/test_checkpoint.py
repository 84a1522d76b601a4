"""An interrupted run resumes from its own checkpoint, and no other, to the same bits."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from assay.training import checkpoint
from tests.training.learning import (
    Interruption,
    KilledAfter,
    assert_equal,
    convolutional,
    digits,
    learn,
    noise,
    perceptron,
)
from tests.training.plain_training import PARAMS


@pytest.mark.parametrize("optimizer", ["adamw", "momentum"])
@pytest.mark.parametrize("make", [lambda: perceptron(dropout=0.3), convolutional])
def test_a_killed_run_resumes_to_the_same_bits(tmp_path, monkeypatch, make, optimizer):
    monkeypatch.setattr(checkpoint, "CHECKPOINT_SECONDS", 0.0)
    changes = {
        "params": PARAMS.model_copy(update={"augment": True}),
        "augment": noise,
        "epochs": 4,
        "schedule": "one_cycle",
        "warmup": 0.3,
        "momentum": 0.9,
        "optimizer": optimizer,
    }
    whole, killed = make(), make()
    expected = learn(tmp_path / "whole", whole, **changes)
    with pytest.raises(Interruption):
        learn(tmp_path / "killed", killed, task=KilledAfter(2), **changes)
    assert (tmp_path / "killed" / "last.ckpt").exists()
    torch.rand(7)  # random numbers that the next process used before
    resumed, task = make(), KilledAfter(2)  # would raise at a third epoch
    result = learn(tmp_path / "killed", resumed, task=task, **changes)
    assert task.left == 0
    assert_equal(resumed, whole)
    assert (result.history, result.best_epoch) == (expected.history, expected.best_epoch)
    assert not list((tmp_path / "killed").iterdir())


@pytest.mark.parametrize("change", ["seed", "params", "weights", "data", "bytes"])
def test_a_checkpoint_of_another_run_is_not_used(tmp_path, monkeypatch, change):
    monkeypatch.setattr(checkpoint, "CHECKPOINT_SECONDS", 0.0)
    with pytest.raises(Interruption):
        learn(tmp_path, perceptron(), task=KilledAfter(1))
    model, changes, splits = perceptron(), {}, digits()
    if change == "seed":
        changes["seed"] = 2
    elif change == "params":
        changes["learning_rate"] = 0.01
    elif change == "weights":
        nn.init.constant_(model[1].bias, 0.5)
    elif change == "data":
        splits = replace(splits[0], inputs=splits[0].inputs * 2), splits[1]
    else:
        with (tmp_path / "last.ckpt").open("ab") as stream:
            stream.write(b"!")
    task = KilledAfter(3)
    learn(tmp_path, model, splits=splits, task=task, **changes)
    assert task.left == 0  # three epochs, so from the beginning


def test_a_stale_checkpoint_is_not_used_after_a_kill_between_seal_and_checkpoint(tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoint, "CHECKPOINT_SECONDS", 0.0)
    with pytest.raises(Interruption):
        learn(tmp_path, perceptron(), task=KilledAfter(2), seed=7)
    stale = (tmp_path / "last.ckpt").read_bytes()
    with pytest.raises(Interruption):
        learn(tmp_path, perceptron(), task=KilledAfter(1))
    (tmp_path / "last.ckpt").write_bytes(stale)  # as if the second had died before its first renaming
    task = KilledAfter(3)
    learn(tmp_path, perceptron(), task=task)
    assert task.left == 0


def test_a_short_run_writes_no_checkpoint(tmp_path):
    with pytest.raises(Interruption):
        learn(tmp_path, perceptron(), task=KilledAfter(2))
    assert not list(tmp_path.iterdir())
